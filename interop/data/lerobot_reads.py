"""Opens a data set with the installed LeRobot and tells what its reader makes of it: one JSON line."""

import json
import sys

import numpy as np

try:  # 0.3 and 0.4
    from lerobot.datasets.lerobot_dataset import LeRobotDataset
except ImportError:
    from lerobot.common.datasets.lerobot_dataset import LeRobotDataset


def main(root: str) -> None:
    data = LeRobotDataset("made/here", root=root, video_backend="pyav")
    cameras = data.meta.camera_keys
    frames = []
    for i in range(len(data)):
        item = data[i]
        pictures = [np.rint(item[name].numpy() * 255).astype(np.uint8) for name in cameras]
        frames.append(
            {
                "episode": int(item["episode_index"]),
                "frame": int(item["frame_index"]),
                "task": item["task"],
                "action": item["action"].tolist(),
                "levels": [[round(float(p[c].mean()), 2) for c in range(3)] for p in pictures],
            }
        )
    stats = {key: np.asarray(data.meta.stats["action"][key]).tolist() for key in ("mean", "std")}
    print(json.dumps({"episodes": data.num_episodes, "frames": frames, "cameras": cameras, "stats": stats}))


if __name__ == "__main__":
    main(sys.argv[1])
