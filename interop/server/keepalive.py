"""A client that pings every second and waits two for the answer, as its library does by default with such settings."""

import json
import sys
import time

import numpy as np
import websockets.sync.client
from observations import observation
from openpi_client import msgpack_numpy

for line in sys.stdin:
    request = json.loads(line)
    message = observation("robot_r1", 1, 3, 224, 256)
    message["robot_r1::depth"] = np.zeros(request["bytes"], dtype=np.uint8)
    packed = msgpack_numpy.Packer().pack(message)
    answer = {}
    try:
        address = f"ws://127.0.0.1:{request['port']}"
        settings = dict(compression=None, max_size=None, ping_interval=1, ping_timeout=2)
        with websockets.sync.client.connect(address, **settings) as socket:
            socket.recv()
            started = time.monotonic()
            for _ in range(request["times"]):
                socket.send(packed)
                reply = msgpack_numpy.unpackb(socket.recv())
            answer = {"seconds": time.monotonic() - started, "width": int(reply["action"].shape[0])}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
