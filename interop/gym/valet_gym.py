"""A Gymnasium environment over `valet home serve`: the household's tasks for anybody's policy.

    valet home serve --port 8123
    env = ValetHome("turning_on_radio", port=8123)
    observation, info = env.reset(seed=0)

Needs gymnasium, numpy and msgpack. A reward is what q, the task's partial credit in 0…1, has gained.
"""

import socket
import struct

import gymnasium
import msgpack
import numpy as np

TRAIN = 1_000_000


def _encode(value):
    if isinstance(value, np.ndarray):
        return {b"__ndarray__": True, b"data": value.tobytes(), b"dtype": value.dtype.str, b"shape": value.shape}
    raise TypeError(f"cannot send {type(value)}")


def _decode(value):
    if b"__ndarray__" in value:
        array = np.frombuffer(value[b"data"], dtype=np.dtype(value[b"dtype"]))
        return array.reshape(value[b"shape"]).copy()
    return value


class ValetHome(gymnasium.Env):
    """One environment, one connection. Instances are drawn from the train split by the seed, or named by
    `reset(options={"instance": 3})`; hidden ones are refused."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 30}

    def __init__(self, task, port, host="127.0.0.1", cameras=True, image_size=64, edition="2025", render_mode=None):
        self.render_mode = render_mode
        self._socket = socket.create_connection((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened = self._ask(op="open", task=task, cameras=cameras, imageSize=image_size, edition=edition)
        self.task, self.instruction, self.max_steps = opened["task"], opened["instruction"], opened["maxSteps"]
        side = opened["imageSize"]
        spaces = {"proprioception": gymnasium.spaces.Box(-np.inf, np.inf, (opened["proprioception"],), np.float32)}
        for name in opened["cameras"]:
            spaces[name] = gymnasium.spaces.Box(0, 255, (side, side, 3), np.uint8)
        self.observation_space = gymnasium.spaces.Dict(spaces)
        self.action_space = gymnasium.spaces.Box(opened["low"], opened["high"], dtype=np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        instance = (options or {}).get("instance")
        if instance is None:
            instance = TRAIN + int(self.np_random.integers(1_000_000))
        answer = self._ask(op="reset", instance=int(instance))
        return answer["observation"], answer["info"]

    def step(self, action):
        answer = self._ask(op="step", action=np.asarray(action, np.float32))
        return (
            answer["observation"],
            float(answer["reward"]),
            bool(answer["terminated"]),
            bool(answer["truncated"]),
            answer["info"],
        )

    def render(self):
        if self.render_mode == "rgb_array":
            return self._ask(op="render", width=320, height=240)["picture"]
        return None

    def expert(self):
        """What the built-in expert, which sees the world itself, would do now."""
        return self._ask(op="expert")["action"]

    def save(self):
        """This moment, to come back to bit by bit."""
        return self._ask(op="save")["snapshot"]

    def restore(self, snapshot):
        answer = self._ask(op="restore", snapshot=snapshot)
        return answer["observation"], answer["info"]

    def close(self):
        self._socket.close()

    def _ask(self, **words):
        body = msgpack.packb(words, default=_encode)
        self._socket.sendall(struct.pack(">I", len(body)) + body)
        (length,) = struct.unpack(">I", self._read(4))
        answer = msgpack.unpackb(self._read(length), object_hook=_decode, strict_map_key=False)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    def _read(self, count):
        parts = []
        while count > 0:
            part = self._socket.recv(min(count, 1 << 20))
            if not part:
                raise ConnectionError("valet home serve has closed the connection")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
