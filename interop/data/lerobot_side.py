"""Writes a small data set with the installed LeRobot and tells what its own reader makes of it: one JSON line."""

import json
import sys
from pathlib import Path

import numpy as np

try:  # 0.3 and 0.4
    from lerobot.datasets.lerobot_dataset import LeRobotDataset
except ImportError:
    from lerobot.common.datasets.lerobot_dataset import LeRobotDataset

SIZE, WIDTH, LENGTHS, TASKS = 64, 23, [40, 55, 47], ["Turn on the radio.", "Pick up the cans.", "Turn on the radio."]
CAMERAS = [f"observation.images.rgb.{name}" for name in ("head", "left_wrist", "right_wrist")]


def picture(episode: int, frame: int, camera: int) -> np.ndarray:
    rgb = np.zeros((SIZE, SIZE, 3), np.uint8)
    rgb[:, :, camera] = 40 + 60 * episode
    for bit in range(8):
        rgb[:16, 8 * bit : 8 * bit + 8] = 255 if frame >> bit & 1 else 0
    return rgb


def main(root: str, videos: bool) -> None:
    features = {
        "observation.state": {"dtype": "float32", "shape": (61,), "names": None},
        "action": {"dtype": "float32", "shape": (WIDTH,), "names": None},
    }
    for name in CAMERAS:
        dtype = "video" if videos else "image"
        features[name] = {"dtype": dtype, "shape": (SIZE, SIZE, 3), "names": ["height", "width", "channels"]}
    data = LeRobotDataset.create("made/here", 30, features, root=root, robot_type="R1Pro", use_videos=videos)
    rng = np.random.default_rng(0)
    actions = []
    for episode, (length, task) in enumerate(zip(LENGTHS, TASKS)):
        action = rng.standard_normal((length, WIDTH)).astype(np.float32)
        for frame in range(length):
            row = {"observation.state": rng.standard_normal(61).astype(np.float32), "action": action[frame]}
            row |= {name: picture(episode, frame, c) for c, name in enumerate(CAMERAS)}
            try:
                data.add_frame(row | {"task": task})
            except TypeError:  # 0.3 takes the task beside the frame
                data.add_frame(row, task=task)
        data.save_episode()
        actions.append(action)
    if hasattr(data, "finalize"):
        data.finalize()
    print(json.dumps({"lengths": LENGTHS, "tasks": TASKS, "actions": [a.ravel().tolist() for a in actions]}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] == "videos")
