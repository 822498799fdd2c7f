import { present } from '../../base/index.ts';
import { add, concat, cos, expand, mul, reshape, silu, sin, type Tensor } from '../../tensor/index.ts';
import {
  adaptiveNorm,
  attend,
  attentionOutput,
  dense,
  feedForward,
  keysAndValues,
  type Modulation,
  queries,
  rotation,
  splitModulation,
} from './layers.ts';
import { additive } from './masks.ts';
import type { Network } from './network.ts';
import { type Cache, cacheLayers } from './prefix.ts';
import { sincosFrequencies, TIME_PERIODS } from './sincos.ts';

const LAYERS = 'PaliGemma/llm/layers';

/** Flow times [M] in (0, 1] → adaRMS condition [M, expertWidth]: silu(out(silu(in(sincos(t))))). */
export function timeCondition(net: Network, time: Tensor): Tensor {
  const width = net.config.expertWidth;
  const frequencies = net.builder.constant(sincosFrequencies(width, ...TIME_PERIODS), [width / 2]);
  const angle = mul(reshape(time, [-1, 1]), frequencies);
  const code = concat([sin(angle), cos(angle)], 1);
  const condition = silu(dense(net, 'time_mlp_out', silu(dense(net, 'time_mlp_in', code))));
  net.trace?.('time_condition', condition);
  return condition;
}

/**
 * The Dense_0 outputs of every adaRMS norm, each [M, 3·expertWidth]: attention 0, feed-forward 0, attention 1, …,
 * final.
 */
export function modulationRows(net: Network, condition: Tensor): Tensor[] {
  const out: Tensor[] = [];
  for (let layer = 0; layer < net.config.layers; layer++) {
    out.push(dense(net, `${LAYERS}/pre_attention_norm_1/Dense_0`, condition, layer));
    out.push(dense(net, `${LAYERS}/pre_ffw_norm_1/Dense_0`, condition, layer));
  }
  out.push(dense(net, 'PaliGemma/llm/final_norm_1/Dense_0', condition));
  return out;
}

/** Scale, shift and gate of every norm of the expert, in the same order. */
export function modulations(net: Network, condition: Tensor): Modulation[] {
  return modulationRows(net, condition).map((row) => splitModulation(net, row));
}

export interface SuffixInputs {
  /** Noisy actions [B, N, horizon, actionDim]; N flow samples share one prefix. */
  readonly noisy: Tensor;
  readonly modulations: readonly Modulation[];
  readonly cache: Cache;
  /** [B, S] of 0 and 1: which prefix tokens are there; left out, all. */
  readonly valid?: Tensor;
  /** Rotary position of the first action token, [B, 1] or [1, 1]. */
  readonly start: Tensor;
}

/** One pass of the action expert → velocity [B, N, horizon, actionDim]. */
export function suffixPass(net: Network, { noisy, modulations, cache, valid, start }: SuffixInputs): Tensor {
  const { config, builder } = net;
  const [batch, samples, horizon] = noisy.shape as [number, number, number];
  const rows = batch * samples;
  const width = config.expertWidth;
  let x = dense(net, 'action_in_proj', reshape(noisy, [rows, horizon, config.actionDim]));
  net.trace?.('suffix_tokens', x);

  const steps = builder.constant(
    Float32Array.from({ length: horizon }, (_, i) => i),
    [horizon],
  );
  const positions = reshape(add(start, steps), [-1, 1, horizon]); // [B or 1, 1, horizon]
  const turn = rotation(net, positions);
  const mask = valid && blockedKeys(net, valid, horizon);
  const keys = cacheLayers(cache.keys);
  const values = cacheLayers(cache.values);
  /** Prefix [B, S, K, h] and own [B, N, horizon, K, h] as one set of keys per flow sample. */
  const join = (shared: Tensor, own: Tensor): Tensor => {
    const [, s, k, h] = shared.shape as [number, number, number, number];
    const repeated = expand(reshape(shared, [batch, 1, s, k, h]), [batch, samples, s, k, h]);
    return concat([repeated, own], 2);
  };
  const block = (layer: number, x: Tensor, key: Tensor, value: Tensor): Tensor => {
    const attentionNorm = present(modulations[2 * layer], 'modulations[2 * layer]');
    const feedForwardNorm = present(modulations[2 * layer + 1], 'modulations[2 * layer + 1]');
    const h = reshape(adaptiveNorm(net, x, attentionNorm), [batch, samples, horizon, width]);
    const own = keysAndValues(net, '_1', layer, h, turn);
    const q = queries(net, '_1', layer, h, turn);
    const mixed = attend(net, q, join(key, own.key), join(value, own.value), mask);
    const attended = reshape(attentionOutput(net, '_1', layer, mixed), [rows, horizon, width]);
    const y = add(x, mul(attended, attentionNorm.gate));
    return add(y, mul(feedForward(net, '_1', layer, adaptiveNorm(net, y, feedForwardNorm)), feedForwardNorm.gate));
  };
  for (let layer = 0; layer < config.layers; layer++) {
    const [key, value] = [present(keys[layer], 'keys[layer]'), present(values[layer], 'values[layer]')];
    const inputs = [x, key, value];
    x = present(net.layer(inputs, ([y, k, v]) => [block(layer, y as Tensor, k as Tensor, v as Tensor)])[0], 'a block');
  }
  const out = adaptiveNorm(net, x, present(modulations.at(-1), 'modulations.at(-1)'));
  net.trace?.('suffix_out', out);
  return reshape(dense(net, 'action_out_proj', out), [batch, samples, horizon, config.actionDim]);
}

/** [B, 1, 1, 1, S + horizon], additive: absent prefix tokens are hidden, action tokens all see each other. */
function blockedKeys(net: Network, valid: Tensor, horizon: number): Tensor {
  const [batch, s] = valid.shape as [number, number];
  const own = net.builder.constant(new Float32Array(batch * horizon).fill(1), [batch, horizon]);
  return reshape(additive(concat([valid, own], 1)), [batch, 1, 1, 1, s + horizon]);
}
