"""Writes a checkpoint as orbax does (OCDBT, zarr 2, zstd level 1, one chunk per array) with random float32 numbers, leaf by leaf.

usage: checkpoint.py REQUEST.json; the request has `out` and `leaves`: [[name, shape], ...]. Prints one JSON line.
"""

import json
import sys

import numpy as np
import tensorstore as ts


def main() -> None:
    with open(sys.argv[1]) as file:
        request = json.load(file)
    random = np.random.default_rng(0)
    block = (random.standard_normal(2**24) * 0.02).astype(np.float32)
    total = 0
    for name, shape in request["leaves"]:
        size = int(np.prod(shape))
        store = ts.open(
            {
                "driver": "zarr",
                "kvstore": {
                    "driver": "ocdbt",
                    "base": f"file://{request['out']}/params/",
                    "path": "params." + name.replace("/", ".") + ".value/",
                },
                "metadata": {
                    "shape": shape,
                    "chunks": shape,
                    "dtype": "<f4",
                    "compressor": {"id": "zstd", "level": 1},
                },
                "create": True,
            }
        ).result()
        store.write(np.resize(block, size).reshape(shape)).result()
        total += 4 * size
    print(json.dumps({"bytes": total, "version": "tensorstore"}))


main()
