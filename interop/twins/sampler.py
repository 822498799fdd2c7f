"""Correlated noise, inpainting and Euler sampling, from the README of the golden case `sampler`."""

import jax
import jax.numpy as jnp
import numpy as np

from network import condition, feeds_of, prefix_pass, suffix_pass, time_code, tree


def unpack(packed):
    """A lower triangle, row by row, as a float64 matrix."""
    n = int((np.sqrt(8 * len(packed) + 1) - 1) / 2)
    out = np.zeros((n, n))
    out[np.tril_indices(n)] = packed
    return out


def shrunk(raw, beta):
    """L = chol(beta L0 L0' + (1 - beta) I), float64."""
    return np.linalg.cholesky(beta * raw @ raw.T + (1 - beta) * np.eye(len(raw)))


def kept_and_free(horizon, dim, rows, width):
    flat = np.arange(horizon * dim).reshape(horizon, dim)
    kept = flat[:rows, :width].ravel()
    return kept, np.setdiff1d(flat, kept)


def correction(factor, horizon, dim, rows, width):
    """Sigma_UO (Sigma_OO + eps I)^-1 [U, O], float64."""
    sigma = factor @ factor.T
    kept, free = kept_and_free(horizon, dim, rows, width)
    oo = sigma[np.ix_(kept, kept)]
    oo = oo + 1e-6 * max(np.diag(oo).mean(), 1) * np.eye(len(kept))
    return np.linalg.solve(oo, sigma[np.ix_(kept, free)]).T


def times(steps):
    """Flow time before and after every Euler step, in float32."""
    f32 = np.float32
    dt, t, before, after = f32(-1 / steps), f32(1), [], []
    while t >= -dt / f32(2):
        before.append(t)
        t = f32(t + dt)
        after.append(t)
    return np.array(before, f32), np.array(after, f32)


_prefix = jax.jit(prefix_pass, static_argnums=1)
_condition = jax.jit(condition)
_suffix = jax.jit(suffix_pass, static_argnums=1)


def prepare(params, s, inputs, mask_name="image_mask/*"):
    """The prefix pass, and the velocity of x at a flow time. Action tokens' positions begin at the number of valid tokens."""
    own = {k: jnp.asarray(params[k]) for k in tree(s)}
    prefix = _prefix(own, s, feeds_of(s, inputs, mask_name))
    seen = {k: prefix[k] for k in ("prefix_mask", "kv_after/k", "kv_after/v")}
    start = prefix["prefix_mask"][:, : s.prefix].astype(jnp.int32).sum(1)

    def velocity(x, time):
        cond = _condition(own, time_code(s, np.full(len(x), time, np.float32)))
        return np.asarray(_suffix(own, s, seen, jnp.asarray(x), cond, start)[2])

    return prefix, velocity


def sample(prefix, velocity, s, noise, steps, given=None, factor=None, threshold=0.3):
    """x after every Euler step and what inpainting did; `noise` [B, H, D] is where the sampling starts."""
    before, after = times(steps)
    dt = np.float32(-1 / steps)
    x, batch = noise.copy(), len(noise)
    out = {k: [] for k in ("x_steps", "x_steps_before_correction", "enforced", "correction_applied", "max_abs_delta_u")}
    if given is not None:
        rows, width = given.shape[1:]
        kept, free = kept_and_free(s.action_horizon, s.action_dim, rows, width)
        matrix = correction(factor, s.action_horizon, s.action_dim, rows, width)
        promised, start = given.reshape(batch, -1).astype(np.float64), noise.reshape(batch, -1)[:, kept].astype(np.float64)
    for t, new in zip(before, after):
        x = x + dt.astype(x.dtype) * velocity(x, t)
        out["x_steps_before_correction"].append(x.copy())
        enforced = given is not None and new > np.float32(threshold)
        applied, largest = False, 0.0
        if enforced:
            flat = x.reshape(batch, -1).copy()
            desired = (1 - float(new)) * promised + float(new) * start
            delta = (desired - flat[:, kept]) @ matrix.T
            flat[:, kept] = desired
            largest = float(np.abs(delta).max(initial=0))
            applied = largest <= 1
            if applied:
                flat[:, free] += delta.astype(flat.dtype)
            x = flat.reshape(x.shape)
        out["x_steps"].append(x.copy())
        out["enforced"].append(np.uint8(enforced))
        out["correction_applied"].append(np.uint8(applied))
        out["max_abs_delta_u"].append(np.float32(largest))
    out = {k: np.stack(v) for k, v in out.items()}
    return {
        **out,
        "noise": noise,
        "times_before": before,
        "times_after": after,
        "final_actions": out["x_steps"][-1],
        "stage_logits": np.asarray(prefix["stage_logits_masked"]),
    }
