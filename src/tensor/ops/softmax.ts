import { describe, lengthOf, primitives as onnx, opError, sameShape, type Tensor } from '../graph/index.ts';
import { div, mul, neg } from './elementwise.ts';
import { mean, sum } from './reduce.ts';

const last = (x: Tensor): number[] => [x.shape.length - 1];

/** Softmax over the last axis. */
export function softmax(x: Tensor): Tensor {
  const p = onnx.softmax(x);
  return x.builder.record([x], [p], ([d]) => [
    onnx.mul(p, onnx.sub(d, onnx.reduce('ReduceSum', onnx.mul(d, p), last(x), true))),
  ]);
}

/** Logarithm of the softmax over the last axis. */
export function logSoftmax(x: Tensor): Tensor {
  const y = onnx.unary('LogSoftmax', x, { axis: -1 });
  return x.builder.record([x], [y], ([d]) => [
    onnx.sub(d, onnx.mul(onnx.unary('Exp', y), onnx.reduce('ReduceSum', d, last(x), true))),
  ]);
}

export interface CrossEntropyOptions {
  /** Weights of the elements, same shape as `labels`; the mean is then `Σ w·loss / Σ w` (0/0 when all are 0). */
  readonly weights?: Tensor;
  /** `none` returns the loss of each element (weights multiply it). */
  readonly reduction?: 'mean' | 'none';
}

/**
 * Cross-entropy `-log softmax(logits)[label]` of `logits` [..., C] against integer `labels` [...]: the mean, or per
 * element.
 */
export function crossEntropy(
  logits: Tensor,
  labels: Tensor,
  { weights, reduction = 'mean' }: CrossEntropyOptions = {},
): Tensor {
  if (!sameShape(logits.shape.slice(0, -1), labels.shape) || !labels.dtype.startsWith('int'))
    throw opError(
      'crossEntropy',
      `labels must be integers of the shape of logits without the last axis (got ${describe(logits)} and ${describe(labels)}).`,
    );
  if (weights && !sameShape(weights.shape, labels.shape))
    throw opError(
      'crossEntropy',
      `weights must have the shape of the labels (got ${describe(weights)} and ${describe(labels)}).`,
    );
  const logProbabilities = onnx.unary('LogSoftmax', logits, { axis: -1 });
  const target = onnx.oneHot(labels, lengthOf(logits.shape, -1), logits.dtype);
  const picked = onnx.reduce('ReduceSum', onnx.mul(logProbabilities, target), last(logits), false);
  logits.builder.record([logits], [picked], ([d]) => [
    onnx.mul(onnx.reshape(d, [...labels.shape, 1]), onnx.sub(target, onnx.unary('Exp', logProbabilities))),
  ]);
  const losses = weights ? mul(neg(picked), weights) : neg(picked);
  if (reduction === 'none') return losses;
  return weights ? div(sum(losses), sum(weights)) : mean(losses);
}
