"""FAST with SciPy and Hugging Face tokenizers, step by step as the public action processor does it (without transformers around it).

Usage: python tokenizer.py fit|encode CHUNKS COUNT HORIZON WIDTH VOCABULARY, CHUNKS float64 [COUNT, HORIZON, WIDTH], VOCABULARY a tokenizer.json: the one that `encode` uses.
Prints one JSON line: seconds, and digests of what came out (to see that it is the same).
"""

import hashlib
import json
import sys
import time
import warnings

import numpy as np
import scipy
import tokenizers
from scipy.fft import dct, idct
from tokenizers import ByteLevelBPETokenizer, Tokenizer
from tokenizers.trainers import BpeTrainer

SCALE, VOCAB = 10, 1024


def digest(value):
    return hashlib.sha256(json.dumps(value, separators=(",", ":")).encode()).hexdigest()


def fit(chunks):
    coefficients = [dct(chunk, axis=0, norm="ortho").flatten() for chunk in chunks]
    maximum = int(np.around(np.concatenate(coefficients) * SCALE).max())
    minimum = int(np.around(np.concatenate(coefficients) * SCALE).min())

    def texts():
        for row in coefficients:
            rounded = (np.around(row * SCALE) - minimum).astype(int)
            yield "".join(map(chr, rounded))

    bpe = ByteLevelBPETokenizer()
    trainer = BpeTrainer(
        vocab_size=VOCAB,
        min_frequency=2,
        show_progress=False,
        special_tokens=[],
        initial_alphabet=[chr(i) for i in range(maximum - minimum + 1)],
        max_token_length=10000,
    )
    bpe._tokenizer.train_from_iterator(texts(), trainer=trainer)
    return bpe._tokenizer, minimum


def main(what, path, count, horizon, width, vocabulary):
    shape = (int(count), int(horizon), int(width))
    chunks = np.fromfile(path, dtype=np.float64, count=int(np.prod(shape))).reshape(shape)
    versions = f"tokenizers {tokenizers.__version__} + SciPy {scipy.__version__}"
    if what == "fit":
        start = time.perf_counter()
        tokenizer, _ = fit(chunks)
        seconds = time.perf_counter() - start
        merges = json.loads(tokenizer.to_str())["model"]["merges"]
        print(json.dumps({"seconds": seconds, "digest": digest([list(pair) for pair in merges]), "version": versions}))
        return
    with open(vocabulary) as file:
        settings = json.load(file)
    minimum = settings["minToken"]
    tokenizer = Tokenizer.from_file(settings["path"])

    def text(chunk):
        rounded = np.around(dct(chunk[None], axis=1, norm="ortho") * SCALE)[0]
        return "".join(map(chr, np.maximum(rounded.flatten() - minimum, 0).astype(int)))

    tokenizer.encode(text(chunks[0]))
    start = time.perf_counter()
    ids = [tokenizer.encode(text(chunk)).ids for chunk in chunks]
    seconds = time.perf_counter() - start

    start = time.perf_counter()
    rounded = np.around(dct(chunks, axis=1, norm="ortho") * SCALE)
    symbols = np.maximum(rounded.reshape(len(chunks), -1) - minimum, 0).astype(np.uint32)
    # Text of a whole row at once: quicker than chr by chr.
    texts = [row.tobytes().decode("utf-32-le") for row in symbols]
    batch = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    batch_seconds = time.perf_counter() - start
    assert batch == ids

    start = time.perf_counter()
    for row in ids:
        decoded = np.array(list(map(ord, tokenizer.decode(row)))) + minimum
        idct(decoded.reshape(-1, shape[2]) / SCALE, axis=0, norm="ortho")
    decode_seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "batchSeconds": batch_seconds, "decodeSeconds": decode_seconds, "digest": digest(ids), "version": versions}))


warnings.filterwarnings("ignore")
main(*sys.argv[1:])
