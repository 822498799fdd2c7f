import {
  broadcastShapes,
  describe,
  lengthOf,
  primitives as onnx,
  opError,
  sameShape,
  size,
  type Tensor,
} from '../graph/index.ts';

/** `axis` counted from the front; negative ones count from the end. */
export function axisOf(op: string, x: Tensor, axis: number): number {
  const rank = x.shape.length;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw opError(op, `axis ${axis} is not one of ${describe(x)}.`);
  return axis < 0 ? axis + rank : axis;
}

/** The same elements in another shape; one length may be -1. `axes` names the new axes. */
export function reshape(x: Tensor, shape: readonly number[], axes?: readonly string[]): Tensor {
  const known = shape.reduce((product, length) => (length === -1 ? product : product * length), 1);
  const open = shape.filter((length) => length === -1).length;
  const full = shape.map((length) => (length === -1 ? size(x.shape) / known : length));
  if (open > 1 || size(full) !== size(x.shape) || full.some((length) => !Number.isInteger(length)))
    throw opError('reshape', `${describe(x)} does not fit the shape [${shape.join(', ')}].`);
  const out = onnx.reshape(x, full, axes);
  if (out === x) return x;
  return x.builder.record([x], [out], ([d]) => [onnx.reshape(d, x.shape)]);
}

/** Axes in the order `perm`: axis `i` of the result is axis `perm[i]` of `x`. */
export function transpose(x: Tensor, perm: readonly number[]): Tensor {
  if (perm.length !== x.shape.length || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i))
    throw opError('transpose', `[${perm.join(', ')}] is no order of the axes of ${describe(x)}.`);
  const out = onnx.transpose(x, perm);
  if (out === x) return x;
  const inverse = perm.map((_, axis) => perm.indexOf(axis));
  return x.builder.record([x], [out], ([d]) => [onnx.transpose(d, inverse)]);
}

/** Joins tensors along `axis`; the other axes must agree. */
export function concat(list: readonly Tensor[], axis: number): Tensor {
  const first = list[0];
  if (!first) throw opError('concat', 'the list is empty.');
  const at = axisOf('concat', first, axis);
  for (const x of list)
    if (
      x.dtype !== first.dtype ||
      x.shape.length !== first.shape.length ||
      x.shape.some((n, i) => i !== at && n !== first.shape[i])
    )
      throw opError(
        'concat',
        `shapes and types must agree outside axis ${at} (got ${list.map(describe).join(' and ')}).`,
      );
  if (list.length === 1) return first;
  const out = onnx.concat(list, at);
  const sizes = list.map((x) => lengthOf(x.shape, at));
  return first.builder.record(list, [out], ([d], needed) => {
    if (needed.filter(Boolean).length > 1) return onnx.split(d, at, sizes);
    let end = 0;
    return sizes.map((size, i) => {
      end += size;
      return needed[i] ? onnx.slice(d, at, end - size, end) : null;
    });
  });
}

/** Rows `start` (inclusive) to `end` (exclusive) of `axis`; negative ones count from the end. */
export function slice(
  x: Tensor,
  axis: number,
  start: number,
  end: number = x.shape[axis < 0 ? axis + x.shape.length : axis] ?? 0,
): Tensor {
  const at = axisOf('slice', x, axis);
  const length = lengthOf(x.shape, at);
  const from = start < 0 ? start + length : start;
  const to = end < 0 ? end + length : end;
  if (from < 0 || to > length || from >= to)
    throw opError('slice', `${start}..${end} is not within axis ${at} of ${describe(x)}.`);
  const out = onnx.slice(x, at, from, to);
  if (out === x) return x;
  return x.builder.record([x], [out], ([d]) => {
    const before = x.shape.map((_, i) => (i === at ? from : 0));
    const after = x.shape.map((_, i) => (i === at ? length - to : 0));
    return [onnx.pad(d, [...before, ...after])];
  });
}

/** Parts of the given `sizes` along `axis`. */
export function split(x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  const at = axisOf('split', x, axis);
  if (sizes.reduce((sum, n) => sum + n, 0) !== x.shape[at])
    throw opError('split', `the sizes [${sizes.join(', ')}] do not add up to axis ${at} of ${describe(x)}.`);
  const parts = onnx.split(x, at, sizes);
  if (parts.length > 1)
    x.builder.record([x], parts, (gradients) => [
      onnx.concat(
        parts.map((part, i) => gradients[i] ?? onnx.zeros(part)),
        at,
      ),
    ]);
  return parts;
}

/** `x` repeated along its axes of length 1 (and new leading axes) to `shape`. */
export function expand(x: Tensor, shape: readonly number[]): Tensor {
  const full = broadcastShapes(x.shape, shape);
  if (!full || !sameShape(full, shape))
    throw opError('expand', `${describe(x)} does not broadcast to [${shape.join(', ')}].`);
  const out = onnx.expand(x, shape);
  if (out === x) return x;
  return x.builder.record([x], [out], ([d]) => [onnx.unbroadcast(d, x.shape)]);
}
