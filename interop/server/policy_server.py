"""A policy server in Python on the public wire code: the other side of Valet's own client. Actions are computed from the observation."""

import http
import json

import numpy as np
from openpi_client import msgpack_numpy
from websockets.sync.server import serve


def health(connection, request):
    if request.path == "/healthz":
        return connection.respond(http.HTTPStatus.OK, "OK\n")
    return None


def handle(connection):
    connection.send(msgpack_numpy.packb({"server": "python", "reset_pose": [0.0, -1.5]}))
    resets = 0
    for message in connection:
        obs = msgpack_numpy.unpackb(message)
        if "reset" in obs:
            resets += 1
            continue
        proprio = obs["robot_r1::proprio"]
        if proprio[0] > 1e6:
            connection.send("Traceback: the policy failed on purpose")
            connection.close(1011)
            return
        mean = np.mean([obs[key].mean() for key in sorted(obs) if key.endswith("::rgb")])
        action = (proprio[158:181] * 2 + np.float32(resets)).astype(np.float64)
        action[0] = mean
        action[1] = obs["task_id"][0]
        connection.send(msgpack_numpy.packb({"action": action, "server_timing": {"infer_ms": 0.5}}))


with serve(handle, "127.0.0.1", 0, compression=None, max_size=None, process_request=health) as server:
    print(json.dumps({"port": server.socket.getsockname()[1]}), flush=True)
    server.serve_forever()
