/**
 * ONNX operators as functions on tensors, without checks and without a record for gradients: what the ops and their
 * backward rules are written in. A plain number operand becomes a scalar constant.
 */
import type { Tensor } from './builder.ts';
import { describe, opError } from './errors.ts';
import { broadcastAxes, broadcastShapes, lengthOf, reducedShape, sameShape, size } from './shapes.ts';
import type { Attribute, DataType } from './types.ts';

export type Operand = Tensor | number;

function lift(a: Operand, b: Operand): [Tensor, Tensor] {
  const builder = (typeof a === 'number' ? (b as Tensor) : a).builder;
  const like = (typeof a === 'number' ? (b as Tensor) : a).dtype;
  const tensor = (x: Operand) => (typeof x === 'number' ? builder.constant(x, [], like) : x);
  return [tensor(a), tensor(b)];
}

/** An elementwise operator of two broadcast operands; `name` is the op that errors name. */
export function binary(
  op: string,
  a: Operand,
  b: Operand,
  { name = op.toLowerCase(), dtype }: { name?: string; dtype?: DataType } = {},
): Tensor {
  const [x, y] = lift(a, b);
  const shape = broadcastShapes(x.shape, y.shape);
  if (!shape) throw opError(name, `the shapes do not broadcast (got ${describe(x)} and ${describe(y)}).`);
  if (x.dtype !== y.dtype) throw opError(name, `the types differ (got ${describe(x)} and ${describe(y)}). Use cast.`);
  const axes = sameShape(shape, x.shape) && x.axes ? x.axes : sameShape(shape, y.shape) ? y.axes : undefined;
  return x.builder.emit(op, [x, y], [{ shape, dtype: dtype ?? x.dtype, ...(axes ? { axes } : {}) }])[0];
}

export function unary(op: string, x: Tensor, attributes: Record<string, Attribute> = {}, domain = ''): Tensor {
  return x.builder.emit(op, [x], [x], attributes, domain)[0];
}

export const add = (a: Operand, b: Operand): Tensor => binary('Add', a, b);
export const sub = (a: Operand, b: Operand): Tensor => binary('Sub', a, b);
export const mul = (a: Operand, b: Operand): Tensor =>
  b === 1 ? (a as Tensor) : a === 1 ? (b as Tensor) : binary('Mul', a, b);
export const div = (a: Operand, b: Operand): Tensor => (b === 1 ? (a as Tensor) : binary('Div', a, b));
export const neg = (x: Tensor): Tensor => unary('Neg', x);

export function cast(x: Tensor, dtype: DataType): Tensor {
  if (x.dtype === dtype) return x;
  return x.builder.emit('Cast', [x], [{ ...x, dtype }], { to: { type: dtype } })[0];
}

export function where(mask: Tensor, a: Operand, b: Operand): Tensor {
  const [x, y] = lift(a, b);
  const shape = broadcastShapes(broadcastShapes(mask.shape, x.shape) ?? [], y.shape) ?? [];
  return x.builder.emit('Where', [mask, x, y], [{ shape, dtype: x.dtype }])[0];
}

const ints = (like: Tensor, values: readonly number[]): Tensor =>
  like.builder.constant(values, [values.length], 'int64');

export function reshape(x: Tensor, shape: readonly number[], axes?: readonly string[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  return x.builder.emit('Reshape', [x, ints(x, shape)], [{ shape, dtype: x.dtype, ...(axes ? { axes } : {}) }])[0];
}

export function transpose(x: Tensor, perm: readonly number[]): Tensor {
  if (perm.every((axis, i) => axis === i)) return x;
  const names = x.axes;
  const axes = names ? { axes: perm.map((axis) => names[axis] ?? '') } : {};
  const shape = perm.map((axis) => lengthOf(x.shape, axis));
  return x.builder.emit('Transpose', [x], [{ shape, dtype: x.dtype, ...axes }], { perm })[0];
}

export function expand(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  return x.builder.emit('Expand', [x, ints(x, shape)], [{ shape, dtype: x.dtype }])[0];
}

export function reduce(
  op: 'ReduceSum' | 'ReduceMean' | 'ReduceMax',
  x: Tensor,
  axes: readonly number[],
  keepDims: boolean,
): Tensor {
  if (axes.length === 0) return x;
  const names = x.axes && !keepDims ? { axes: x.axes.filter((_, axis) => !axes.includes(axis)) } : {};
  const shape = reducedShape(x.shape, axes, keepDims);
  return x.builder.emit(op, [x, ints(x, axes)], [{ shape, dtype: x.dtype, ...names }], {
    keepdims: keepDims ? 1 : 0,
  })[0];
}

/** Sums the axes along which `original` was broadcast to the shape of `x`. */
export function unbroadcast(x: Tensor, original: readonly number[]): Tensor {
  const axes = broadcastAxes(x.shape, original);
  return reshape(reduce('ReduceSum', x, axes, false), original);
}

export function concat(list: readonly Tensor[], axis: number): Tensor {
  const [first, ...others] = list;
  if (!first) throw opError('concat', 'the list is empty.');
  if (others.length === 0) return first;
  const shape = [...first.shape];
  shape[axis] = list.reduce((sum, x) => sum + lengthOf(x.shape, axis), 0);
  return first.builder.emit('Concat', list, [{ shape, dtype: first.dtype }], { axis })[0];
}

/** Rows `start..end` (exclusive) of `axis`, every `step`-th. */
export function slice(x: Tensor, axis: number, start: number, end: number, step = 1): Tensor {
  if (start === 0 && end === x.shape[axis] && step === 1) return x;
  const shape = [...x.shape];
  shape[axis] = Math.ceil((end - start) / step);
  return x.builder.emit(
    'Slice',
    [x, ints(x, [start]), ints(x, [end]), ints(x, [axis]), ints(x, [step])],
    [{ shape, dtype: x.dtype }],
  )[0];
}

export function split(x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  if (sizes.length === 1) return [x];
  const outputs = sizes.map((length) => ({
    shape: x.shape.map((full, i) => (i === axis ? length : full)),
    dtype: x.dtype,
  }));
  return x.builder.emit('Split', [x, ints(x, sizes)], outputs, { axis });
}

/** Zeros before and after along every axis: `pads` = `[before…, after…]`. */
export function pad(x: Tensor, pads: readonly number[]): Tensor {
  if (pads.every((length) => length === 0)) return x;
  const shape = x.shape.map((length, axis) => length + (pads[axis] ?? 0) + (pads[axis + x.shape.length] ?? 0));
  return x.builder.emit('Pad', [x, ints(x, pads)], [{ shape, dtype: x.dtype }])[0];
}

export function zeros(like: Tensor, shape: readonly number[] = like.shape): Tensor {
  return expand(like.builder.constant(0, [], like.dtype), shape);
}

/**
 * `alpha · op(a) op(b)` over the last two axes; the batch axes before them broadcast. The lowering picks the kernel.
 */
export function matmul(a: Tensor, b: Tensor, transA = false, transB = false, alpha = 1): Tensor {
  if (transA && !transB) return leftTransposed(a, b, alpha);
  return product(a, b, transA, transB, alpha);
}

/**
 * Turned round beforehand, an operand of fewer columns or rows than this costs more than the kernel's own passes over
 * it.
 */
const TURN_FROM = 64;

/**
 * `alpha · aᵀ b`, the products of the gradients of weights. The kernel turns its left operand round again for every 128
 * columns of the right one, so it is given the one with less to turn (the result then comes out the other way round),
 * and where both are wide that one is turned before the product (docs/speed.md has the measurements).
 */
function leftTransposed(a: Tensor, b: Tensor, alpha: number): Tensor {
  const [rows, m] = a.shape.slice(-2) as [number, number];
  const n = lengthOf(b.shape, -1);
  if (Math.min(m, n) === 1) return product(a, b, true, false, alpha);
  const swap = rows * n + m * n < rows * m;
  const [left, right] = swap ? [b, a] : [a, b];
  const wide = Math.min(m, n, rows) >= TURN_FROM && a.shape.length === 2 && b.shape.length === 2;
  const out = wide ? product(turned(left), right, false, false, alpha) : product(left, right, true, false, alpha);
  return swap ? turned(out) : out;
}

/** The last two axes exchanged. */
function turned(x: Tensor): Tensor {
  const perm = x.shape.map((_, axis) => axis);
  perm.push(...perm.splice(-2).reverse());
  return transpose(x, perm);
}

function product(a: Tensor, b: Tensor, transA: boolean, transB: boolean, alpha: number): Tensor {
  const rows = lengthOf(a.shape, transA ? -1 : -2);
  const columns = lengthOf(b.shape, transB ? -2 : -1);
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2)) ?? [];
  const attributes = { transA: transA ? 1 : 0, transB: transB ? 1 : 0, alpha: { float: alpha } };
  return a.builder.emit('matmul', [a, b], [{ shape: [...batch, rows, columns], dtype: a.dtype }], attributes)[0];
}

/** Softmax over the last axis. */
export const softmax = (x: Tensor): Tensor => unary('Softmax', x, { axis: -1 });

/** Ones (of type `dtype`) where `ids` equals the position along a new last axis of length `count`. */
export function oneHot(ids: Tensor, count: number, dtype: DataType = 'float32'): Tensor {
  const range = ids.builder.constant(
    Array.from({ length: count }, (_, i) => i),
    [count],
    ids.dtype,
  );
  const shape = [...ids.shape, count];
  const equal = ids.builder.emit('Equal', [reshape(ids, [...ids.shape, 1]), range], [{ shape, dtype: 'bool' }])[0];
  return cast(equal, dtype);
}

export { size };
