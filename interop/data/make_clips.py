"""Small videos in pixel formats of more than 8 bits, and what PyAV decodes of them: for test/cases/video-depths.

    python interop/data/make_clips.py test/cases/video-depths

Made with PyAV 15.1, which LeRobot 0.4 reads with; newer ones place the colours of deep 4:2:0 elsewhere.

Pictures have smooth colours, hard edges and noise, so that wrong chroma, range or rounding shows. One file per codec and
format; `expected.safetensors` holds `<file>/rgb` uint8 [frames, height, width, 3] as PyAV converts frames by default.
"""

import multiprocessing
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from safetensors.numpy import save_file

WIDTH, HEIGHT, FRAMES, FPS = 48, 40, 3, 30
CLIPS = [
    ("hevc-420-10.mp4", "libx265", "yuv420p10le", {"x265-params": "log-level=none:lossless=1"}),
    ("hevc-420-12.mp4", "libx265", "yuv420p12le", {"x265-params": "log-level=none:lossless=1"}),
    ("h264-420-8.mp4", "libx264", "yuv420p", {}),
    ("h264-420-10.mp4", "libx264", "yuv420p10le", {}),
    ("h264-422-10.mp4", "libx264", "yuv422p10le", {}),
    ("h264-444-8.mp4", "libx264", "yuv444p", {}),
    ("h264-422-8.mp4", "libx264", "yuv422p", {}),
    ("av1-420-10.mp4", "libsvtav1", "yuv420p10le", {}),
    ("h264-444-10.mp4", "libx264", "yuv444p10le", {}),
    ("ffv1-420-10.mkv", "ffv1", "yuv420p10le", {}),
    ("ffv1-422-12.mkv", "ffv1", "yuv422p12le", {}),
    ("ffv1-444-12.mkv", "ffv1", "yuv444p12le", {}),
    ("mpeg4-420-8.mp4", "mpeg4", "yuv420p", {}),
]


def picture(k: int) -> np.ndarray:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    rng = np.random.default_rng(k)
    rgb = np.stack([x * 5 % 256, y * 6 % 256, (x + y) * 3 % 256], axis=-1).astype(np.int64)
    rgb[8:24, 6 + k : 22 + k] = [230, 20, 40]
    rgb[26:34, 30:44] = [20, 60, 240]
    rgb[:, 44:] = rng.integers(0, 256, (HEIGHT, 4, 3))
    return rgb.clip(0, 255).astype(np.uint8)


def write(path: Path, codec: str, pixels: str, options: dict) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        stream.time_base = Fraction(1, FPS)
        for k in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(picture(k), format="rgb24").reformat(format=pixels)
            frame.pts = k
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    for name, codec, pixels, options in CLIPS:
        path = folder / name
        # x265 breaks when a process opens it at two bit depths.
        process = multiprocessing.get_context("spawn").Process(target=write, args=(path, codec, pixels, options))
        process.start()
        process.join()
        if process.exitcode != 0:
            print(f"left out {name}: this build of PyAV cannot write it")
            path.unlink(missing_ok=True)
            continue
        with av.open(str(path)) as clip:
            frames = list(clip.decode(video=0))
        expected[f"{name}/rgb"] = np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
    save_file(expected, str(folder / "expected.safetensors"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
