"""What each kind of golden case promises, computed by the twin: {subcase: {tensor: value}} to compare or to write."""

import re

import numpy as np

import sampler as sampling
from network import EMBEDDING, Shape, evaluate, frequencies, sincos, tree
from optimizer import Optimizer, parameter_norm, schedule


def network(config, subcase, params, inputs):
    """(values, gradients) of one sub-case."""
    return evaluate(params, Shape.of(config, **subcase), inputs, subcase.get("image_mask", "image_mask/*"))


class Sampler:
    """One prefix pass for all sub-cases of a case."""

    def __init__(self, config, params, inputs, raw):
        self.config, self.shape = config, Shape.of(config, use_fast_auxiliary=False)
        n = config["action_horizon"] * config["action_dim"]
        self.factor = np.eye(n) if raw is None else sampling.shrunk(raw, config["correlation_beta"])
        self.prefix, self.velocity = sampling.prepare(params, self.shape, inputs)

    def run(self, subcase, white, given=None):
        shape = (len(white), self.config["action_horizon"], self.config["action_dim"])
        noise = (white.astype(np.float64) @ self.factor.T).astype(np.float32).reshape(shape)
        return sampling.sample(
            self.prefix,
            self.velocity,
            self.shape,
            noise,
            subcase["num_steps"],
            given,
            self.factor,
            self.config.get("time_threshold_inpaint", 0.3),
        )

    def correlation(self, name, tensors):
        """A quantity of correlation.safetensors by its name."""
        if name.endswith("_diagonal"):
            return np.diag(self.factor)
        if name.endswith("_rows"):
            return self.factor[tensors[name.replace("_rows", "_row_indices")]]
        rows, width = (int(x) for x in re.search(r"(\d+)x(\d+)$", name).groups())
        matrix = sampling.correction(self.factor, self.config["action_horizon"], self.config["action_dim"], rows, width)
        return matrix[tensors[f"{name}_row_numbers"]] if f"{name}_row_numbers" in tensors else matrix


def optimizer(config, params, gradients):
    """Parameters, moments, moving average by `stepNN/...`, and one number per step; `gradients` a list of dictionaries."""
    own, out = Optimizer(config, params), {}
    numbers = {"learning_rate": [], "gradient_norm": [], "clip_factor": []}
    for i, g in enumerate(gradients):
        for key, value in zip(numbers, own.step(g)):
            numbers[key].append(value)
        mu, nu = own.moments()
        for kind, values in (("params", own.params), ("first_moment", mu), ("second_moment", nu), ("ema", own.ema)):
            out.update({f"step{i:02d}/{kind}/{k}": np.asarray(v) for k, v in values.items()})
    out.update({k: np.array(v, np.float32) for k, v in numbers.items()})
    rate = schedule(config)
    out["schedule_0_to_29"] = np.array([rate(i) for i in range(30)], np.float32)
    return out


def train_steps(config, subcase, params, batches, keep):
    """Training over recorded batches: (numbers of every step, tensors by `after<n>/...` for n in keep)."""
    shape = Shape.of(config, **{"use_fast_auxiliary": "fast_tokens" in batches[0], **subcase})
    frozen = subcase.get("frozen", [])
    own, per_step, tensors = Optimizer(config, {k: params[k] for k in tree(shape)}, frozen), [], {}
    for i, batch in enumerate(batches):
        if EMBEDDING in frozen:
            root = np.float32(np.sqrt(shape.vlm_width))
            batch = {**batch, "embedding_factor": root.astype(own.frozen[EMBEDDING].dtype).astype(np.float32)}
        values, gradients = evaluate(own.all(), shape, batch)
        _, norm, _ = own.step(gradients)
        step = {k.removeprefix("loss/"): float(v.mean()) for k, v in values.items() if k.startswith("loss/")}
        step.pop("mean_total_loss")
        per_step.append({**step, "loss": step["total_loss"], "grad_norm": norm, "param_norm": parameter_norm(own.all())})
        if i + 1 in keep:
            tensors.update({f"after{i + 1}/params/{k}": np.asarray(v) for k, v in own.params.items()})
    last = len(batches)
    tensors.update({f"after{last}/ema/{k}": np.asarray(v) for k, v in own.ema.items()})
    tensors.update({f"after{last}/ema_frozen/{k}": v.astype(np.float32) for k, v in own.ema_frozen.items()})
    return per_step, tensors


def codes(config, name, positions):
    """A tensor of a sincos case: `<which>/frequency_D` or `<which>/encoding_D`."""
    which, what, dimension = re.fullmatch(r"(.+)/(frequency|encoding)_(\d+)(?:_\w+)?", name).groups()
    periods = (config[which]["min_period"], config[which]["max_period"])
    if what == "frequency":
        return frequencies(int(dimension), *periods)
    return sincos(positions, int(dimension), *periods)
