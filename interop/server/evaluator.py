"""A client that behaves as the 2026 evaluator's does: action chunks, reconnects, time-outs. Driven by JSON lines on stdin.

What it does, read in that client: /healthz is polled until it says 200; the server speaks first; reset is sent and nothing read back, and it drops the
rest of a chunk; with a chunk size above 1 an observation carries `__action_chunk_size__`, the reply's `action_chunk` must have exactly the shape asked
for and begin with `action`, and without one the client never asks again; a reply without `action` has the observation sent again, twice at most; a
connection that is lost or silent for too long is opened again, three times in a rollout at most.
"""

import json
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import websockets.exceptions
import websockets.sync.client
from observations import observation
from openpi_client import msgpack_numpy

MOST_RECONNECTS = 3
MOST_RESENDS = 2


class Evaluator:
    def __init__(self, port, chunk=1, timeout=600.0, key=None, query="", resume=False, health_seconds=60.0):
        self.port, self.chunk, self.timeout, self.key, self.query = port, chunk, timeout, key, query
        self.resume, self.health_seconds = resume, health_seconds
        self.packer = msgpack_numpy.Packer()
        self.buffer = []
        self.requests = self.reconnects = self.left = self.received = 0
        self.session = None
        self.connect()

    def connect(self):
        end = time.monotonic() + self.health_seconds
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as reply:
                    if reply.status == 200 and reply.read() == b"OK\n":
                        break
            except (OSError, urllib.error.URLError):
                pass
            if time.monotonic() > end:
                raise TimeoutError("the server does not become healthy")
            time.sleep(0.05)
        query = self.query
        if self.resume:
            query = "session=new" if self.session is None else f"session={self.session}&received={self.received}"
        headers = {"Authorization": f"Api-Key {self.key}"} if self.key else None
        self.socket = websockets.sync.client.connect(
            f"ws://127.0.0.1:{self.port}/?{query}",
            compression=None,
            max_size=None,
            additional_headers=headers,
            ping_interval=60,
            ping_timeout=300,
        )
        self.metadata = msgpack_numpy.unpackb(self.socket.recv(timeout=self.timeout))
        self.session = self.metadata.get("session")

    def reset(self):
        self.buffer = []
        self.reconnects = 0
        self.socket.send(self.packer.pack({"reset": True}))

    def act(self, obs):
        if self.buffer:
            return self.buffer.pop(0)
        if self.chunk > 1:
            obs = {**obs, "__action_chunk_size__": self.chunk}
        for _ in range(1 + MOST_RESENDS):
            reply = self.query_once(obs)
            if "action" in reply:
                break
        else:
            raise RuntimeError("no action in three replies")
        action = reply["action"]
        assert isinstance(action, np.ndarray)
        if self.chunk > 1 and "action_chunk" not in reply:
            self.chunk = 1
        elif self.chunk > 1:
            chunk = reply["action_chunk"]
            wanted = action.shape[:-1] + (self.chunk, action.shape[-1])
            if chunk.shape != wanted or not np.array_equal(chunk[..., 0, :].astype(np.float32), action.astype(np.float32)):
                raise RuntimeError(f"a chunk of shape {chunk.shape} (expected {wanted})")
            self.buffer = [chunk[..., row, :] for row in range(1, self.chunk)]
        return action

    def lose(self, obs, point):
        """The network fails: before the observation has arrived, while its plan is made, or when the reply is on its way."""
        self.reconnects = 0
        if point != "before":
            self.socket.send(self.packer.pack({**obs, "__action_chunk_size__": self.chunk} if self.chunk > 1 else obs))
            time.sleep(0.02 if point == "plan" else 0.3)
        self.socket.socket.shutdown(2)

    def query_once(self, obs):
        while True:
            try:
                self.requests += 1
                self.socket.send(self.packer.pack(obs))
                reply = self.socket.recv(timeout=self.timeout)
                if isinstance(reply, str):
                    raise RuntimeError(f"Error in inference server:\n{reply}")
                self.received += 1
                return msgpack_numpy.unpackb(reply)
            except (websockets.exceptions.ConnectionClosed, TimeoutError, OSError):
                if self.reconnects >= MOST_RECONNECTS:
                    raise
                self.reconnects += 1
                self.socket.close_timeout = 0
                self.socket.close()
                self.connect()


clients = {}


def answer(request):
    do, name = request["do"], request.get("client", "")
    try:
        if do == "connect":
            options = {key: request[key] for key in request if key not in ("do", "client")}
            clients[name] = Evaluator(**options)
            return {"metadata": clients[name].metadata}
        client = clients[name]
        if do == "reset":
            client.reset()
        if do == "cut":
            # As a network does it: no closing handshake.
            client.socket.socket.shutdown(2)
        if do == "act":
            obs = observation(request["robot"], request["seed"], request["task"], request["size"], request["proprio"])
            for key, data in request.get("jpegs", {}).items():
                obs[key] = np.frombuffer(bytes.fromhex(data), dtype=np.uint8)
            if request.get("rows"):
                rows = [observation(request["robot"], 100 * request["seed"] + row, row, request["size"], request["proprio"]) for row in range(request["rows"])]
                arrays = [key for key in obs if isinstance(obs[key], np.ndarray)]
                obs = {**obs, **{key: np.stack([row[key] for row in rows]) for key in arrays}}
            if request.get("cut") and not client.buffer:
                client.lose(obs, request["cut"])
            if request.get("batch"):
                obs = {key: value[None] if isinstance(value, np.ndarray) and value.ndim > 0 else value for key, value in obs.items()}
            action = client.act(obs)
            return {
                "shape": list(action.shape),
                "action": [float(x) for x in action.reshape(-1)],
                "requests": client.requests,
                "reconnects": client.reconnects,
                "metadata": client.metadata,
                "message": "" if request.get("rows") else msgpack_numpy.packb(obs).hex(),
            }
        return {}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
