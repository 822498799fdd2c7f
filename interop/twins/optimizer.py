"""AdamW, clipping, schedule by optax; the moving average by its formula (READMEs of `optimizer` and `train-steps`)."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import optax


def schedule(config):
    c = config["schedule"]
    return optax.warmup_cosine_decay_schedule(
        init_value=c["peak_lr"] / (c["warmup_steps"] + 1),
        peak_value=c["peak_lr"],
        warmup_steps=c["warmup_steps"],
        decay_steps=c["decay_steps"],
        end_value=c["decay_lr"],
    )


class Optimizer:
    """Parameters with their optimiser state and moving average; leaves in `frozen` keep out of everything."""

    def __init__(self, config, params, frozen=()):
        self.config, self.rates = config, schedule(config)
        self.frozen = {k: np.asarray(params[k]).astype(ml_dtypes.bfloat16) for k in frozen}
        self.params = {k: jnp.asarray(v) for k, v in params.items() if k not in self.frozen}
        self.ema = dict(self.params)
        self.ema_frozen = dict(self.frozen)
        self.chain = optax.chain(
            optax.clip_by_global_norm(config["clip_global_norm"]),
            optax.adamw(
                self.rates, b1=config["b1"], b2=config["b2"], eps=config["eps"], weight_decay=config["weight_decay"]
            ),
        )
        self.state = self.chain.init(self.params)
        self.count = 0
        self._update = jax.jit(self._one)

    def _one(self, gradients, state, params, ema):
        updates, state = self.chain.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
        decay = self.config["ema_decay"]
        return state, params, {k: decay * ema[k] + (1 - decay) * params[k] for k in params}

    def all(self):
        """Every leaf widened to float32, as the forward pass takes them."""
        return {**self.params, **{k: v.astype(np.float32) for k, v in self.frozen.items()}}

    def step(self, gradients):
        """One update. Returns the rate, the norm before clipping and the factor of the clipping."""
        gradients = {k: jnp.asarray(gradients[k]) for k in self.params}
        norm = float(optax.global_norm(gradients))
        rate = float(self.rates(self.count))
        self.state, self.params, self.ema = self._update(gradients, self.state, self.params, self.ema)
        self.count += 1
        decay, b16 = self.config["ema_decay"], ml_dtypes.bfloat16
        for k, p in self.frozen.items():  # rounded at every operation, so that it shrinks
            self.ema_frozen[k] = self.ema_frozen[k] * b16(decay) + p * b16(1 - decay)
        clip = self.config["clip_global_norm"]
        return rate, norm, min(1.0, clip / norm) if norm > 0 else 1.0

    def moments(self):
        adam = self.state[1][0]
        return adam.mu, adam.nu


def parameter_norm(params):
    """Of leaves with more than one axis that are no bias, scale or embedding of positions or tokens."""
    left_out = ("bias", "scale", "pos_embedding", "input_embedding")
    squares = [
        float((np.asarray(v, np.float64) ** 2).sum())
        for k, v in params.items()
        if v.ndim > 1 and k.split("/")[-1] not in left_out
    ]
    return float(np.sqrt(sum(squares)))
