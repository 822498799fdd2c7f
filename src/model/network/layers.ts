import { present } from '../../base/index.ts';
import {
  add,
  addScalar,
  attention,
  concat,
  cos,
  div,
  gelu,
  linear,
  mul,
  reshape,
  rmsNorm,
  sin,
  split,
  sub,
  type Tensor,
  transpose,
} from '../../tensor/index.ts';
import type { Projection } from './lora.ts';
import type { Network } from './network.ts';

/** The dense layer `name` (kernel and bias). */
export function dense(net: Network, name: string, x: Tensor, layer?: number): Tensor {
  return linear(x, net.weight(`${name}/kernel`, layer), net.weight(`${name}/bias`, layer));
}

/** cos and sin of the rotary angles, [..., T, 1, headDim/2] for positions [..., T]; base 10000. */
export interface Rotation {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

export function rotation(net: Network, positions: Tensor): Rotation {
  const half = net.config.headDim / 2;
  const timescale = Float32Array.from({ length: half }, (_, i) => 10000 ** (i / half));
  const angle = div(reshape(positions, [...positions.shape, 1, 1]), net.builder.constant(timescale, [half]));
  return { cos: cos(angle), sin: sin(angle) };
}

/** Rotary embedding on split halves (not interleaved): x [..., T, heads, headDim]. */
function rotate(x: Tensor, { cos, sin }: Rotation): Tensor {
  const axis = x.shape.length - 1;
  const half = present(x.shape[axis], 'x.shape[axis]') / 2;
  const [a, b] = split(x, axis, [half, half]) as [Tensor, Tensor];
  return concat([sub(mul(a, cos), mul(b, sin)), add(mul(b, cos), mul(a, sin))], axis);
}

/** `suffix` chooses the expert's weights: '' the vision-language model, '_1' the action expert. */
export type ExpertSuffix = '' | '_1';

/** `out`, the product of `x` with a projection, and what an adapter of the vision-language model adds to it. */
function projected(
  net: Network,
  expert: ExpertSuffix,
  layer: number,
  projection: Projection,
  x: Tensor,
  out: Tensor,
): Tensor {
  const more = expert === '' ? net.adapted(projection, x, layer) : undefined;
  return more ? add(out, more) : out;
}

/** x [..., T, D] → rotated queries [..., T, heads, headDim]. */
export function queries(net: Network, expert: ExpertSuffix, layer: number, x: Tensor, rotation: Rotation): Tensor {
  const { numHeads, headDim } = net.config;
  const w = net.weight(`PaliGemma/llm/layers/attn/q_einsum${expert}/w`, layer); // [N, D, h]
  const kernel = reshape(transpose(w, [1, 0, 2]), [present(w.shape[1], 'w.shape[1]'), numHeads * headDim]);
  const all = projected(net, expert, layer, 'q_proj', x, linear(x, kernel));
  return rotate(reshape(all, [...x.shape.slice(0, -1), numHeads, headDim]), rotation);
}

/** x [..., S, D] → rotated keys and values, each [..., S, kvHeads, headDim], by one matrix product. */
export function keysAndValues(
  net: Network,
  expert: ExpertSuffix,
  layer: number,
  x: Tensor,
  rotation: Rotation,
): { key: Tensor; value: Tensor } {
  const { numKvHeads: heads, headDim } = net.config;
  const w = net.weight(`PaliGemma/llm/layers/attn/kv_einsum${expert}/w`, layer); // [2, K, D, h]
  const kernel = reshape(transpose(w, [2, 0, 1, 3]), [present(w.shape[2], 'w.shape[2]'), 2 * heads * headDim]);
  const both = linear(x, kernel);
  const [key, value] = split(both, both.shape.length - 1, [heads * headDim, heads * headDim]) as [Tensor, Tensor];
  const shaped = (name: 'k_proj' | 'v_proj', own: Tensor): Tensor =>
    reshape(projected(net, expert, layer, name, x, own), [...x.shape.slice(0, -1), heads, headDim]);
  return { key: rotate(shaped('k_proj', key), rotation), value: shaped('v_proj', value) };
}

/**
 * Queries [..., T, heads, h] against keys and values [..., S, kvHeads, h] → [..., T, heads·h]. The query heads that
 * share a key head become rows of one matrix, so that multi-query attention needs no transposition and no copy per
 * head. `mask` is additive and broadcasts to [..., 1, T·heads/kvHeads, S].
 */
export function attend(net: Network, query: Tensor, key: Tensor, value: Tensor, mask?: Tensor): Tensor {
  const { numHeads, numKvHeads: k, headDim: h } = net.config;
  const lead = query.shape.slice(0, -3);
  const t = present(query.shape.at(-3), 'query.shape.at(-3)');
  const n = lead.length;
  const group = numHeads / k;
  const axes = lead.map((_, i) => i);
  const s = present(key.shape.at(-3), 'key.shape.at(-3)');
  const swapKv = (x: Tensor) => (k === 1 ? reshape(x, [...lead, 1, s, h]) : transpose(x, [...axes, n + 1, n, n + 2]));
  const rows =
    k === 1
      ? reshape(query, [...lead, 1, t * group, h])
      : reshape(transpose(reshape(query, [...lead, t, k, group, h]), [...axes, n + 1, n, n + 2, n + 3]), [
          ...lead,
          k,
          t * group,
          h,
        ]);
  const out = attention(rows, swapKv(key), swapKv(value), { mask, scale: h ** -0.5 });
  if (k === 1) return reshape(out, [...lead, t, numHeads * h]);
  return reshape(transpose(reshape(out, [...lead, k, t, group, h]), [...axes, n + 1, n, n + 2, n + 3]), [
    ...lead,
    t,
    numHeads * h,
  ]);
}

/** attention output [..., T, heads·h] → [..., T, D]. */
export function attentionOutput(net: Network, expert: ExpertSuffix, layer: number, x: Tensor): Tensor {
  const w = net.weight(`PaliGemma/llm/layers/attn/attn_vec_einsum${expert}/w`, layer); // [N, h, D]
  const [heads, h, d] = w.shape as [number, number, number];
  return projected(net, expert, layer, 'o_proj', x, linear(x, reshape(w, [heads * h, d])));
}

/** gelu_tanh(x W0) ⊙ (x W1) · linear. */
export function feedForward(net: Network, expert: ExpertSuffix, layer: number, x: Tensor): Tensor {
  const gating = net.weight(`PaliGemma/llm/layers/mlp${expert}/gating_einsum`, layer); // [2, D, F]
  const [, d, f] = gating.shape as [number, number, number];
  const [first, second] = split(gating, 0, [1, 1]) as [Tensor, Tensor];
  const gate = projected(net, expert, layer, 'gate_proj', x, linear(x, reshape(first, [d, f])));
  const up = projected(net, expert, layer, 'up_proj', x, linear(x, reshape(second, [d, f])));
  const inner = mul(gelu(gate), up);
  const out = linear(inner, net.weight(`PaliGemma/llm/layers/mlp${expert}/linear`, layer));
  return projected(net, expert, layer, 'down_proj', inner, out);
}

/** RMSNorm of the vision-language model: x̂ · (1 + scale). */
export function norm(net: Network, name: string, x: Tensor, layer?: number): Tensor {
  return rmsNorm(x, net.weight(`${name}/scale`, layer), { epsilon: net.config.rmsEpsilon, plusOne: true });
}

/** Scale (one already added), shift and gate, each [M, 1, expertWidth]. */
export interface Modulation {
  readonly scale: Tensor;
  readonly shift: Tensor;
  readonly gate: Tensor;
}

/** [M, 3·expertWidth] → scale + 1, shift, gate. */
export function splitModulation(net: Network, packed: Tensor): Modulation {
  const d = net.config.expertWidth;
  const [scale, shift, gate] = split(reshape(packed, [-1, 1, 3 * d]), 2, [d, d, d]) as [Tensor, Tensor, Tensor];
  return { scale: addScalar(scale, 1), shift, gate };
}

/** adaRMS norm of x [M, T, expertWidth]: x̂ · (1 + scale) + shift. */
export function adaptiveNorm(net: Network, x: Tensor, { scale, shift }: Modulation): Tensor {
  return add(mul(rmsNorm(x, undefined, { epsilon: net.config.rmsEpsilon }), scale), shift);
}
