import { present } from '../../base/index.ts';
import { add, concat, matmul, reshape, slice, split, stopGradient, type Tensor } from '../../tensor/index.ts';
import { hasOutcomeHeads, type PrefixLayout, prefixLayout } from './config.ts';
import { attend, attentionOutput, feedForward, keysAndValues, norm, queries, rotation } from './layers.ts';
import { autoregressiveMask, perHeadRows, prefixPositions, validTokens, visibility } from './masks.ts';
import type { Network } from './network.ts';
import { fastTokens, stateTokens, taskTokens } from './tokens.ts';
import { visionTokens } from './vision.ts';

/** What the prefix is made from. */
export interface PrefixInputs {
  /** [B, cameras, S, S, 3] */
  readonly images: Tensor;
  /** [B, cameras], 0 where a camera is absent; left out, all are there (and the graph is smaller). */
  readonly imageMask?: Tensor;
  readonly state: Tensor;
  readonly task: Tensor;
  readonly stage: Tensor;
  readonly fast?: { readonly tokens: Tensor; readonly mask: Tensor };
}

export interface Prefix {
  readonly layout: PrefixLayout;
  /** [B, total] of 0 and 1, or undefined when all tokens are there. */
  readonly valid: Tensor | undefined;
  /** Per layer [B, length, kvHeads, headDim], FAST tokens cut off; before mixing. */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
  /** Output after the final norm at the base-task token [B, vlmWidth]. */
  readonly base: Tensor;
  /**
   * The same at the first stage token, the first that sees all of the prefix [B, vlmWidth]; undefined without heads
   * that read it.
   */
  readonly whole: Tensor | undefined;
  /** Output after the final norm at the FAST tokens [B, T, vlmWidth]. */
  readonly fast: Tensor | undefined;
  /** The residual stream that enters the last layer, [B, total, vlmWidth]. */
  readonly stream: Tensor;
}

const LAYERS = 'PaliGemma/llm/layers';

/** One pass of the vision-language model over the prefix. */
export function prefixPass(net: Network, inputs: PrefixInputs): Prefix {
  const { config } = net;
  const layout = prefixLayout(config, { fast: inputs.fast !== undefined });
  const heads = hasOutcomeHeads(config);
  const parts = [
    visionTokens(net, inputs.images),
    taskTokens(net, inputs.task, inputs.stage),
    stateTokens(net, inputs.state),
  ];
  if (inputs.fast) parts.push(fastTokens(net, inputs.fast.tokens));
  let x = concat(parts, 1);
  net.trace?.('prefix_tokens', x);

  const { valid, visible, positions } = geometry(net, layout, inputs);
  const turn = rotation(net, positions);
  const group = config.numHeads / config.numKvHeads;
  const mask = perHeadRows(visible, group);
  const keys: Tensor[] = [];
  const values: Tensor[] = [];
  const block = (layer: number, x: Tensor): readonly [Tensor, Tensor, Tensor] => {
    const h = norm(net, `${LAYERS}/pre_attention_norm`, x, layer);
    const { key, value } = keysAndValues(net, '', layer, h, turn);
    // Only some tokens' outputs are read after the last layer: the others give their keys and values and stop.
    const wanted = layer === config.layers - 1 && !net.trace ? wantedTokens(layout, heads) : undefined;
    const pick = (t: Tensor, axis: number, rows = 1): Tensor =>
      wanted
        ? concat(
            wanted.map(([start, end]) => slice(t, axis, start * rows, end * rows)),
            axis,
          )
        : t;
    const turnQuery = wanted
      ? { cos: pick(turn.cos, positions.shape.length - 1), sin: pick(turn.sin, positions.shape.length - 1) }
      : turn;
    const q = queries(net, '', layer, pick(h, 1), turnQuery);
    const y = add(pick(x, 1), attentionOutput(net, '', layer, attend(net, q, key, value, pick(mask, 2, group))));
    return [add(y, feedForward(net, '', layer, norm(net, `${LAYERS}/pre_ffw_norm`, y, layer))), key, value];
  };
  let stream = x;
  for (let layer = 0; layer < config.layers; layer++) {
    stream = x;
    const [next, key, value] = net.layer([x], ([input]) => block(layer, input as Tensor));
    x = present(next, 'the stream');
    keys.push(present(key, 'the keys'));
    values.push(present(value, 'the values'));
  }
  const out = norm(net, 'PaliGemma/llm/final_norm', x);
  net.trace?.('prefix_out', out);
  traceCache(net, 'kv_before', keys, values);
  const first = net.trace ? layout.base : 0;
  const fastStart = net.trace ? layout.length : heads ? 2 : 1;
  return {
    layout,
    valid,
    keys: keys.map((key) => slice(key, 1, 0, layout.length)),
    values: values.map((value) => slice(value, 1, 0, layout.length)),
    base: reshape(slice(out, 1, first, first + 1), [-1, config.vlmWidth]),
    whole: heads ? reshape(slice(out, 1, first + 1, first + 2), [-1, config.vlmWidth]) : undefined,
    fast: layout.fastTokens > 0 ? slice(out, 1, fastStart, fastStart + layout.fastTokens) : undefined,
    stream,
  };
}

/** Tokens whose last output somebody reads: the base task, with heads the one behind it, and FAST. */
function wantedTokens(layout: PrefixLayout, heads: boolean): [number, number][] {
  const ranges: [number, number][] = [[layout.base, layout.base + (heads ? 2 : 1)]];
  if (layout.fastTokens > 0) ranges.push([layout.length, layout.total]);
  return ranges;
}

/** Validity, who sees whom, and rotary positions; constants when every token is there. */
function geometry(net: Network, layout: PrefixLayout, { images, imageMask, fast }: PrefixInputs) {
  const { builder } = net;
  const batch = present(images.shape[0], 'images.shape[0]');
  const cameras = net.config.cameras.length;
  const masked = imageMask || fast || net.trace;
  const valid = masked
    ? validTokens(
        net,
        layout,
        imageMask ?? builder.constant(new Float32Array(batch * cameras).fill(1), [batch, cameras]),
        fast?.mask,
      )
    : undefined;
  const ones = () => builder.constant(new Float32Array(layout.total).fill(1), [1, layout.total]);
  const visible = visibility(net, layout, valid ?? ones());
  const positions = prefixPositions(net, valid ?? ones());
  if (valid && net.trace) {
    net.trace('prefix_mask', valid);
    net.trace('prefix_ar_mask', builder.constant(Float32Array.from(autoregressiveMask(layout)), [layout.total]));
    net.trace('prefix_attention_mask', visible);
    net.trace('prefix_positions', positions);
  }
  return { valid, visible, positions };
}

/** Keys and values per layer [B, S, kvHeads, headDim], stacked [layers, B, S, kvHeads, headDim]. */
function stack(layers: readonly Tensor[]): Tensor {
  return concat(
    layers.map((t) => reshape(t, [1, ...t.shape])),
    0,
  );
}

function traceCache(net: Network, name: string, keys: readonly Tensor[], values: readonly Tensor[]): void {
  net.trace?.(`${name}/k`, stack(keys));
  net.trace?.(`${name}/v`, stack(values));
}

/** Mixed keys and values, each [layers, B, S, kvHeads, headDim], or one [B, S, kvHeads, headDim] per layer. */
export interface Cache {
  readonly keys: Tensor | readonly Tensor[];
  readonly values: Tensor | readonly Tensor[];
}

/**
 * KV mixing: what expert layer d sees is k'[d] = Σ_s C_k[d, s] k[s] + b_k[d], and the same for values
 * (docs/facts.md#token-sequence); without it k[d]. With knowledge insulation the gradient stops before the mixing.
 */
export function mixCache(net: Network, { keys, values }: Prefix): { keys: Tensor; values: Tensor } {
  const { layers, numKvHeads, headDim, useKvTransform, useKnowledgeInsulation } = net.config;
  const mix = (name: 'k' | 'v', list: readonly Tensor[]): Tensor => {
    const shape = [layers, ...present(list[0], 'list[0]').shape];
    const width = numKvHeads * headDim;
    const all = useKnowledgeInsulation ? stopGradient(stack(list)) : stack(list);
    if (!useKvTransform) return all;
    const mixed = matmul(net.weight(`kv_transform/${name}_coeffs`), reshape(all, [layers, -1]));
    const bias = reshape(net.weight(`kv_transform/${name}_bias`), [layers, 1, width]);
    return reshape(add(reshape(mixed, [layers, -1, width]), bias), shape);
  };
  const cache = { keys: mix('k', keys), values: mix('v', values) };
  net.trace?.('kv_after/k', cache.keys);
  net.trace?.('kv_after/v', cache.values);
  return cache;
}

/** One tensor per layer from a stacked cache tensor, or the list that it is already. */
export function cacheLayers(stacked: Tensor | readonly Tensor[]): readonly Tensor[] {
  if (!('shape' in stacked)) return stacked;
  const [layers, ...rest] = stacked.shape as [number, ...number[]];
  return split(stacked, 0, new Array(layers).fill(1)).map((t) => reshape(t, rest));
}
