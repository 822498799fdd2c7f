"""Observations as the challenge's evaluator builds them."""

import numpy as np

CAMERAS = ("zed_link", "left_realsense_link", "right_realsense_link")


def observation(robot, seed, task, size, proprio):
    """An observation as the evaluator builds it; the numbers come from the seed alone."""
    rng = np.random.default_rng(seed)
    state = rng.uniform(-0.5, 0.5, proprio).astype(np.float32)
    # Fingers half open, so that no correction rule fires.
    for finger in [193, 194, 232, 233] if proprio == 256 else [24, 25, 49, 50]:
        state[finger] = 0.025
    obs = {f"{robot}::proprio": state}
    for camera in CAMERAS:
        obs[f"{robot}::{robot}:{camera}:Camera:0::rgb"] = rng.integers(0, 256, (size, size, 4), dtype=np.uint8)
    obs[f"{robot}::cam_rel_poses"] = rng.normal(size=21).astype(np.float32)
    obs["task_id"] = np.array([task], dtype=np.int64)
    obs["need_new_action"] = False
    return obs
