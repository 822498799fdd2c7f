"""The policy network in JAX, written from the descriptions beside the golden cases and from nothing else.

Parameters are one flat dictionary by the original's names, layer axis first. All arithmetic happens in the parameters' own
precision: float32 for twins, float64 to decide who is right when two float32 programs differ. Layers are scanned, not unrolled.
"""

import os
from dataclasses import dataclass, fields
from functools import partial

# Every network is compiled once and runs for milliseconds: compile fast.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

import jax
import jax.numpy as jnp
import numpy as np

HIDDEN = -2.3819763e38  # an attention logit that must not count
TOWER = "PaliGemma/img"
VLM = "PaliGemma/llm"
EMBEDDING = f"{VLM}/embedder/input_embedding"


@dataclass(frozen=True)
class Shape:
    """Sizes and switches, by the names that the manifests use."""

    vlm_width: int
    layers: int
    vlm_mlp_dim: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    expert_width: int
    expert_mlp_dim: int
    vision_width: int
    vision_layers: int
    vision_mlp_dim: int
    vision_heads: int
    vocab_size: int
    fast_vocab_size: int
    max_fast_tokens: int
    image_size: int
    patch_size: int
    action_dim: int
    action_horizon: int
    max_stages: int
    task_num_stages: tuple
    cameras: tuple
    norm_epsilon_rms: float = 1e-6
    layernorm_epsilon: float = 1e-6
    use_kv_transform: bool = True
    use_fast_auxiliary: bool = True
    use_knowledge_insulation: bool = False
    fast_loss_weight: float = 0.05
    subtask_loss_weight: float = 0.1

    @staticmethod
    def of(config, **switches):
        known = {field.name for field in fields(Shape)}
        merged = {k: v for k, v in {**config, **switches}.items() if k in known}
        return Shape(**{k: tuple(v) if isinstance(v, list) else v for k, v in merged.items()})

    @property
    def image_tokens(self):
        return len(self.cameras) * (self.image_size // self.patch_size) ** 2

    @property
    def prefix(self):
        """Prefix tokens without FAST: images, five task tokens, one token for each state number."""
        return self.image_tokens + 5 + self.action_dim


def tree(s):
    """Name -> shape of every parameter leaf."""
    w, e, v, n, k, h = s.vlm_width, s.expert_width, s.vision_width, s.num_heads, s.num_kv_heads, s.head_dim
    heads, half, side = s.vision_heads, s.vlm_width // 2, s.image_size // s.patch_size
    out = {}

    def dense(name, a, b, lead=()):
        out[f"{name}/kernel"] = (*lead, a, b)
        out[f"{name}/bias"] = (*lead, b)

    out[f"{TOWER}/embedding/kernel"] = (s.patch_size, s.patch_size, 3, v)
    out[f"{TOWER}/embedding/bias"] = (v,)
    out[f"{TOWER}/pos_embedding"] = (1, side * side, v)
    block, lead = f"{TOWER}/Transformer/encoderblock", (s.vision_layers,)
    for norm in ("LayerNorm_0", "LayerNorm_1"):
        out[f"{block}/{norm}/scale"] = out[f"{block}/{norm}/bias"] = (*lead, v)
    attention = f"{block}/MultiHeadDotProductAttention_0"
    for part in ("query", "key", "value"):
        out[f"{attention}/{part}/kernel"] = (*lead, v, heads, v // heads)
        out[f"{attention}/{part}/bias"] = (*lead, heads, v // heads)
    out[f"{attention}/out/kernel"] = (*lead, heads, v // heads, v)
    out[f"{attention}/out/bias"] = (*lead, v)
    dense(f"{block}/MlpBlock_0/Dense_0", v, s.vision_mlp_dim, lead)
    dense(f"{block}/MlpBlock_0/Dense_1", s.vision_mlp_dim, v, lead)
    out[f"{TOWER}/Transformer/encoder_norm/scale"] = out[f"{TOWER}/Transformer/encoder_norm/bias"] = (v,)
    dense(f"{TOWER}/head", v, w)

    out[EMBEDDING] = (s.vocab_size, w)
    for end, d, mlp in (("", w, s.vlm_mlp_dim), ("_1", e, s.expert_mlp_dim)):
        at = f"{VLM}/layers"
        out[f"{at}/attn/q_einsum{end}/w"] = (s.layers, n, d, h)
        out[f"{at}/attn/kv_einsum{end}/w"] = (s.layers, 2, k, d, h)
        out[f"{at}/attn/attn_vec_einsum{end}/w"] = (s.layers, n, h, d)
        out[f"{at}/mlp{end}/gating_einsum"] = (s.layers, 2, d, mlp)
        out[f"{at}/mlp{end}/linear"] = (s.layers, mlp, d)
    for norm in ("pre_attention_norm", "pre_ffw_norm"):
        out[f"{VLM}/layers/{norm}/scale"] = (s.layers, w)
        dense(f"{VLM}/layers/{norm}_1/Dense_0", e, 3 * e, (s.layers,))
    out[f"{VLM}/final_norm/scale"] = (w,)
    dense(f"{VLM}/final_norm_1/Dense_0", e, 3 * e)

    dense("action_in_proj", s.action_dim, e)
    dense("action_out_proj", e, s.action_dim)
    dense("time_mlp_in", e, e)
    dense("time_mlp_out", e, e)
    if s.use_fast_auxiliary:
        out["fast_token_embedding/embedding"] = (s.fast_vocab_size, w)
        dense("fast_token_proj", w, s.fast_vocab_size)
    out["task_embeddings/embedding"] = (len(s.task_num_stages), w)
    out["task_stage_embeddings/embedding"] = (sum(s.task_num_stages), half)
    dense("gate_task", 2 * w, w)
    dense("gate_sincos", 2 * w, half)
    dense("gate_task_stage", 2 * w, half)
    dense("fusion_layer1", 2 * w, 2 * w)
    dense("fusion_layer2", 2 * w, w)
    dense("stage_projection", w, w)
    dense("stage_pred_from_vlm", w, s.max_stages)
    if s.use_kv_transform:
        for part in "kv":
            out[f"kv_transform/{part}_coeffs"] = (s.layers, s.layers)
            out[f"kv_transform/{part}_bias"] = (s.layers, k, h)
    return dict(sorted(out.items()))


# --- sine-cosine codes, float32 as case `sincos` describes them ---------------------------------------------------------------


def frequencies(dimension, low, high):
    """2 pi / period [dimension / 2], every operation rounded to float32 in the order of the recipe."""
    f32, n = np.float32, dimension // 2
    fraction = np.arange(n, dtype=f32) * (f32(1) / f32(n - 1))
    ratio = np.power(np.float64(f32(high / low)), fraction.astype(np.float64)).astype(f32)
    return ((f32(1) / (f32(low) * ratio)) * f32(2)) * f32(np.pi)


def sincos(position, dimension, low, high):
    """[...] -> [..., dimension] float32: sines, then cosines, of the float32 product position * frequency."""
    angle = np.asarray(position, np.float32)[..., None] * frequencies(dimension, low, high)
    angle = angle.astype(np.float64)
    return np.concatenate([np.sin(angle), np.cos(angle)], -1).astype(np.float32)


# --- pieces -----------------------------------------------------------------------------------------------------------------


def under(params, prefix, rest=None):
    """The leaves below `prefix/`, by the rest of their names."""
    found = {k[len(prefix) + 1 :]: v for k, v in params.items() if k.startswith(prefix + "/")}
    return found if rest is None else {k: found[k] for k in rest}


def dense(p, name, x):
    return x @ p[f"{name}/kernel"] + p[f"{name}/bias"]


def layer_norm(x, scale, bias, epsilon):
    centred = x - x.mean(-1, keepdims=True)
    return centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + epsilon) * scale + bias


def rms(x, epsilon):
    return x / jnp.sqrt((x**2).mean(-1, keepdims=True) + epsilon)


def gelu(x):
    return 0.5 * x * (1 + jnp.tanh(np.sqrt(2 / np.pi).item() * (x + 0.044715 * x**3)))


def silu(x):
    return x * jax.nn.sigmoid(x)


def rotate(x, positions):
    """x [B, T, heads, h], positions [B, T]: the first half of h with the second, base 10000."""
    half = x.shape[-1] // 2
    timescale = 10000.0 ** (jnp.arange(half, dtype=x.dtype) / half)
    angle = positions.astype(x.dtype)[:, :, None, None] / timescale
    a, b = x[..., :half], x[..., half:]
    return jnp.concatenate([a * jnp.cos(angle) - b * jnp.sin(angle), b * jnp.cos(angle) + a * jnp.sin(angle)], -1)


def attend(q, k, v, mask):
    """q [B, T, N, h], k and v [B, S, K, h], mask [B, T, S] -> [B, T, N, h]. Neighbouring query heads share a key head."""
    batch, t, n, h = q.shape
    groups = q.reshape(batch, t, k.shape[2], n // k.shape[2], h) * h**-0.5
    logits = jnp.einsum("btkgh,bskh->bkgts", groups, k)
    weights = jax.nn.softmax(jnp.where(mask[:, None, None], logits, HIDDEN), axis=-1)
    return jnp.einsum("bkgts,bskh->btkgh", weights, v).reshape(batch, t, n, h)


def feed_forward(p, end, x):
    gate, up = p[f"mlp{end}/gating_einsum"]
    return (gelu(x @ gate) * (x @ up)) @ p[f"mlp{end}/linear"]


def project(p, end, x, positions):
    q = rotate(jnp.einsum("btd,ndh->btnh", x, p[f"attn/q_einsum{end}/w"]), positions)
    k, v = jnp.einsum("bsd,ckdh->cbskh", x, p[f"attn/kv_einsum{end}/w"])
    return q, rotate(k, positions), v


def join(p, end, x):
    return jnp.einsum("btnh,nhd->btd", x, p[f"attn/attn_vec_einsum{end}/w"])


# --- prefix -----------------------------------------------------------------------------------------------------------------


def vision(params, s, images):
    """uint8 [n, S, S, 3] -> tokens [n, T, vlm_width], and the values on the way."""
    trace = {}
    pixels = images.astype(params[f"{TOWER}/head/bias"].dtype) / 255 * 2 - 1
    kernel = params[f"{TOWER}/embedding/kernel"]
    side = s.image_size // s.patch_size
    cut = pixels.reshape(-1, side, s.patch_size, side, s.patch_size, 3)
    x = jnp.einsum("bipjqc,pqcw->bijw", cut, kernel).reshape(len(images), side * side, -1)
    x = x + params[f"{TOWER}/embedding/bias"] + params[f"{TOWER}/pos_embedding"]
    trace["with_posemb"] = x

    def block(x, p):
        h = layer_norm(x, p["LayerNorm_0/scale"], p["LayerNorm_0/bias"], s.layernorm_epsilon)
        at = "MultiHeadDotProductAttention_0"
        q, k, v = (
            jnp.einsum("btd,dnh->btnh", h, p[f"{at}/{part}/kernel"]) + p[f"{at}/{part}/bias"]
            for part in ("query", "key", "value")
        )
        mixed = attend(q, k, v, jnp.ones((len(x), x.shape[1], x.shape[1]), bool))
        x = x + jnp.einsum("btnh,nhd->btd", mixed, p[f"{at}/out/kernel"]) + p[f"{at}/out/bias"]
        h = layer_norm(x, p["LayerNorm_1/scale"], p["LayerNorm_1/bias"], s.layernorm_epsilon)
        y = x + dense(p, "MlpBlock_0/Dense_1", gelu(dense(p, "MlpBlock_0/Dense_0", h)))
        return y, (x, y)

    x, (middle, out) = jax.lax.scan(block, x, under(params, f"{TOWER}/Transformer/encoderblock"))
    for i in range(s.vision_layers):
        trace[f"block{i:02d}_after_attention"], trace[f"block{i:02d}_out"] = middle[i], out[i]
    norm = f"{TOWER}/Transformer/encoder_norm"
    trace["encoded"] = layer_norm(x, params[f"{norm}/scale"], params[f"{norm}/bias"], s.layernorm_epsilon)
    trace["tokens"] = dense(params, f"{TOWER}/head", trace["encoded"])
    return trace["tokens"], trace, pixels


def task_tokens(params, feeds):
    """[B, 5, vlm_width]"""
    e = params["task_embeddings/embedding"][feeds["task"]]
    code = feeds["stage_code"].astype(e.dtype)
    g = params["task_stage_embeddings/embedding"][feeds["task_stage"]]
    a = jnp.concatenate([e, code, g], -1)

    def gated(name, x):
        return x * jax.nn.sigmoid(dense(params, name, a))

    fused = dense(params, "fusion_layer2", jax.nn.relu(dense(params, "fusion_layer1", a)))
    both = jnp.concatenate([gated("gate_sincos", code), gated("gate_task_stage", g)], -1)
    dominant = dense(params, "stage_projection", both)
    return jnp.stack([e, gated("gate_task", e), fused, dominant, jnp.concatenate([code, g], -1)], 1)


def state_bins(state):
    """Bin of each state number: edges -1, -1 + 1/128, ...; a value on an edge falls in the bin that starts there."""
    edges = (np.arange(256) / 128 - 1).astype(np.float32)
    below = (edges[None, None] <= np.asarray(state, np.float32)[..., None]).sum(-1)
    return np.clip(below - 1, 0, 255).astype(np.int32)


def feeds_of(s, inputs, mask_name="image_mask/*"):
    """The inputs of a case as the network takes them: everything that needs no parameter is worked out here, in numpy."""
    task, stage = np.asarray(inputs["tokenized_prompt"]).T
    counts = np.asarray(s.task_num_stages)
    batch, per_camera = len(task), s.image_tokens // len(s.cameras)
    position = stage.astype(np.float32) / np.maximum(counts[task] - 1, 1).astype(np.float32)
    there = np.stack([np.asarray(inputs[mask_name.replace("*", camera)], bool) for camera in s.cameras], 1)
    valid = [np.repeat(there, per_camera, 1), np.ones((batch, 5 + s.action_dim), bool)]
    ar = [0] * s.image_tokens + [0, 1, 0, 0, 0] + [0] * s.action_dim
    out = {
        "images": np.stack([inputs[f"image_uint8/{camera}"] for camera in s.cameras]),
        "task": task,
        "stage": stage,
        "task_stage": (np.cumsum(counts) - counts)[task] + stage,
        "stage_code": sincos(position, s.vlm_width // 2, 1e-3, 1.0),
        "has_stage": np.arange(s.max_stages)[None] < counts[task][:, None],
        "state_bins": state_bins(inputs["state"]),
        # A table that is kept in bfloat16 has its factor rounded there too; `inputs` says so.
        "embedding_factor": np.float32(inputs.get("embedding_factor", np.sqrt(s.vlm_width))),
    }
    if s.use_fast_auxiliary:
        ids, mask = np.asarray(inputs["fast_tokens"]), np.asarray(inputs["fast_token_mask"], bool)
        out.update(fast=ids, fast_mask=mask, fast_shifted=np.concatenate([np.zeros_like(ids[:, :1]), ids[:, :-1]], 1))
        valid.append(np.concatenate([np.ones((batch, 1), bool), mask[:, :-1]], 1))
        ar += [1] * ids.shape[1]
    if "time" in inputs:
        out.update({k: inputs[k] for k in ("time", "noise", "actions")}, time_code=time_code(s, inputs["time"]))
    valid, block = np.concatenate(valid, 1), np.cumsum(ar)
    out.update(
        prefix_mask=valid,
        prefix_ar_mask=np.asarray(ar, np.uint8),
        prefix_positions=(np.cumsum(valid, 1) - 1).astype(np.int32),
        prefix_attention_mask=(block[None, :] <= block[:, None])[None] & valid[:, None, :] & valid[:, :, None],
    )
    return out


def time_code(s, time):
    """Flow times of any shape -> [..., expert_width]."""
    return sincos(time, s.expert_width, 4e-3, 4.0)


def prefix_pass(params, s, feeds):
    """The vision-language model over the prefix; everything that it computes by the names of the golden cases."""
    t = {k: feeds[k].astype(np.uint8) for k in ("prefix_mask", "prefix_ar_mask", "prefix_attention_mask")}
    t.update({k: feeds[k] for k in ("prefix_positions", "state_bins")})
    dtype = params["gate_task/bias"].dtype
    batch, cameras = len(feeds["task"]), len(s.cameras)
    flat = feeds["images"].reshape(cameras * batch, *feeds["images"].shape[2:])
    tokens, trace, pixels = vision(params, s, flat)
    for i, camera in enumerate(s.cameras):
        own = slice(i * batch, (i + 1) * batch)
        t[f"image_float/{camera}"] = pixels[own]
        t.update({f"vision/{camera}/{k}": v[own] for k, v in trace.items()})
    parts = [tokens[i * batch : (i + 1) * batch] for i in range(cameras)]
    parts.append(task_tokens(params, feeds))
    parts.append(params[EMBEDDING][feeds["state_bins"]] * feeds["embedding_factor"].astype(dtype))
    if s.use_fast_auxiliary:
        parts.append(params["fast_token_embedding/embedding"][feeds["fast_shifted"]])
    x = t["prefix_tokens"] = jnp.concatenate(parts, 1)
    positions, sees = feeds["prefix_positions"], feeds["prefix_attention_mask"]

    def layer(x, p):
        q, k, v = project(p, "", rms(x, s.norm_epsilon_rms) * (1 + p["pre_attention_norm/scale"]), positions)
        x = x + join(p, "", attend(q, k, v, sees))
        h = rms(x, s.norm_epsilon_rms) * (1 + p["pre_ffw_norm/scale"])
        return x + feed_forward(p, "", h), (k, v)

    own = [k for k in under(params, f"{VLM}/layers") if "_1/" not in k]
    x, (k, v) = jax.lax.scan(layer, x, under(params, f"{VLM}/layers", own))
    t["kv_before/k"], t["kv_before/v"] = k, v
    t["prefix_out"] = out = rms(x, s.norm_epsilon_rms) * (1 + params[f"{VLM}/final_norm/scale"])

    t["stage_logits_raw"] = dense(params, "stage_pred_from_vlm", out[:, s.image_tokens])
    t["stage_logits_masked"] = jnp.where(feeds["has_stage"], t["stage_logits_raw"], -jnp.inf)
    if s.use_fast_auxiliary:
        t["fast_logits"] = dense(params, "fast_token_proj", out[:, s.prefix :])

    for name, cache in (("k", k), ("v", v)):
        cache = cache[:, :, : s.prefix]
        if s.use_knowledge_insulation:
            cache = jax.lax.stop_gradient(cache)
        if s.use_kv_transform:
            cache = jnp.einsum("ds,sbtkh->dbtkh", params[f"kv_transform/{name}_coeffs"], cache)
            cache = cache + params[f"kv_transform/{name}_bias"][:, None, None]
        t[f"kv_after/{name}"] = cache
    return t


# --- action expert ----------------------------------------------------------------------------------------------------------


def condition(params, code):
    """Codes of flow times [..., expert_width] -> [..., expert_width]."""
    code = code.astype(params["time_mlp_in/bias"].dtype)
    return silu(dense(params, "time_mlp_out", silu(dense(params, "time_mlp_in", code))))


def suffix_pass(params, s, t, noisy, cond, start):
    """Noisy actions [B, H, D] under condition [B, E], behind the prefix `t`; action tokens' positions begin at start [B]."""
    batch, horizon = noisy.shape[:2]
    x = tokens = dense(params, "action_in_proj", noisy)
    positions = start[:, None] + jnp.arange(horizon)[None]
    there = jnp.concatenate([t["prefix_mask"][:, : s.prefix] > 0, jnp.ones((batch, horizon), bool)], 1)
    sees = jnp.repeat(there[:, None], horizon, 1)

    def modulated(p, name, x):
        scale, shift, gate = jnp.split(dense(p, f"{name}/Dense_0", cond)[:, None], 3, -1)
        return rms(x, s.norm_epsilon_rms) * (1 + scale) + shift, gate

    def layer(x, given):
        p, before_k, before_v = given
        h, gate = modulated(p, "pre_attention_norm_1", x)
        q, k, v = project(p, "_1", h, positions)
        mixed = attend(q, jnp.concatenate([before_k, k], 1), jnp.concatenate([before_v, v], 1), sees)
        x = x + join(p, "_1", mixed) * gate
        h, gate = modulated(p, "pre_ffw_norm_1", x)
        return x + feed_forward(p, "_1", h) * gate, None

    own = [k for k in under(params, f"{VLM}/layers") if "_1/" in k]
    x, _ = jax.lax.scan(layer, x, (under(params, f"{VLM}/layers", own), t["kv_after/k"], t["kv_after/v"]))
    out, _ = modulated(params, f"{VLM}/final_norm_1", x)
    return tokens, out, dense(params, "action_out_proj", out)


# --- losses -----------------------------------------------------------------------------------------------------------------

ARM = [f"arm_{i}" for i in range(7)]
COLUMNS = ["base_vel_x", "base_vel_y", "base_vel_z", "trunk_0", "trunk_1", "trunk_2", "trunk_3"]
COLUMNS += [f"left_{a}" for a in ARM] + ["left_gripper"] + [f"right_{a}" for a in ARM] + ["right_gripper"]


def cross_entropy(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits, -1), labels[..., None], -1)[..., 0]


def losses(params, s, feeds):
    """mean_b(total_loss), and everything on the way by the names of the golden cases. `noise` [N, B, H, D], `time` [N, B]."""
    t = prefix_pass(params, s, feeds)
    dtype = params["gate_task/bias"].dtype
    noise, actions = feeds["noise"].astype(dtype), feeds["actions"].astype(dtype)
    t["time_condition"] = condition(params, feeds["time_code"])
    at = feeds["time"].astype(dtype)[:, :, None, None]
    noisy, target = at * noise + (1 - at) * actions, noise - actions
    start = jnp.full(len(actions), s.prefix)
    run = jax.vmap(lambda x, c: suffix_pass(params, s, t, x, c, start))
    t["suffix_tokens"], t["suffix_out"], t["velocity"] = run(noisy, t["time_condition"])
    elements = t["action_loss_elements"] = ((t["velocity"] - target) ** 2).mean(0)

    stage = feeds["stage"]
    action = t["loss/action_loss"] = elements.mean((1, 2))
    for i, name in enumerate(COLUMNS[: s.action_dim]):
        t[f"loss/action_loss_{name}"] = elements[:, :, i].mean(1)
    t["loss/subtask_loss"] = cross_entropy(t["stage_logits_masked"], stage).mean()
    t["loss/subtask_accuracy"] = (jnp.argmax(t["stage_logits_masked"], -1) == stage).mean()
    total = action + s.subtask_loss_weight * t["loss/subtask_loss"]
    if s.use_fast_auxiliary:
        ids, there = feeds["fast"], feeds["fast_mask"].astype(dtype)
        count = jnp.maximum(there.sum(1), 1)
        t["fast_token_loss"] = cross_entropy(t["fast_logits"], ids)
        t["loss/fast_loss"] = (t["fast_token_loss"] * there).sum(1) / count
        t["loss/fast_accuracy"] = ((jnp.argmax(t["fast_logits"], -1) == ids) * there).sum(1) / count
        total = total + s.fast_loss_weight * t["loss/fast_loss"].mean()
    t["loss/total_loss"] = total
    t["loss/mean_total_loss"] = total.mean()
    return t["loss/mean_total_loss"], t


@partial(jax.jit, static_argnums=1)
def _evaluate(params, s, feeds):
    return jax.grad(losses, has_aux=True)(params, s, feeds)


def evaluate(params, s, inputs, mask_name="image_mask/*"):
    """Everything that `losses` computes, and the gradient by every leaf of the tree, as numpy arrays."""
    own = {k: jnp.asarray(params[k]) for k in tree(s)}
    gradients, values = _evaluate(own, s, feeds_of(s, inputs, mask_name))
    return {k: np.asarray(v) for k, v in values.items()}, {k: np.asarray(v) for k, v in gradients.items()}
