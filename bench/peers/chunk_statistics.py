"""Statistics of action chunks in Python, beside `valet bench statistics`: microseconds per frame on the same files.

Usage: python chunk_statistics.py FOLDER THREADS ROBOT. ROBOT is a robot's record in JSON. Prints one JSON line:
decode              pyarrow reads the two columns, zero copy, nothing else
original            the way of the original script: pandas rows stacked, a Python loop that builds every delta chunk, then numpy over all of them
                    (moments and percentiles per step, correlation, its Cholesky factor); on few episodes, for it keeps every chunk
fork                the way of its faster fork: pyarrow columns, a sliding window, sums and sums of squares per step; no covariance, no percentiles
forkWithCovariance  the same and the covariance of all chunks by one BLAS product per episode
Written from a description of those programs; neither is included.
"""

import glob
import json
import os
import sys
import time

FOLDER, THREADS, ROBOT = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(THREADS)

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

pa.set_cpu_count(THREADS)
HORIZON, WIDTH, PADDED = ROBOT["horizon"], ROBOT["width"], ROBOT["paddedWidth"]
COLUMNS = ["observation.state", "action"]
DELTA = np.zeros(WIDTH, bool)
DELTA[ROBOT["deltas"]] = True
STATE = ROBOT["proprioception"]["layouts"][0]["state"]
files = sorted(glob.glob(f"{FOLDER}/data/*/*.parquet"))


def state_of(s):
    def part(source):
        if "columns" in source:
            return s[:, slice(*source["columns"])]
        total = s[:, source["sum"]].sum(1, dtype=np.float32) / np.float32(source.get("divide", 1))
        return (source.get("multiply", 1) * total + source.get("add", 0))[:, None].astype(np.float32)

    return np.concatenate([part(source) for source in STATE], 1)


def columns(path):
    table = pq.read_table(path, columns=COLUMNS)
    flat = lambda name: table.column(name).combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(table.num_rows, -1)
    return flat(COLUMNS[0]), flat(COLUMNS[1])


def timed(work, paths):
    start = time.perf_counter()
    frames = work(paths)
    return 1e6 * (time.perf_counter() - start) / frames


def decode(paths):
    return sum(len(columns(path)[0]) for path in paths)


def original(paths):
    frames, chunks = 0, []
    totals = [np.zeros(WIDTH, np.float32) for _ in range(4)]
    for path in paths:
        frame = pd.read_parquet(path, columns=COLUMNS)
        state, action = state_of(np.stack(frame[COLUMNS[0]].to_numpy())), np.stack(frame[COLUMNS[1]].to_numpy())
        delta = np.where(DELTA, action - state, action)
        for total, part in zip(totals, (state.sum(0), (state**2).sum(0), delta.sum(0), (delta**2).sum(0))):
            total += part
        for i in range(len(action) - HORIZON + 1):
            chunk = action[i : i + HORIZON].copy()
            chunk[:, DELTA] -= state[i, DELTA]
            chunks.append(chunk)
        frames += len(action)
    every = np.stack(chunks)
    every.mean(0), every.std(0), np.percentile(every, [1, 99], axis=0), np.percentile(every.reshape(-1, WIDTH), [1, 99], axis=0)
    flat = np.pad(every, ((0, 0), (0, 0), (0, PADDED - WIDTH))).reshape(len(every), -1).astype(np.float64)
    std = flat.std(0)
    z = (flat - flat.mean(0)) / np.where(std < 1e-6, 1, std)
    correlation = z.T @ z / len(z)
    np.fill_diagonal(correlation, 1)
    np.linalg.cholesky(correlation + 1e-5 * np.eye(len(correlation)))
    return frames


def fork(paths, covariance=False):
    frames, count = 0, 0
    sums, squares = np.zeros((HORIZON, WIDTH)), np.zeros((HORIZON, WIDTH))
    product = np.zeros((HORIZON * WIDTH, HORIZON * WIDTH))
    for path in paths:
        state, action = columns(path)
        state = state_of(state)
        chunks = np.lib.stride_tricks.sliding_window_view(action, HORIZON, axis=0).transpose(0, 2, 1)
        delta = chunks - np.where(DELTA, state[: len(chunks)], 0)[:, None]
        sums += delta.sum(0, dtype=np.float64)
        squares += np.einsum("ntd,ntd->td", delta, delta, dtype=np.float64)
        if covariance:
            flat = delta.reshape(len(delta), -1).astype(np.float64)
            product += flat.T @ flat
        frames, count = frames + len(action), count + len(delta)
    return frames


decode(files)
few = files[:10]
print(
    json.dumps(
        {
            "decode": min(timed(decode, files) for _ in range(2)),
            "original": timed(original, few),
            "fork": timed(fork, files[:50]),
            "forkWithCovariance": timed(lambda paths: fork(paths, True), few),
            "version": f"pyarrow {pa.__version__}, numpy {np.__version__}, pandas {pd.__version__}",
        }
    )
)
