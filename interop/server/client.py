"""The evaluator's side of the server check: the real openpi-client, driven by JSON lines on stdin."""

import hashlib
import json
import sys

import numpy as np
import websockets
from openpi_client import msgpack_numpy
from observations import observation
from openpi_client.websocket_client_policy import WebsocketClientPolicy

clients = {}


def random_value(rng, depth=0):
    kind = rng.integers(0, 12 if depth < 3 else 9)
    if kind == 0:
        return None
    if kind == 1:
        return bool(rng.integers(0, 2))
    if kind == 2:
        return int(rng.integers(-(2**63), 2**63 - 1)) >> int(rng.integers(0, 63))
    if kind == 3:
        return float(rng.normal() * 10.0 ** int(rng.integers(-30, 30)))
    if kind == 4:
        return "".join(chr(c) for c in rng.integers(32, 0x2FFF, rng.integers(0, 40)))
    if kind == 5:
        return rng.bytes(int(rng.integers(0, 400)))
    if kind in (6, 7):
        dtype = str(rng.choice(["<f4", "<f8", "<f2", "|u1", "|i1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "|b1", ">f4", ">i8"]))
        shape = [int(n) for n in rng.integers(0, 5, rng.integers(0, 4))]
        array = (rng.normal(size=shape) * 50).astype(np.int64) % 100
        array = np.asarray(array).astype(dtype)
        return array.T if rng.integers(0, 2) else array
    if kind == 8:
        return rng.choice([np.float32, np.float16, np.int8, np.uint16, np.int64, np.bool_])(rng.integers(0, 100))
    if kind == 9:
        return [random_value(rng, depth + 1) for _ in range(rng.integers(0, 20))]
    return {f"key {i}": random_value(rng, depth + 1) for i in range(rng.integers(0, 20))}


def answer(request):
    do = request["do"]
    name = request.get("client", "")
    if do == "versions":
        return {"openpi_client": "0.1.2", "numpy": np.__version__, "websockets": websockets.__version__}
    if do == "connect":
        try:
            clients[name] = WebsocketClientPolicy("127.0.0.1", request["port"], request.get("key"))
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}
        return {"metadata": clients[name].get_server_metadata(), "extensions": str(clients[name]._ws.protocol.extensions)}
    if do == "reset":
        # As the evaluator's client does it: sent, and nothing read back.
        clients[name]._ws.send(clients[name]._packer.pack({"reset": True}))
        return {}
    if do == "infer":
        obs = observation(request["robot"], request["seed"], request["task"], request["size"], request["proprio"])
        for key in request.get("without", []):
            del obs[key]
        try:
            reply = clients[name].infer(obs)
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}
        action = reply["action"]
        return {
            "keys": sorted(reply),
            "dtype": action.dtype.str,
            "shape": list(action.shape),
            "action": [float(x) for x in action.reshape(-1)],
            "timing": sorted(reply["server_timing"]),
            "message": msgpack_numpy.packb(obs).hex() if request.get("echo") else "",
        }
    if do == "random":
        rng = np.random.default_rng(request["seed"])
        return {"packed": msgpack_numpy.packb(random_value(rng)).hex()}
    if do == "repack":
        data = bytes.fromhex(request["packed"])
        return {"packed": msgpack_numpy.packb(msgpack_numpy.unpackb(data)).hex(), "sha": hashlib.sha256(data).hexdigest()}
    raise ValueError(do)


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
