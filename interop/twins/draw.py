"""Random settings, parameters and inputs. Everything comes from one seeded generator."""

import numpy as np

from network import tree

CAMERAS = ("base_0_rgb", "left_wrist_0_rgb", "right_wrist_0_rgb", "torso_0_rgb")


def pick(r, *values):
    return values[r.integers(len(values))]


def settings(r):
    """Sizes of a small network, as a manifest's `config` has them."""
    kv, heads = pick(r, 1, 1, 2, 3), pick(r, 1, 2, 3)
    width, patch, vision_heads = 4 * int(r.integers(3, 11)), int(r.integers(2, 9)), int(r.integers(1, 4))
    stages = [int(x) for x in r.integers(1, 9, r.integers(1, 7))]
    return {
        "vlm_width": width,
        "layers": int(r.integers(1, 6)),
        "vlm_mlp_dim": int(r.integers(5, 41)),
        "num_heads": kv * heads,
        "num_kv_heads": kv,
        "head_dim": 2 * int(r.integers(1, 9)),
        "expert_width": 2 * int(r.integers(3, 15)),
        "expert_mlp_dim": int(r.integers(5, 41)),
        # The layer norm of a few numbers makes much of float32's rounding, here and in JAX alike.
        "vision_width": vision_heads * max(-(-8 // vision_heads), int(r.integers(2, 9))),
        "vision_layers": int(r.integers(1, 4)),
        "vision_mlp_dim": int(r.integers(4, 33)),
        "vision_heads": vision_heads,
        "vocab_size": int(r.integers(256, 300)),
        "fast_vocab_size": int(r.integers(3, 40)),
        "max_fast_tokens": int(r.integers(1, 10)),
        "image_size": patch * int(r.integers(1, 5)),
        "patch_size": patch,
        "action_dim": int(r.integers(1, 33)),
        "action_horizon": int(r.integers(1, 16)),
        "num_tasks": len(stages),
        "max_stages": max(stages) + int(r.integers(0, 3)),
        "total_task_stages": sum(stages),
        "task_embedding_dim": width,
        "task_num_stages": stages,
        "cameras": list(CAMERAS[: pick(r, 1, 2, 3, 3, 4)]),
        "norm_epsilon_rms": pick(r, 1e-6, 1e-4, 1e-2),
        "layernorm_epsilon": pick(r, 1e-6, 1e-4, 1e-2),
        "batch": int(r.integers(1, 4)),
        "flow_samples": int(r.integers(1, 4)),
        "use_kv_transform": pick(r, True, True, False),
    }


def parameters(r, shape):
    """Every leaf drawn, so that no path is trivial and nothing grows from layer to layer."""
    out = {}
    for name, size in tree(shape).items():
        last, x = name.split("/")[-1], r.standard_normal(size)
        if last == "scale":
            x = 0.2 * x + ("/img/" in name)
        elif last == "bias" or last.endswith("_bias"):
            x = 0.2 * x
        elif last.endswith("_coeffs"):
            x = 0.3 * x + np.eye(len(x))
        elif last in ("pos_embedding", "embedding") and x.ndim < 4:
            x = 0.5 * x
        elif last == "input_embedding":
            x = x / np.sqrt(shape.vlm_width)
        else:
            x = x / np.sqrt(fan_in(name, size))
        out[name] = x.astype(np.float32)
    return out


def fan_in(name, size):
    if "attn_vec_einsum" in name:
        return size[1] * size[2] * 2
    if "/out/kernel" in name:
        return size[1] * size[2]
    if "q_einsum" in name or "kv_einsum" in name:
        return size[-2]
    if name.endswith("img/embedding/kernel"):
        return size[0] * size[1] * size[2]
    if any(part in name for part in ("query", "key", "value")):
        return size[1]
    return size[-2] * (2 if "linear" in name else 1)


def observation(r, config):
    """Pictures, state, task and stage; the state holds values on bin edges, just below them and beyond [-1, 1]."""
    batch, dim, side = config["batch"], config["action_dim"], config["image_size"]
    state = r.standard_normal((batch, dim)).astype(np.float32)
    edges = (r.integers(0, 256, state.shape) / 128 - 1).astype(np.float32)
    which = r.integers(0, 4, state.shape)
    state = np.where(which == 0, edges, np.where(which == 1, np.nextafter(edges, np.float32(-9)), state))
    task = r.integers(0, len(config["task_num_stages"]), batch)
    stage = [r.integers(0, config["task_num_stages"][t]) for t in task]
    out = {"state": state, "tokenized_prompt": np.stack([task, stage], 1).astype(np.int32)}
    for camera in config["cameras"]:
        out[f"image_uint8/{camera}"] = r.integers(0, 256, (batch, side, side, 3)).astype(np.uint8)
        out[f"image_mask/{camera}"] = np.ones(batch, np.uint8)
        out[f"masked_image_mask/{camera}"] = (r.random(batch) < 0.6).astype(np.uint8)
    out[f"masked_image_mask/{pick(r, *config['cameras'])}"][r.integers(batch)] = 0
    return out


def batch(r, config, masked=False):
    """An observation with actions, noise, flow times and FAST tokens."""
    out = observation(r, config)
    size, samples = config["batch"], config["flow_samples"]
    chunk = (config["action_horizon"], config["action_dim"])
    out["actions"] = r.standard_normal((size, *chunk)).astype(np.float32)
    out["noise"] = r.standard_normal((samples, size, *chunk)).astype(np.float32)
    out["time"] = (r.beta(1.5, 1, (samples, size)) * 0.999 + 0.001).astype(np.float32)
    length = config["max_fast_tokens"]
    out["fast_tokens"] = r.integers(0, config["fast_vocab_size"], (size, length)).astype(np.int32)
    out["fast_token_mask"] = (np.arange(length)[None] < r.integers(1, length + 1, size)[:, None]).astype(np.uint8)
    if masked:
        for camera in config["cameras"]:
            out[f"image_mask/{camera}"] = out[f"masked_image_mask/{camera}"]
    return {k: v for k, v in out.items() if not (masked and k.startswith("masked"))}


def correlation(r, n):
    """A lower factor of a random correlation matrix, some of whose dimensions are on their own."""
    x = np.cumsum(r.standard_normal((3 * n + 5, n)), 1) + r.standard_normal((3 * n + 5, n))
    raw = np.linalg.cholesky(np.corrcoef(x.T).reshape(n, n) + 1e-6 * np.eye(n))
    alone = r.random(n) < 0.15
    raw[alone] = raw[:, alone] = 0
    raw[alone, alone] = 1
    return raw.astype(np.float32)


def optimizer(r, steps):
    warmup = int(r.integers(0, 5))
    peak = float(10 ** r.uniform(-4, -1.3))
    return {
        "steps": steps,
        "b1": pick(r, 0.0, 0.8, 0.9, 0.95),
        "b2": pick(r, 0.9, 0.95, 0.99, 0.999),
        "eps": pick(r, 1e-8, 1e-6, 1e-3),
        "weight_decay": pick(r, 0.0, 1e-10, 0.01, 0.3),
        "clip_global_norm": pick(r, 0.01, 0.3, 1.0, 5.0, 100.0),
        "schedule": {
            "kind": "cosine_with_warmup",
            "warmup_steps": warmup,
            "peak_lr": peak,
            "decay_steps": warmup + int(r.integers(1, 30)),
            "decay_lr": peak * pick(r, 0.0, 0.1, 1.0),
        },
        "ema_decay": pick(r, 0.0, 0.5, 0.9, 0.99, 0.999),
    }
