"""Hugging Face tokenizers, one JSON line per request: what a file makes of strings, and what the trainer learns from a corpus."""

import json
import sys

import tokenizers
from tokenizers import ByteLevelBPETokenizer, Tokenizer
from tokenizers.trainers import BpeTrainer


def text(points):
    return "".join(map(chr, points))


def answer(request):
    if request["do"] == "versions":
        return {"tokenizers": tokenizers.__version__}
    if request["do"] == "encode":
        tokenizer = Tokenizer.from_file(request["path"])
        ids = [tokenizer.encode(text(points)).ids for points in request["strings"]]
        back = [[ord(c) for c in tokenizer.decode(row, skip_special_tokens=False)] for row in ids + request.get("rows", [])]
        return {"ids": ids, "back": back}
    if request["do"] == "processor":
        # As the original's loader does: transformers' class over the folder.
        try:
            from transformers import PreTrainedTokenizerFast
        except ImportError:
            return {"missing": True}
        tokenizer = PreTrainedTokenizerFast.from_pretrained(request["path"])
        return {"ids": [tokenizer(text(points))["input_ids"] for points in request["strings"]]}
    bpe = ByteLevelBPETokenizer()
    trainer = BpeTrainer(
        vocab_size=request["vocabSize"],
        min_frequency=request["minFrequency"],
        show_progress=False,
        special_tokens=[],
        initial_alphabet=[chr(i) for i in range(request["alphabet"])],
        max_token_length=request["maxTokenLength"],
    )
    bpe._tokenizer.train_from_iterator([text(points) for points in request["strings"]], trainer=trainer)
    if "save" in request:
        bpe._tokenizer.save(request["save"])
    model = json.loads(bpe._tokenizer.to_str())["model"]
    return {"merges": model["merges"], "vocab": sorted(model["vocab"], key=model["vocab"].get)}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
