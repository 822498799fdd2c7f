"""The peer of `valet bench server`: a no-op policy behind a server of openpi's form.

Where the package `openpi` is installed its own WebsocketPolicyServer is used; else the same loop on the same library (websockets' asyncio server,
no compression, openpi_client's packer, one coroutine per connection, infer called in the event loop), which is what that class does.
Usage: python server_policy.py WIDTH (numbers of an action). Prints {"port": …, "server": …} once it listens.
"""

import asyncio
import http
import json
import socket
import sys
import time

import numpy as np
import websockets
import websockets.asyncio.server
from openpi_client import msgpack_numpy

ACTION = np.zeros(int(sys.argv[1]), dtype=np.float32)


class NoOpPolicy:
    def infer(self, observation):
        return {"action": ACTION}

    def reset(self):
        pass


def health(connection, request):
    return connection.respond(http.HTTPStatus.OK, "OK\n") if request.path == "/healthz" else None


async def handle(connection):
    packer = msgpack_numpy.Packer()
    policy = NoOpPolicy()
    await connection.send(packer.pack({}))
    total = None
    while True:
        try:
            began = time.monotonic()
            observation = msgpack_numpy.unpackb(await connection.recv())
            inferring = time.monotonic()
            reply = dict(policy.infer(observation))
            reply["server_timing"] = {"infer_ms": (time.monotonic() - inferring) * 1000}
            if total is not None:
                reply["server_timing"]["prev_total_ms"] = total * 1000
            await connection.send(packer.pack(reply))
            total = time.monotonic() - began
        except websockets.ConnectionClosed:
            return


async def serve():
    options = {"compression": None, "max_size": None, "process_request": health}
    async with websockets.asyncio.server.serve(handle, "127.0.0.1", 0, **options) as server:
        port = server.sockets[0].getsockname()[1]
        print(json.dumps({"port": port, "server": f"openpi's loop on websockets {websockets.__version__}"}), flush=True)
        await server.serve_forever()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    try:
        from openpi.serving.websocket_policy_server import WebsocketPolicyServer

        port = free_port()
        print(json.dumps({"port": port, "server": "openpi's WebsocketPolicyServer"}), flush=True)
        WebsocketPolicyServer(NoOpPolicy(), "127.0.0.1", port).serve_forever()
    except ImportError:
        asyncio.run(serve())
