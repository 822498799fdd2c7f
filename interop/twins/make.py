"""Twins: golden cases of the original's kinds and file form with randomly drawn settings, computed by the twin.

python make.py --seed N --out DIR [--count 20] [--first 0] [--kinds network,sampler,...]
"""

import argparse
import json
import time
from pathlib import Path

import jax
import numpy as np

import cases
import draw
from golden import write
from network import EMBEDDING, Shape, tree

KEY_BIAS = "PaliGemma/img/Transformer/encoderblock/MultiHeadDotProductAttention_0/key/bias"
EXACT = ("state_bins", "prefix_mask", "prefix_ar_mask", "prefix_attention_mask", "prefix_positions")


def made_with():
    return {"twin": "interop/twins", "jax": jax.__version__, "numpy": np.__version__, "dtype": "float32"}


def quantity(name, file, tensor, relative, **rest):
    return {"name": name, "file": file, "tensor": tensor, "tolerance_relative": relative, **rest}


def network(r):
    config = draw.settings(r)
    inputs = draw.batch(r, config)
    if r.random() < 0.2:  # tokens that are left out in the middle
        inputs["fast_token_mask"][:, 1:] &= r.integers(0, 2, inputs["fast_token_mask"][:, 1:].shape).astype(np.uint8)
    params = draw.parameters(r, Shape.of(config))
    files, subcases, quantities = {"params.safetensors": params, "inputs.safetensors": inputs}, {}, []
    for name in ("first", "second"):
        subcase = {
            "use_knowledge_insulation": draw.pick(r, True, False),
            "use_fast_auxiliary": draw.pick(r, True, True, False),
            "fast_loss_weight": draw.pick(r, 0.05, 0.0, 0.7),
            "subtask_loss_weight": draw.pick(r, 0.1, 0.0, 1.3),
            "image_mask": draw.pick(r, "image_mask/*", "masked_image_mask/*"),
            "expected": f"{name}.expected.safetensors",
            "gradients": f"{name}.gradients.safetensors",
        }
        values, gradients = cases.network(config, subcase, params, inputs)
        files[subcase["expected"]], files[subcase["gradients"]] = values, gradients
        for tensor in values:
            relative = 2e-5 if tensor.startswith("kv_") else 1e-5
            if tensor in EXACT or tensor.endswith("_accuracy"):
                relative = 0
            where = {"compare_where": "prefix_mask == 1"} if tensor == "prefix_out" or tensor.startswith("kv_") else {}
            quantities.append(quantity(f"{name}:{tensor}", subcase["expected"], tensor, relative, **where))
        # A gradient that is zero in exact arithmetic: its rounding grows with the gradients beside it.
        beside = float(np.abs(gradients[KEY_BIAS.replace("key/", "value/")]).max())
        exception = {"leaf": KEY_BIAS, "tolerance_absolute": max(1e-7, 1e-5 * beside)}
        quantities.append(quantity(f"{name}:gradients", subcase["gradients"], "*", 1e-4, exception=exception))
        subcases[name] = subcase
    return {"config": config, "subcases": subcases, "quantities": quantities}, files


def sampler(r):
    config = draw.settings(r)
    config["action_dim"], config["action_horizon"] = min(config["action_dim"], 12), max(config["action_horizon"], 2)
    config.pop("flow_samples")
    config["correlation_beta"] = draw.pick(r, 0.0, 0.3, 0.5, 0.8)
    config["time_threshold_inpaint"] = draw.pick(r, 0.0, 0.3, 0.5, float(r.random()))
    config["use_correlated_noise"] = bool(r.random() < 0.8)
    horizon, dim, batch = config["action_horizon"], config["action_dim"], config["batch"]
    inputs, params = draw.observation(r, config), draw.parameters(r, Shape.of(config, use_fast_auxiliary=False))
    masked = r.random() < 0.5
    for camera in config["cameras"] if masked else ():
        inputs[f"image_mask/{camera}"] = inputs[f"masked_image_mask/{camera}"]
    inputs = {k: v for k, v in inputs.items() if not k.startswith("masked")}
    raw = draw.correlation(r, horizon * dim) if config["use_correlated_noise"] else None
    own = cases.Sampler(config, params, inputs, None if raw is None else raw.astype(np.float64))
    files, subcases, quantities = {"params.safetensors": params, "inputs.safetensors": inputs}, {}, []
    rows, width = int(r.integers(1, horizon)), int(r.integers(1, dim + 1))
    for name in ("free", "inpainted", "far_off"):
        subcase = {"num_steps": int(r.integers(1, 13)), "expected": f"{name}.expected.safetensors"}
        white = r.standard_normal((batch, horizon * dim)).astype(np.float32)
        given = None
        if name != "free":
            given = (0.3 * r.standard_normal((batch, rows, width))).astype(np.float32)
            if name == "far_off":
                given[r.integers(batch)] += 40
            subcase["initial_actions_shape"] = list(given.shape)
        values = own.run(subcase, white, given)
        if np.any(np.abs(values["max_abs_delta_u"] - 1) < 1e-3):
            continue  # a decision that rounding could turn
        values["noise_standard"] = white
        wanted = {k: 1e-5 for k in ("x_steps", "x_steps_before_correction", "final_actions", "stage_logits", "noise")}
        wanted.update(times_after=0, times_before=0)
        if given is not None:
            values["initial_actions"] = given
            wanted.update(enforced=0, correction_applied=0, max_abs_delta_u=1e-4)
        files[subcase["expected"]], subcases[name] = values, subcase
        quantities += [quantity(f"{name}:{k}", subcase["expected"], k, v) for k, v in wanted.items()]
    if raw is not None:
        n, name = horizon * dim, f"correction_matrix_{rows}x{width}"
        tensors = {"cholesky_raw_packed": raw[np.tril_indices(n)]}
        tensors["cholesky_shrunk_row_indices"] = np.sort(r.choice(n, min(n, 7), replace=False)).astype(np.int32)
        for key in ("cholesky_shrunk_rows", "cholesky_shrunk_diagonal", name):
            tensors[key] = own.correlation(key, tensors).astype(np.float32)
            if tensors[key].size:
                quantities.append(quantity(f"correlation:{key}", "correlation.safetensors", key, 1e-5))
        files["correlation.safetensors"] = tensors
    return {"config": config, "subcases": subcases, "quantities": quantities}, files


def optimizer(r):
    config = draw.optimizer(r, int(r.integers(1, 16)))
    sizes = [tuple(int(n) for n in r.integers(1, 9, r.integers(0, 4))) for _ in range(r.integers(1, 6))]
    shapes = {f"part{i}/{draw.pick(r, 'kernel', 'bias', 'scale', 'w')}": size for i, size in enumerate(sizes)}
    params = {k: r.standard_normal(v).astype(np.float32) for k, v in shapes.items()}
    size = [10 ** r.uniform(-3, 1) for _ in range(config["steps"])]
    gradients = [{k: (x * r.standard_normal(v)).astype(np.float32) for k, v in shapes.items()} for x in size]
    values = cases.optimizer(config, params, gradients)
    flat = {f"step{i:02d}/{k}": v for i, g in enumerate(gradients) for k, v in g.items()}
    # A moment of a single number may cancel: 1e-5 of what is left of it.
    groups = {"params": 2e-6, "first_moment": 1e-5, "second_moment": 4e-6, "ema": 2e-6}
    quantities = [quantity(k, "expected.safetensors", f"step*/{k}/*", v) for k, v in groups.items()]
    numbers = {"learning_rate": 2e-6, "gradient_norm": 1e-6, "clip_factor": 1e-6, "schedule_0_to_29": 2e-6}
    quantities += [quantity(k, "expected.safetensors", k, v) for k, v in numbers.items()]
    files = {"params.safetensors": params, "gradients.safetensors": flat, "expected.safetensors": values}
    return {"config": config, "quantities": quantities}, files


def frozen_parts(r, shape):
    """Leaves of randomly chosen parts, as a trainer's freeze filter takes them."""
    parts = {
        "vision": lambda k: k.startswith("PaliGemma/img/"),
        "vlm": lambda k: k.startswith("PaliGemma/llm/") and "_1/" not in k and k != EMBEDDING,
        "embedding": lambda k: k == EMBEDDING,
        "fast": lambda k: k.startswith("fast_token_"),
        "expert": lambda k: k.startswith("PaliGemma/llm/") and "_1/" in k,
        "kv": lambda k: k.startswith("kv_transform/"),
    }
    chosen = [parts[k] for k in parts if r.random() < 0.4]
    return [k for k in tree(shape) if any(part(k) for part in chosen)]


def train_steps(r):
    config = draw.settings(r)
    fast = bool(r.random() < 0.7)
    steps = int(r.integers(2, 5))
    config.update(draw.optimizer(r, steps), fast_loss_weight=draw.pick(r, 0.05, 0.5), subtask_loss_weight=draw.pick(r, 0.1, 1.0))
    # With tiny moments Adam's division turns rounding into steps of the full rate: keep to a trainer's own settings.
    config.update(b1=0.9, b2=0.95, eps=draw.pick(r, 1e-8, 1e-6))
    config["schedule"]["peak_lr"] = min(config["schedule"]["peak_lr"], 3e-3)
    config["schedule"]["decay_lr"] = config["schedule"]["peak_lr"] / 10
    config["ema_decay"] = draw.pick(r, 0.5, 0.9, 0.99)
    if not fast:
        config["use_fast_auxiliary"] = False
    shape = Shape.of(config, use_fast_auxiliary=fast)
    params, masked = draw.parameters(r, shape), bool(r.random() < 0.5)
    batches = [draw.batch(r, config, masked) for _ in range(steps)]
    if not fast:
        batches = [{k: v for k, v in b.items() if not k.startswith("fast")} for b in batches]
    frozen = frozen_parts(r, shape)
    subcase = {"use_knowledge_insulation": draw.pick(r, True, False), "frozen": frozen}
    if fast:
        subcase["use_fast_auxiliary"] = True
    per_step, tensors = cases.train_steps(config, subcase, params, batches, keep=(1, steps))
    subcases = {"only": {**subcase, "expected": "only.expected.safetensors", "per_step": per_step}}
    keys = ["loss", "grad_norm", "action_loss", "subtask_loss", "subtask_accuracy"] + (["fast_loss"] if fast else [])
    # One last bit of the start parameters was seen to move the norm of the third step by 1.2e-4: Adam's division makes rounding grow.
    near = {"grad_norm": 3e-4, "subtask_accuracy": 0}
    quantities = [
        quantity(f"only:{k}", "manifest.json", f"subcases.only.per_step[i].{k}", near.get(k, 1e-5)) for k in keys
    ]
    ratio = 0.1 if frozen else 0.01
    for name, pattern in (("params", "after*/params/*"), ("ema", f"after{steps}/ema/*")):
        quantities.append(quantity(f"only:{name}", "only.expected.safetensors", pattern, ratio, except_leaves=[KEY_BIAS]))
    inputs = {f"step{i}/{k}": v for i, b in enumerate(batches) for k, v in b.items() if not k.startswith("masked")}
    files = {"params.safetensors": params, "inputs.safetensors": inputs, "only.expected.safetensors": tensors}
    return {"config": config, "subcases": subcases, "quantities": quantities}, files


def sincos(r):
    periods = lambda: {"min_period": draw.pick(r, 1e-3, 4e-3, 0.02), "max_period": draw.pick(r, 1.0, 4.0, 10.0)}
    config, tensors, quantities = {"stage": periods(), "time": periods()}, {}, []
    for which in config:
        tensors[f"{which}/position"] = np.sort(r.random(int(r.integers(2, 20)))).astype(np.float32)
        for dimension in sorted({2 * int(x) for x in r.integers(2, 70, 4)}):
            for what, relative in (("frequency", 3e-7), ("encoding", 1e-6)):
                name = f"{which}/{what}_{dimension}"
                tensors[name] = cases.codes(config, name, tensors[f"{which}/position"])
                quantities.append(quantity(name, "sincos.safetensors", name, relative))
    return {"config": config, "quantities": quantities}, {"sincos.safetensors": tensors}


def parameter_tree(r):
    config = draw.settings(r)
    shape = Shape.of(config, use_fast_auxiliary=bool(r.random() < 0.6))
    config["use_fast_auxiliary"] = shape.use_fast_auxiliary
    leaves = {k: {"shape": list(v), "dtype": "float32", "kind": "param"} for k, v in tree(shape).items()}
    count = sum(int(np.prod(v)) for v in tree(shape).values())
    n = config["action_horizon"] * config["action_dim"]
    totals = {"parameters": count, "parameter_leaves": len(leaves), "all_leaves": len(leaves) + 1}
    leaves["action_correlation_cholesky"] = {"shape": [n, n], "dtype": "float32", "kind": "intermediate"}
    found = {"name": "leaves", "file": "leaves.json", "tensor": "*", "tolerance_absolute": 0}
    return {"config": config, "totals": totals, "quantities": [found]}, {"leaves.json": leaves}


KINDS = {
    "network": network,
    "sampler": sampler,
    "optimizer": optimizer,
    "train-steps": train_steps,
    "sincos": sincos,
    "parameter-tree": parameter_tree,
}
# What every ten cases are, the dear ones spread out.
ROUND = ["network", "optimizer", "sampler", "parameter-tree", "train-steps", "network", "sincos", "sampler", "network", "optimizer"]


def make(seed, number, kind, out):
    r = np.random.default_rng([seed, number])
    started = time.process_time()
    manifest, files = KINDS[kind](r)
    folder = Path(out) / f"{number:03d}-{kind}"
    listed = {name: "twin" for name in files}
    title = f"twin {number} of seed {seed}"
    write(folder, {"kind": kind, "title": title, **manifest, "files": listed, "made_with": made_with()}, files)
    print(json.dumps({"case": folder.name, "seconds": round(time.process_time() - started, 1)}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="number of the first case (a case depends on seed and number alone)")
    parser.add_argument("--kinds", default="", help="only these, comma-separated")
    a = parser.parse_args()
    kinds = [k for k in a.kinds.split(",") if k] or ROUND
    for i in range(a.first, a.first + a.count):
        make(a.seed, i, kinds[i % len(kinds)], a.out)
