"""The peer of `valet bench plan`: one plan of a network of given shapes with random weights, in pure float32 or bfloat16.

argv[1]: a JSON file with config, leaves (name to shape), dtype, threads, steps, rounds. The last line printed is JSON with seconds per part.
"""

import json
import resource
import sys
import time

import torch

from network import Network


class Plan(Network):
    """Weights and activations of one type; what is computed in float32 elsewhere is cast where it enters."""

    def __init__(self, config, leaves, dtype):
        self.c, self.dtype = config, dtype
        self.w = {}
        for name, shape in leaves.items():
            value = torch.empty(shape, dtype=dtype).normal_(0, (shape[-2] if len(shape) > 1 else 2500) ** -0.5)
            stacked = "/llm/layers/" in name or "/encoderblock/" in name
            self.w[name] = list(value) if stacked else value
        self.tokens = len(config["cameras"]) * leaves["PaliGemma/img/pos_embedding"][1]
        self.offsets = torch.tensor([0] + config["taskNumStages"][:-1]).cumsum(0)
        self.stage_codes = torch.rand(sum(config["taskNumStages"]), config["vlmWidth"] // 2, dtype=dtype)

    def dense(self, name, x, layer=None):
        return super().dense(name, x.to(self.dtype), layer)

    def patches(self, x):
        return super().patches(x.to(self.dtype))

    def rotation(self, start, count):
        return tuple(part.to(self.dtype) for part in super().rotation(start, count))


def main():
    request = json.load(open(sys.argv[1]))
    torch.set_num_threads(request["threads"])
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    config, steps = request["config"], request["steps"]
    side, cameras = config["imageSize"], len(config["cameras"])
    with torch.inference_mode():
        net = Plan(config, request["leaves"], getattr(torch, request["dtype"]))
        batch = {
            "images": torch.randint(0, 256, (1, cameras, side, side, 3), dtype=torch.uint8),
            "state": torch.randn(1, config["actionDim"]),
            "task": torch.tensor([3]),
            "stage": torch.tensor([1]),
        }
        modulations = [net.modulations(torch.tensor([1 - i / steps])) for i in range(steps)]
        times = {"vision": [], "prefix": [], "denoise": [], "plan": []}

        def clock(what, work):
            start = time.perf_counter()
            result = work()
            times[what].append(time.perf_counter() - start)
            return result

        for _ in range(request["rounds"]):
            clock("vision", lambda: net.vision(batch["images"]))
            _, _, keys, values = clock("prefix", lambda: net.prefix(batch))
            x = torch.randn(1, 1, config["actionHorizon"], config["actionDim"]).to(net.dtype)

            def denoise(x):
                for step in modulations:
                    x = x - net.velocity(x, step, keys, values) / steps
                return x

            clock("denoise", lambda: denoise(x))
            times["plan"].append(times["prefix"][-1] + times["denoise"][-1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"version": f"PyTorch {torch.__version__.split('+')[0]}", "seconds": times, "peakBytes": peak}))


main()
