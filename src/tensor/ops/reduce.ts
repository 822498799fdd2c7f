import { lengthOf, primitives as onnx, reducedShape, type Tensor } from '../graph/index.ts';
import { axisOf } from './shape.ts';

function axesOf(op: string, x: Tensor, axes: readonly number[] | number | undefined): number[] {
  const list = axes === undefined ? x.shape.map((_, axis) => axis) : typeof axes === 'number' ? [axes] : axes;
  return [...new Set(list.map((axis) => axisOf(op, x, axis)))].sort((a, b) => a - b);
}

/** Sum over `axes` (all when left out); they stay with length 1 when `keepDims`. */
export function sum(x: Tensor, axes?: readonly number[] | number, keepDims = false): Tensor {
  const list = axesOf('sum', x, axes);
  const out = onnx.reduce('ReduceSum', x, list, keepDims);
  if (out === x) return x;
  return x.builder.record([x], [out], ([d]) => [
    onnx.expand(onnx.reshape(d, reducedShape(x.shape, list, true)), x.shape),
  ]);
}

/** Mean over `axes` (all when left out). */
export function mean(x: Tensor, axes?: readonly number[] | number, keepDims = false): Tensor {
  const list = axesOf('mean', x, axes);
  const out = onnx.reduce('ReduceMean', x, list, keepDims);
  if (out === x) return x;
  const count = list.reduce((product, axis) => product * lengthOf(x.shape, axis), 1);
  return x.builder.record([x], [out], ([d]) => [
    onnx.expand(onnx.reshape(onnx.mul(d, 1 / count), reducedShape(x.shape, list, true)), x.shape),
  ]);
}

/** Position of the largest element along `axis`, int64. No gradient. */
export function argmax(x: Tensor, axis: number): Tensor {
  const at = axisOf('argmax', x, axis);
  return x.builder.emit('ArgMax', [x], [{ shape: reducedShape(x.shape, [at], false), dtype: 'int64' }], {
    axis: at,
    keepdims: 0,
  })[0];
}
