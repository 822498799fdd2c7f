import { present } from '../../base/index.ts';
import {
  addScalar,
  cast,
  concat,
  expand,
  matmul,
  mul,
  reshape,
  scale,
  slice,
  type Tensor,
} from '../../tensor/index.ts';
import { type ModelConfig, type PrefixLayout, prefixLayout } from './config.ts';
import type { Network } from './network.ts';

/**
 * What a score becomes where a query must not see a key (the original's number; finite, so that a row without keys is
 * uniform).
 */
const BLOCKED = -2.3819763e38;

/** Which prefix tokens are there: image_mask [B, cameras] and fast_mask [B, T] → [B, S] of 0 and 1. */
export function validTokens(net: Network, layout: PrefixLayout, imageMask: Tensor, fastMask?: Tensor): Tensor {
  const [batch, cameras] = imageMask.shape as [number, number];
  const ones = (n: number) => net.builder.constant(new Float32Array(batch * n).fill(1), [batch, n]);
  const images = expand(reshape(cast(imageMask, 'float32'), [batch, cameras, 1]), [
    batch,
    cameras,
    layout.cameraTokens,
  ]);
  const parts = [reshape(images, [batch, layout.base]), ones(layout.length - layout.base)];
  if (layout.fastTokens > 0 && fastMask) parts.push(ones(1)); // shifted by one, as the ids are
  if (layout.fastTokens > 1 && fastMask) parts.push(slice(cast(fastMask, 'float32'), 1, 0, layout.fastTokens - 1));
  return concat(parts, 1);
}

/** 1 where a token starts a block that earlier tokens cannot see: the first stage token and every FAST token. */
export function autoregressiveMask(layout: PrefixLayout): Uint8Array {
  const mask = new Uint8Array(layout.total);
  mask[layout.base + 1] = 1;
  mask.fill(1, layout.length);
  return mask;
}

/** [S, S]: 1 where query i may see key j by the cumulative-sum rule, were all tokens there. */
function allowed(layout: PrefixLayout): Float32Array {
  const n = layout.total;
  const blocks: number[] = [];
  let block = 0;
  for (const starts of autoregressiveMask(layout)) {
    block += starts;
    blocks.push(block);
  }
  const out = new Float32Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      out[i * n + j] = present(blocks[j], 'blocks[j]') <= present(blocks[i], 'blocks[i]') ? 1 : 0;
  return out;
}

/** [S, S]: 1 where a token of the prefix may see another, were all there; with `fast`, as in training. */
export function prefixVisibility(config: ModelConfig, options: { fast?: boolean } = {}): Float32Array {
  return allowed(prefixLayout(config, options));
}

/** 1 → 0, 0 → BLOCKED. */
export function additive(visible: Tensor): Tensor {
  return scale(addScalar(visible, -1), -BLOCKED);
}

/** [B, S, S]: 1 where the query may see the key. */
export function visibility(net: Network, layout: PrefixLayout, valid: Tensor): Tensor {
  const [batch, n] = valid.shape as [number, number];
  const pairs = mul(reshape(valid, [batch, n, 1]), reshape(valid, [batch, 1, n]));
  return mul(pairs, net.builder.constant(allowed(layout), [n, n]));
}

/** Rotary positions [B, S] = cumsum(valid) - 1: they stand still over absent tokens. */
export function prefixPositions(net: Network, valid: Tensor): Tensor {
  const n = present(valid.shape[1], 'valid.shape[1]');
  const upper = new Float32Array(n * n);
  for (let i = 0; i < n; i++) upper.fill(1, i * n + i, i * n + n);
  return addScalar(matmul(valid, net.builder.constant(upper, [n, n])), -1);
}

/** A mask over [B, T, S] for scores whose rows are (token, head in group): [B, 1, T·group, S], additive. */
export function perHeadRows(visible: Tensor, group: number): Tensor {
  const [batch, t, s] = visible.shape as [number, number, number];
  const mask = additive(visible);
  return reshape(expand(reshape(mask, [batch, t, 1, s]), [batch, t, group, s]), [batch, 1, t * group, s]);
}
