"""The peer of `valet bench network`: answers requests line by line (JSON on stdin, JSON on stdout) until stdin ends.

{"open": FOLDER, "threads": n} loads FOLDER/request.json and arrays.safetensors; {"time": what, "bfloat16": bool, "count": n} gives milliseconds of
each of n runs of `forward`, `gradients`, `step` (gradients and update) or `sample`; {"check": true} the loss, the gradient's norm and a sample.
"""

import contextlib
import json
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from network import Network, read_safetensors


class Transformer:
    """Plain pre-norm transformer regression: attention without mask, tanh-GELU, RMSNorm, mean square error."""

    def __init__(self, config, weights):
        self.c, self.w = config, {name: value.clone().requires_grad_() for name, value in weights.items()}

    def parameters(self):
        return list(self.w.values())

    def loss(self, batch):
        c, w = self.c, self.w
        b, t, d = c["batch"], c["tokens"], c["width"]
        norm = lambda x, scale: F.rms_norm(x, (d,), scale, 1e-6)
        heads = lambda x: x.view(b, t, c["heads"], -1).transpose(1, 2)
        x = (batch["x"] @ w["in"]).view(b, t, d) + w["positions"]
        for i in range(c["layers"]):
            h = norm(x, w[f"{i}/norm1"])
            mixed = F.scaled_dot_product_attention(*(heads(h @ w[f"{i}/{name}"]) for name in "qkv"))
            x = x + mixed.transpose(1, 2).reshape(b, t, d) @ w[f"{i}/o"]
            x = x + F.gelu(norm(x, w[f"{i}/norm2"]) @ w[f"{i}/up"], approximate="tanh") @ w[f"{i}/down"]
        y = norm(x, w["norm"]) @ w["out"]
        return F.mse_loss(y.flatten(0, 1), batch["target"])


class Work:
    def __init__(self, folder, threads):
        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)
        request = json.loads((Path(folder) / "request.json").read_text())
        arrays = read_safetensors(Path(folder) / "arrays.safetensors")
        part = lambda prefix: {name[len(prefix) :]: value for name, value in arrays.items() if name.startswith(prefix)}
        long = lambda values: {name: value.long() if value.dtype == torch.int32 else value for name, value in values.items()}
        weights, self.batch, self.start = part("parameters/"), long(part("batch/")), long(part("sample/"))
        config = request["config"]
        self.net = Network(config, weights, arrays["stage_codes"]) if "stage_codes" in arrays else Transformer(config, weights)
        self.parameters = self.net.parameters()
        self.optimizer = torch.optim.AdamW(self.parameters, lr=1e-5, betas=(0.9, 0.95), eps=1e-8, weight_decay=1e-4, fused=True)
        self.average, self.precision = None, contextlib.nullcontext
        if self.start:
            with torch.no_grad():  # as in Valet's planner the conditions of the step times are computed once
                self.steps = [self.net.modulations(torch.tensor([1 - i / request["steps"]])) for i in range(request["steps"])]

    def loss(self):
        with self.precision():
            return self.net.loss(self.batch)

    def forward(self):
        with torch.no_grad():
            return self.loss()

    def gradients(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward()
        return loss

    def step(self):
        self.average = self.average or [p.detach().clone() for p in self.parameters]
        self.gradients()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(self.average, self.parameters, 0.001)

    def sample(self):
        with torch.no_grad(), self.precision():
            return self.net.sample(self.start, self.steps)

    def check(self):
        loss = self.gradients().item()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, float("inf")).item()
        return {"loss": loss, "gradientNorm": norm, "actions": self.sample().flatten().tolist() if self.start else []}

    def time(self, what, count, bfloat16):
        self.precision = (lambda: torch.autocast("cpu", torch.bfloat16)) if bfloat16 else contextlib.nullcontext
        times = []
        for _ in range(count):
            start = time.perf_counter()
            getattr(self, what)()
            times.append(1000 * (time.perf_counter() - start))
        return {"milliseconds": times}


def main():
    work = None
    for line in sys.stdin:
        request = json.loads(line)
        if "open" in request:
            work = None
            work = Work(request["open"], request["threads"])
            answer = {"version": f"PyTorch {torch.__version__.split('+')[0]}"}
        elif "check" in request:
            answer = work.check()
        else:
            answer = work.time(request["time"], request["count"], request.get("bfloat16", False))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
