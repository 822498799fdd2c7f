"""The client of `valet bench server`: the real openpi-client, the same one against every server. JSON lines in, JSON lines out."""

import json
import sys
import time

import numpy as np
from openpi_client.websocket_client_policy import WebsocketClientPolicy

CAMERAS = ("zed_link", "left_realsense_link", "right_realsense_link")
SIDES = {"224": (224, 224, 224), "full": (720, 480, 480)}
# width of an action, length of the proprioception, its fingers and where a half-open one stands
ROBOT = json.loads(sys.argv[1])
clients = {}


def observation(size):
    """What the challenge's evaluator sends: proprioception, three RGBA pictures, camera poses, the task."""
    rng = np.random.default_rng(0)
    state = np.zeros(ROBOT["length"], dtype=np.float32)
    state[ROBOT["fingers"]] = ROBOT["halfOpen"]
    result = {"robot_r1::proprio": state}
    for camera, side in zip(CAMERAS, SIDES[size]):
        result[f"robot_r1::robot_r1:{camera}:Camera:0::rgb"] = rng.integers(0, 256, (side, side, 4), dtype=np.uint8)
    result["robot_r1::cam_rel_poses"] = np.zeros(21, dtype=np.float32)
    result["task_id"] = np.array([0], dtype=np.int64)
    return result


def answer(request):
    name = request["server"]
    if request["do"] == "connect":
        clients[name] = WebsocketClientPolicy("127.0.0.1", request["port"])
        return {}
    client = clients[name]
    if request.get("reset"):
        client._ws.send(client._packer.pack({"reset": True}))
    sent = observation(request["size"])
    times = []
    for _ in range(request["count"]):
        began = time.perf_counter()
        reply = client.infer(sent)
        times.append(1000 * (time.perf_counter() - began))
        assert reply["action"].shape == (ROBOT["width"],)
    return {"ms": times}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
