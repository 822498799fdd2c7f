import {
  broadcastShapes,
  describe,
  lengthOf,
  primitives as onnx,
  opError,
  sameShape,
  type Tensor,
} from '../graph/index.ts';

export interface AttentionOptions {
  /**
   * Added to the scores before the softmax; broadcasts to [..., H, T, S]. Use a large negative number where attention
   * is not allowed.
   */
  readonly mask?: Tensor;
  /** Factor on `q·kᵀ`; 1/√(head width) when left out. */
  readonly scale?: number;
}

/**
 * Attention `softmax(scale · q kᵀ + mask) v`: q [..., H, T, D], k [..., H or 1, S, D], v [..., H or 1, S, E] → [..., H,
 * T, E]. With one key/value head the query heads are folded into the rows, so that every product is one GEMM per batch
 * element. The backward of the softmax uses `rowsum(dP∘P) = rowsum(dO∘O)` (FlashAttention, Dao et al. 2022, section
 * 3.1).
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { mask, scale = 1 / Math.sqrt(q.shape.at(-1) ?? 1) }: AttentionOptions = {},
): Tensor {
  const shapes = `got q ${describe(q)}, k ${describe(k)}, v ${describe(v)}${mask ? `, mask ${describe(mask)}` : ''}`;
  const rank = q.shape.length;
  if (rank < 3 || k.shape.length !== rank || v.shape.length !== rank)
    throw opError('attention', `q, k and v need the same number of axes, at least 3 (${shapes}).`);
  const [heads, rows, width] = q.shape.slice(-3) as [number, number, number];
  const [kvHeads, columns] = k.shape.slice(-3) as [number, number];
  const lead = q.shape.slice(0, -3);
  if (k.shape.at(-1) !== width || !sameShape(k.shape.slice(0, -3), lead) || (kvHeads !== heads && kvHeads !== 1))
    throw opError('attention', `k does not fit q (${shapes}; expected [..., ${heads} or 1, S, ${width}]).`);
  if (!sameShape(v.shape.slice(0, -1), k.shape.slice(0, -1)))
    throw opError('attention', `v does not fit k (${shapes}).`);
  const scoreShape = [...lead, heads, rows, columns];
  if (mask && !sameShape(broadcastShapes(mask.shape, scoreShape) ?? [], scoreShape))
    throw opError('attention', `the mask does not broadcast to [${scoreShape.join(', ')}] (${shapes}).`);

  const shared = kvHeads === 1 && heads > 1;
  /** Several query heads over one key head: [..., H, T, D] as [..., 1, H·T, D]. */
  const fold = (x: Tensor) => (shared ? onnx.reshape(x, [...lead, 1, heads * rows, lengthOf(x.shape, -1)]) : x);
  const unfold = (x: Tensor) => onnx.reshape(x, [...lead, heads, rows, lengthOf(x.shape, -1)]);

  const scores = unfold(onnx.matmul(fold(q), k, false, true, scale));
  const p = onnx.softmax(mask ? onnx.add(scores, mask) : scores);
  const out = unfold(onnx.matmul(fold(p), v));
  const inputs = mask ? [q, k, v, mask] : [q, k, v];
  return q.builder.record(inputs, [out], ([dOut], needed) => {
    const dv = needed[2] ? onnx.matmul(fold(p), fold(dOut), true) : null;
    if (!needed[0] && !needed[1] && !needed[3]) return [null, null, dv];
    const dp = unfold(onnx.matmul(fold(dOut), v, false, true));
    const rowSums = onnx.reduce('ReduceSum', onnx.mul(dOut, out), [rank - 1], true);
    const ds = onnx.mul(p, onnx.sub(dp, rowSums));
    return [
      needed[0] ? unfold(onnx.matmul(fold(ds), k, false, false, scale)) : null,
      needed[1] ? onnx.matmul(fold(ds), fold(q), true, false, scale) : null,
      dv,
      mask && needed[3] ? onnx.unbroadcast(ds, mask.shape) : null,
    ];
  });
}
