"""The training step of Valet's network in PyTorch (CPU, float32): the same weights, the same batch, the same update.

Usage: python training.py FOLDER, where `valet bench training` has put request.json and arrays.safetensors.
Prints one JSON line: the first loss and gradient norm (to see that it is the same network) and the median time of a step.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import torch

from network import Network, read_safetensors


def main(folder):
    request = json.loads((Path(folder) / "request.json").read_text())
    arrays = read_safetensors(Path(folder) / "arrays.safetensors")
    torch.set_num_threads(request["threads"])
    torch.set_flush_denormal(True)
    part = lambda prefix: {name[len(prefix) :]: value for name, value in arrays.items() if name.startswith(prefix)}
    net = Network(request["model"], part("parameters/"), arrays["stage_codes"])
    batch = {name: value.long() if value.dtype == torch.int32 else value for name, value in part("batch/").items()}
    parameters = net.parameters()
    optimizer = torch.optim.AdamW(parameters, lr=request["learningRate"], betas=(0.9, 0.95), eps=1e-8, weight_decay=1e-4, fused=True)
    average = [p.detach().clone() for p in parameters]
    times, first = [], None
    for _ in range(request["steps"]):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = net.loss(batch)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, parameters, 0.001)
        times.append(1000 * (time.perf_counter() - start))
        first = first or (loss.item(), norm.item())
    print(json.dumps({"loss": first[0], "gradientNorm": first[1], "milliseconds": statistics.median(times[2:]), "version": f"PyTorch {torch.__version__.split('+')[0]}"}))


main(sys.argv[1])
