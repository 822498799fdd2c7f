import { broadcastShapes, describe, lengthOf, primitives as onnx, opError, size, type Tensor } from '../graph/index.ts';
import { add } from './elementwise.ts';
import { reshape } from './shape.ts';

export interface MatmulOptions {
  /** Use `a` with its last two axes exchanged. */
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Factor on the product, free of cost. */
  readonly alpha?: number;
}

/**
 * Matrix product over the last two axes, `[..., M, K] · [..., K, N] → [..., M, N]`; batch axes broadcast.
 * Where `b` has length 1 (or nothing) in the last batch axes, those axes of `a` are folded into its rows: activations
 * times a weight are one GEMM forward and one for each gradient, and several query heads share one key head.
 */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false, alpha = 1 }: MatmulOptions = {},
): Tensor {
  const both = `got ${describe(a)}${transposeA ? 'ᵀ' : ''} and ${describe(b)}${transposeB ? 'ᵀ' : ''}`;
  if (a.shape.length < 2 || b.shape.length < 2)
    throw opError('matmul', `both operands need at least 2 axes (${both}).`);
  if (a.dtype !== b.dtype || !a.dtype.startsWith('float'))
    throw opError('matmul', `needs real numbers of one type (${both}).`);
  if (a.shape.at(transposeA ? -2 : -1) !== b.shape.at(transposeB ? -1 : -2))
    throw opError('matmul', `the inner lengths differ (${both}).`);
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (!batch) throw opError('matmul', `the batch axes do not broadcast (${both}).`);
  const shape = [...batch, lengthOf(a.shape, transposeA ? -1 : -2), lengthOf(b.shape, transposeB ? -2 : -1)];

  const folded = transposeA ? 0 : foldedAxes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (folded === 0) return product(a, b, transposeA, transposeB, alpha);
  const lead = a.shape.slice(0, a.shape.length - 2 - folded);
  const rows = size(a.shape.slice(lead.length, -1));
  const bLead = b.shape.slice(0, -2).slice(0, Math.max(0, b.shape.length - 2 - folded));
  const out = product(
    reshape(a, [...lead, rows, lengthOf(a.shape, -1)]),
    reshape(b, [...bLead, ...b.shape.slice(-2)]),
    false,
    transposeB,
    alpha,
  );
  return reshape(out, shape, a.axes ? [...a.axes.slice(0, -1), ''] : undefined);
}

/** How many of the last batch axes `b` does not have (or has with length 1) while `a` has them. */
function foldedAxes(a: readonly number[], b: readonly number[]): number {
  let count = 0;
  while (count < a.length && (b[b.length - 1 - count] ?? 1) === 1) count++;
  return count;
}

/** The recorded product of operands whose batch axes broadcast. */
function product(a: Tensor, b: Tensor, transA: boolean, transB: boolean, alpha: number): Tensor {
  const out = onnx.matmul(a, b, transA, transB, alpha);
  return a.builder.record([a, b], [out], ([d], needed) => {
    const da = () => (transA ? onnx.matmul(b, d, transB, true, alpha) : onnx.matmul(d, b, false, !transB, alpha));
    const db = () => (transB ? onnx.matmul(d, a, true, transA, alpha) : onnx.matmul(a, d, !transA, false, alpha));
    return [needed[0] ? onnx.unbroadcast(da(), a.shape) : null, needed[1] ? onnx.unbroadcast(db(), b.shape) : null];
  });
}

/**
 * `x · w + bias` for activations `[..., K]`, a weight `[K, N]` and a bias `[N]`: one GEMM over all rows, bias added
 * before the shape is restored.
 */
export function linear(x: Tensor, w: Tensor, bias?: Tensor): Tensor {
  if (w.shape.length !== 2 || x.shape.at(-1) !== w.shape[0])
    throw opError(
      'linear',
      `the weight does not fit (got ${describe(x)} and ${describe(w)}, expected [..., K] and [K, N]).`,
    );
  const rows = matmul(reshape(x, [-1, lengthOf(w.shape, 0)]), w);
  const out = bias ? add(rows, bias) : rows;
  return reshape(
    out,
    [...x.shape.slice(0, -1), lengthOf(w.shape, 1)],
    x.axes ? [...x.axes.slice(0, -1), w.axes?.[1] ?? ''] : undefined,
  );
}
