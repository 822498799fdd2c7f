"""PyAV beside `valet bench data`: encodes and decodes videos, one thread.

Answers JSON lines with JSON lines. {"do": "write", "path", "codec", "format", "size", "frames", "rate"} writes a video whose pictures are
moving gradients with noise, a key frame each second. {"do": "read", "path"} decodes all frames to RGB arrays and says how long that
took, how many there were, and the mean of their numbers.
"""

import json
import os
import sys
import time

os.environ["SVT_LOG"] = "1"  # errors alone

import av
import numpy as np

av.logging.set_level(av.logging.FATAL)


def write(path, codec, format, size, frames, rate):
    random = np.random.default_rng(0)
    noise = random.integers(0, 24, (size, size, 3))
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    with av.open(path, "w") as container:
        options = {"preset": "8"} if codec == "libsvtav1" else {"crf": "20"}
        if codec == "libx265":
            options["x265-params"] = "log-level=none"
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.width = stream.height = size
        stream.pix_fmt = format
        stream.gop_size = rate
        for t in range(frames):
            picture = np.stack([(x + 2 * t) % 256, (y + t) % 256, (x + y + 3 * t) % 256], -1)
            frame = av.VideoFrame.from_ndarray(((picture * 7) // 8 + np.roll(noise, t, 0)).clip(0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return {}


def read(path):
    start = time.perf_counter()
    frames, total = 0, 0
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        for frame in container.decode(stream):
            picture = frame.to_ndarray(format="rgb24")
            frames += 1
            total += int(picture[0, 0, 0]) + int(picture[-1, -1, 2])
    return {"seconds": time.perf_counter() - start, "frames": frames, "corners": total / frames / 2, "version": f"PyAV {av.__version__}"}


for line in sys.stdin:
    request = json.loads(line)
    what = request.pop("do")
    try:
        answer = write(**request) if what == "write" else read(**request)
    except Exception as error:  # an encoder that this build lacks
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
