"""Valet's network in PyTorch (CPU), beside which `valet bench` measures. Functional, with the weights of the original tree's names."""

import json
import math
import struct
from pathlib import Path

import torch
import torch.nn.functional as F


def read_safetensors(path):
    data = Path(path).read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    types = {"F32": torch.float32, "I32": torch.int32, "U8": torch.uint8}
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name == "__metadata__":
            continue
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        flat = torch.frombuffer(bytearray(data[start:end]), dtype=types[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


class Network:
    """Functional: weights by the original tree's names, convolutions in PyTorch's layout."""

    def __init__(self, config, weights, stage_codes):
        self.c = config
        self.stage_codes = stage_codes
        self.w = {}
        for name, value in weights.items():
            if "/stem/" in name and name.endswith("/kernel"):
                value = value.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
            stacked = "/llm/layers/" in name or "/encoderblock/" in name  # the first axis counts layers: one parameter each
            self.w[name] = [v.clone().requires_grad_() for v in value] if stacked else value.clone().requires_grad_()
        self.tokens = len(config["cameras"]) * weights["PaliGemma/img/pos_embedding"].shape[1]
        self.offsets = torch.tensor([0] + config["taskNumStages"][:-1]).cumsum(0)
        bars = torch.zeros(len(config["taskNumStages"]), config["maxStages"])
        for task, n in enumerate(config["taskNumStages"]):
            bars[task, n:] = -1e30
        self.bars = bars

    def parameters(self):
        return [p for value in self.w.values() for p in (value if isinstance(value, list) else [value])]

    def dense(self, name, x, layer=None):
        kernel, bias = self.w[f"{name}/kernel"], self.w[f"{name}/bias"]
        if layer is not None:
            kernel, bias = kernel[layer], bias[layer]
        kernel = kernel.reshape(x.shape[-1], -1)
        return torch.addmm(bias.reshape(-1), x.reshape(-1, x.shape[-1]), kernel).reshape(*x.shape[:-1], -1)

    def rms(self, x, scale=None):
        normal = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.c["rmsEpsilon"])
        return normal if scale is None else normal * (1 + scale)

    def vision(self, images):
        c, w = self.c, self.w
        tower, stem = "PaliGemma/img", c["stem"]
        b, cameras, side = images.shape[:3]
        x = images.reshape(b * cameras, side, side, 3).float() * (2 / 255) - 1
        x = self.patches(x) if stem["kind"] == "patch" else self.convolutions(x, stem)
        x = x + w[f"{tower}/pos_embedding"]
        norm = lambda name, y, layer=None: F.layer_norm(
            y,
            y.shape[-1:],
            w[f"{name}/scale"] if layer is None else w[f"{name}/scale"][layer],
            w[f"{name}/bias"] if layer is None else w[f"{name}/bias"][layer],
            c["layerNormEpsilon"],
        )
        block = f"{tower}/Transformer/encoderblock"
        attention = f"{block}/MultiHeadDotProductAttention_0"
        n, t, width = x.shape
        heads = lambda y: y.reshape(n, t, c["visionHeads"], -1).transpose(1, 2)
        for layer in range(c["visionLayers"]):
            h = norm(f"{block}/LayerNorm_0", x, layer)
            q, k, v = (heads(self.dense(f"{attention}/{name}", h, layer)) for name in ("query", "key", "value"))
            mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, width)
            x = x + self.dense(f"{attention}/out", mixed, layer)
            h = F.gelu(self.dense(f"{block}/MlpBlock_0/Dense_0", norm(f"{block}/LayerNorm_1", x, layer), layer), approximate="tanh")
            x = x + self.dense(f"{block}/MlpBlock_0/Dense_1", h, layer)
        x = norm(f"{tower}/Transformer/encoder_norm", x)
        return self.dense(f"{tower}/head", x).reshape(b, cameras * t, -1)

    def patches(self, x):
        n, side, p = x.shape[0], x.shape[1], self.c["patchSize"]
        g = side // p
        cut = x.reshape(n, g, p, g, p, 3).transpose(2, 3).reshape(n, g * g, p * p * 3)
        kernel = self.w["PaliGemma/img/embedding/kernel"].flatten(0, 2)
        return torch.addmm(self.w["PaliGemma/img/embedding/bias"], cut.flatten(0, 1), kernel).unflatten(0, (n, g * g))

    def convolutions(self, x, stem):
        w, at = self.w, "PaliGemma/img/stem"
        x = x.permute(0, 3, 1, 2)
        last = len(stem["kernels"]) - 1
        for i, (kernel, stride) in enumerate(zip(stem["kernels"], stem["strides"])):
            padding = math.ceil(max(kernel - stride, 0) / 2)
            x = F.conv2d(x, w[f"{at}/{i}/kernel"], w[f"{at}/{i}/bias"], stride, padding)
            if 0 < i < last:
                x = self.rms(x.permute(0, 2, 3, 1), w[f"{at}/{i}/scale"]).permute(0, 3, 1, 2)
            if i < last:
                x = F.relu(x)
        return x.permute(0, 2, 3, 1).flatten(1, 2)

    def state(self, state):
        if self.c["stateTokens"]["kind"] == "continuous":
            return self.dense("state_mlp_out", F.silu(self.dense("state_mlp_in", state)))[:, None]
        bins = (torch.floor(state * (128 / self.c["stateTokens"]["range"])) + 128).clamp(0, 255).long()
        return F.embedding(bins, self.w["PaliGemma/llm/embedder/input_embedding"]) * math.sqrt(self.c["vlmWidth"])

    def task_tokens(self, task, stage):
        pair = self.offsets[task] + stage
        e = self.w["task_embeddings/embedding"][task]
        s = self.stage_codes[pair]
        g = self.w["task_stage_embeddings/embedding"][pair]
        every = torch.cat([e, s, g], 1)
        gate = lambda name, x: x * torch.sigmoid(self.dense(name, every))
        return torch.stack(
            [
                e,
                gate("gate_task", e),
                self.dense("fusion_layer2", F.relu(self.dense("fusion_layer1", every))),
                self.dense("stage_projection", torch.cat([gate("gate_sincos", s), gate("gate_task_stage", g)], 1)),
                torch.cat([s, g], 1),
            ],
            1,
        )

    def rotation(self, start, count):
        half = self.c["headDim"] // 2
        timescale = 10000 ** (torch.arange(half, dtype=torch.float32) / half)
        angle = torch.arange(start, start + count, dtype=torch.float32)[:, None, None] / timescale
        return angle.cos(), angle.sin()

    @staticmethod
    def rotate(x, turn):
        a, b = x.chunk(2, -1)
        cos, sin = turn
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

    def queries(self, expert, layer, x, turn):
        w = self.w[f"PaliGemma/llm/layers/attn/q_einsum{expert}/w"][layer]
        kernel = w.transpose(0, 1).reshape(w.shape[1], -1)
        return self.rotate((x @ kernel).unflatten(-1, (w.shape[0], w.shape[2])), turn)

    def keys_values(self, expert, layer, x, turn):
        w = self.w[f"PaliGemma/llm/layers/attn/kv_einsum{expert}/w"][layer]
        _, heads, d, h = w.shape
        key, value = (x @ w.permute(2, 0, 1, 3).reshape(d, -1)).chunk(2, -1)
        return self.rotate(key.unflatten(-1, (heads, h)), turn), value.unflatten(-1, (heads, h))

    def attend(self, q, k, v, mask=None):
        """[..., T, heads, h] against [..., S, 1, h]; one key head for all."""
        group = q.shape[-2]
        q, k, v = (y.flatten(0, -4).transpose(1, 2) for y in (q, k, v))
        k, v = (y.expand(-1, group, -1, -1) for y in (k, v))
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return out.transpose(1, 2).flatten(2)

    def output(self, expert, layer, x):
        return x @ self.w[f"PaliGemma/llm/layers/attn/attn_vec_einsum{expert}/w"][layer].flatten(0, 1)

    def feed_forward(self, expert, layer, x):
        gate, up = self.w[f"PaliGemma/llm/layers/mlp{expert}/gating_einsum"][layer]
        return (F.gelu(x @ gate, approximate="tanh") * (x @ up)) @ self.w[f"PaliGemma/llm/layers/mlp{expert}/linear"][layer]

    def prefix(self, batch):
        c, w = self.c, self.w
        x = torch.cat([self.vision(batch["images"]), self.task_tokens(batch["task"], batch["stage"]), self.state(batch["state"])], 1)
        length, base = x.shape[1], self.tokens
        block = torch.arange(length) > base
        visible = block[:, None] >= block[None, :]
        turn = self.rotation(0, length)
        keys, values = [], []
        for layer in range(c["layers"]):
            stream = x
            h = self.rms(x, w["PaliGemma/llm/layers/pre_attention_norm/scale"][layer])
            k, v = self.keys_values("", layer, h, turn)
            keys.append(k)
            values.append(v)
            mask = visible
            turn_query = turn
            if layer == c["layers"] - 1:  # only the base token's last output is read
                x, h, mask = x[:, base : base + 1], h[:, base : base + 1], visible[base : base + 1]
                turn_query = tuple(part[base : base + 1] for part in turn)
            x = x + self.output("", layer, self.attend(self.queries("", layer, h, turn_query), k, v, mask))
            x = x + self.feed_forward("", layer, self.rms(x, w["PaliGemma/llm/layers/pre_ffw_norm/scale"][layer]))
        out = self.rms(x, w["PaliGemma/llm/final_norm/scale"])
        def mix(name, parts):
            mixed = w[f"kv_transform/{name}_coeffs"] @ torch.stack(parts).flatten(1)
            return mixed.view(len(parts), *parts[0].shape) + w[f"kv_transform/{name}_bias"][:, None, None]

        return out[:, 0], stream, mix("k", keys), mix("v", values)

    def modulations(self, time_):
        """Flow times [M]: scale, shift and gate of every adaRMS norm, in the order of their use."""
        width, layers = self.c["expertWidth"], "PaliGemma/llm/layers"
        period = 4e-3 * 1000 ** (torch.arange(width // 2, dtype=torch.float32) / (width // 2 - 1))
        angle = time_.reshape(-1, 1) * (2 * math.pi / period)
        condition = F.silu(self.dense("time_mlp_out", F.silu(self.dense("time_mlp_in", torch.cat([angle.sin(), angle.cos()], 1)))))
        names = [(f"{layers}/{norm}", i) for i in range(self.c["layers"]) for norm in ("pre_attention_norm_1", "pre_ffw_norm_1")]
        return [self.dense(f"{name}/Dense_0", condition, i)[:, None].chunk(3, -1) for name, i in names + [("PaliGemma/llm/final_norm_1", None)]]

    def velocity(self, noisy, modulations, keys, values):
        """noisy [B, N, H, D]."""
        c = self.c
        b, n, horizon, _ = noisy.shape
        length = keys.shape[2]
        x = self.dense("action_in_proj", noisy.reshape(b * n, horizon, -1))
        turn = self.rotation(length, horizon)
        share = lambda y: y[:, None].expand(-1, n, -1, -1, -1).flatten(0, 1)
        for layer in range(c["layers"]):
            scale, shift, gate = modulations[2 * layer]
            h = self.rms(x) * (1 + scale) + shift
            k, v = self.keys_values("_1", layer, h, turn)
            k, v = torch.cat([share(keys[layer]), k], 1), torch.cat([share(values[layer]), v], 1)
            x = x + gate * self.output("_1", layer, self.attend(self.queries("_1", layer, h, turn), k, v))
            scale, shift, gate = modulations[2 * layer + 1]
            x = x + gate * self.feed_forward("_1", layer, self.rms(x) * (1 + scale) + shift)
        scale, shift, _ = modulations[-1]
        return self.dense("action_out_proj", self.rms(x) * (1 + scale) + shift).reshape(noisy.shape)

    def loss(self, batch):
        c = self.c
        base, stream, keys, values = self.prefix(batch)
        noise, actions = batch["noise"].transpose(0, 1), batch["actions"][:, None]
        time_ = batch["time"].t()
        target = noise - actions
        velocity = self.velocity(actions + time_[..., None, None] * target, self.modulations(time_), keys, values)
        total = (velocity - target).square().mean()
        logits = self.dense("stage_pred_from_vlm", base) + self.bars[batch["task"]]
        total = total + c["subtaskLossWeight"] * F.cross_entropy(logits, batch["stage_label"])
        auxiliary = c["auxiliary"]
        if auxiliary is None:
            return total
        reduced = self.dense("auxiliary/reduce", self.rms(stream)).flatten(1)
        features = F.silu(self.dense("auxiliary/hidden", torch.cat([base, reduced], 1)))
        chunk = self.dense("auxiliary/chunk", features).reshape(batch["actions"].shape)
        total = total + auxiliary["chunk"]["weight"] * (chunk - batch["actions"]).abs().mean()
        objects = self.dense("auxiliary/objects", features)
        return total + auxiliary["objects"]["weight"] * (objects - batch["objects"]).abs().mean()

    def sample(self, batch, modulations):
        """From noise [B, H, D] to actions: one prefix pass, then Euler steps from 1 to 0; `modulations` holds those of each step."""
        _, _, keys, values = self.prefix(batch)
        x = batch["start"][:, None]
        for step in modulations:
            x = x - self.velocity(x, step, keys, values) / len(modulations)
        return x[:, 0]
