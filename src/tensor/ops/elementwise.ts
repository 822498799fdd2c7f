import { broadcastShapes, type DataType, describe, primitives as onnx, opError, type Tensor } from '../graph/index.ts';

/** A tensor, or a number that broadcasts to the other operand's shape. */
export type Operand = Tensor | number;

function tensorsOf(a: Operand, b: Operand): [Tensor, Tensor] {
  if (typeof a !== 'number') return [a, typeof b === 'number' ? a.builder.constant(b, [], a.dtype) : b];
  if (typeof b !== 'number') return [b.builder.constant(a, [], b.dtype), b];
  throw opError('elementwise op', 'both operands are numbers (expected a tensor).');
}

/** `a + b`, broadcast like numpy. */
export function add(a: Operand, b: Operand): Tensor {
  const [x, y] = tensorsOf(a, b);
  const out = onnx.binary('Add', x, y, { name: 'add' });
  return x.builder.record([x, y], [out], ([d], needed) => [
    needed[0] ? onnx.unbroadcast(d, x.shape) : null,
    needed[1] ? onnx.unbroadcast(d, y.shape) : null,
  ]);
}

/** `a - b`, broadcast. */
export function sub(a: Operand, b: Operand): Tensor {
  const [x, y] = tensorsOf(a, b);
  const out = onnx.binary('Sub', x, y, { name: 'sub' });
  return x.builder.record([x, y], [out], ([d], needed) => [
    needed[0] ? onnx.unbroadcast(d, x.shape) : null,
    needed[1] ? onnx.neg(onnx.unbroadcast(d, y.shape)) : null,
  ]);
}

/** `a · b` elementwise, broadcast. */
export function mul(a: Operand, b: Operand): Tensor {
  const [x, y] = tensorsOf(a, b);
  const out = onnx.binary('Mul', x, y, { name: 'mul' });
  return x.builder.record([x, y], [out], ([d], needed) => [
    needed[0] ? onnx.unbroadcast(onnx.mul(d, y), x.shape) : null,
    needed[1] ? onnx.unbroadcast(onnx.mul(d, x), y.shape) : null,
  ]);
}

/** `a / b` elementwise, broadcast. */
export function div(a: Operand, b: Operand): Tensor {
  const [x, y] = tensorsOf(a, b);
  const out = onnx.binary('Div', x, y, { name: 'div' });
  return x.builder.record([x, y], [out], ([d], needed) => {
    const dx = onnx.div(d, y);
    return [
      needed[0] ? onnx.unbroadcast(dx, x.shape) : null,
      needed[1] ? onnx.neg(onnx.unbroadcast(onnx.mul(dx, out), y.shape)) : null,
    ];
  });
}

/** The larger of `a` and `b`, broadcast; where they are equal the gradient goes to `a`. */
export function maximum(a: Operand, b: Operand): Tensor {
  const [x, y] = tensorsOf(a, b);
  const out = onnx.binary('Max', x, y, { name: 'maximum' });
  return x.builder.record([x, y], [out], ([d], needed) => {
    const first = onnx.binary('GreaterOrEqual', x, y, { dtype: 'bool' });
    return [
      needed[0] ? onnx.unbroadcast(onnx.where(first, d, 0), x.shape) : null,
      needed[1] ? onnx.unbroadcast(onnx.where(first, 0, d), y.shape) : null,
    ];
  });
}

/** `x · c` for a number `c`. */
export function scale(x: Tensor, c: number): Tensor {
  if (c === 1) return x;
  const out = onnx.mul(x, c);
  return x.builder.record([x], [out], ([d]) => [onnx.mul(d, c)]);
}

/** `x + c` for a number `c`. */
export function addScalar(x: Tensor, c: number): Tensor {
  const out = onnx.add(x, c);
  return x.builder.record([x], [out], ([d]) => [d]);
}

/** An elementwise function of one tensor with its derivative rule `(d, x, y) → dx`. */
function elementwise(op: string, backward: (d: Tensor, x: Tensor, y: Tensor) => Tensor): (x: Tensor) => Tensor {
  return (x) => {
    if (x.dtype !== 'float32' && x.dtype !== 'float64')
      throw opError(op.toLowerCase(), `needs real numbers (got ${describe(x)}). Use cast.`);
    const y = onnx.unary(op, x);
    return x.builder.record([x], [y], ([d]) => [backward(d, x, y)]);
  };
}

/** `-x` */
export const neg = elementwise('Neg', (d) => onnx.neg(d));
/** Square root of `x ≥ 0`. */
export const sqrt = elementwise('Sqrt', (d, _, y) => onnx.div(onnx.mul(d, 0.5), y));
/** `eˣ` */
export const exp = elementwise('Exp', (d, _, y) => onnx.mul(d, y));
/** Natural logarithm. */
export const log = elementwise('Log', (d, x) => onnx.div(d, x));
/** Sine of `x` in radians. */
export const sin = elementwise('Sin', (d, x) => onnx.mul(d, onnx.unary('Cos', x)));
/** Cosine of `x` in radians. */
export const cos = elementwise('Cos', (d, x) => onnx.neg(onnx.mul(d, onnx.unary('Sin', x))));
/** Hyperbolic tangent. */
export const tanh = elementwise('Tanh', (d, _, y) => onnx.mul(d, onnx.sub(1, onnx.mul(y, y))));
/** `1 / (1 + e⁻ˣ)` */
export const sigmoid = elementwise('Sigmoid', (d, _, y) => onnx.mul(d, onnx.mul(y, onnx.sub(1, y))));
/** `max(x, 0)`; the gradient at 0 is 0. */
export const relu = elementwise('Relu', (d, x) => onnx.where(onnx.binary('Greater', x, 0, { dtype: 'bool' }), d, 0));
/** `|x|`; the gradient at 0 is 0. */
export const abs = elementwise('Abs', (d, x) => onnx.mul(d, onnx.unary('Sign', x)));

/** `x²` */
export function square(x: Tensor): Tensor {
  const out = onnx.mul(x, x);
  return x.builder.record([x], [out], ([d]) => [onnx.mul(d, onnx.mul(x, 2))]);
}

/** `1 / √x` */
export function rsqrt(x: Tensor): Tensor {
  const out = onnx.unary('Reciprocal', onnx.unary('Sqrt', x));
  return x.builder.record([x], [out], ([d]) => [onnx.mul(onnx.mul(d, -0.5), onnx.div(out, x))]);
}

/** `x · sigmoid(x)` */
export function silu(x: Tensor): Tensor {
  const s = onnx.unary('Sigmoid', x);
  const out = onnx.mul(x, s);
  return x.builder.record([x], [out], ([d]) => [onnx.mul(d, onnx.add(s, onnx.sub(out, onnx.mul(out, s))))]);
}

/**
 * GELU in the tanh form, `x/2 · (1 + tanh u)` with `u = √(2/π)(x + 0.044715 x³)` (Hendrycks & Gimpel 2016), written as
 * `x · sigmoid(2u)`: the same function with one transcendental, and its backward reuses it.
 */
export function gelu(x: Tensor): Tensor {
  const c = 2 * Math.sqrt(2 / Math.PI);
  const a = 0.044715;
  const square = onnx.mul(x, x);
  const s = onnx.unary('Sigmoid', onnx.mul(x, onnx.add(onnx.mul(square, c * a), c)));
  const y = onnx.mul(x, s);
  return x.builder.record([x], [y], ([d]) => {
    const slope = onnx.add(onnx.mul(square, 3 * c * a), c);
    return [onnx.mul(d, onnx.add(s, onnx.mul(onnx.sub(y, onnx.mul(y, s)), slope)))];
  });
}

/** `a` where `mask` (bool, or any number type: nonzero) is true, else `b`; all three broadcast. */
export function where(mask: Tensor, a: Operand, b: Operand): Tensor {
  const [x, y] = tensorsOf(a, b);
  const both = broadcastShapes(x.shape, y.shape);
  if (!both || !broadcastShapes(mask.shape, both))
    throw opError(
      'where',
      `the shapes do not broadcast (got mask ${describe(mask)}, ${describe(x)} and ${describe(y)}).`,
    );
  const condition = onnx.cast(mask, 'bool');
  const out = onnx.where(condition, x, y);
  return x.builder.record([x, y], [out], ([d], needed) => [
    needed[0] ? onnx.unbroadcast(onnx.where(condition, d, 0), x.shape) : null,
    needed[1] ? onnx.unbroadcast(onnx.where(condition, 0, d), y.shape) : null,
  ]);
}

/** `x` as another type. The gradient passes between real types and stops at the others. */
export function cast(x: Tensor, dtype: DataType): Tensor {
  const out = onnx.cast(x, dtype);
  const real = (type: DataType) => type === 'float32' || type === 'float64';
  if (out === x || !real(x.dtype) || !real(dtype)) return out;
  return x.builder.record([x], [out], ([d]) => [onnx.cast(d, x.dtype)]);
}

/** The value of `x` without its gradient. */
export function stopGradient(x: Tensor): Tensor {
  return onnx.unary('Identity', x);
}

/** Comparisons: bool tensors, broadcast, no gradient. */
export const equal = (a: Operand, b: Operand): Tensor => onnx.binary('Equal', a, b, { dtype: 'bool' });
export const greater = (a: Operand, b: Operand): Tensor => onnx.binary('Greater', a, b, { dtype: 'bool' });
export const less = (a: Operand, b: Operand): Tensor => onnx.binary('Less', a, b, { dtype: 'bool' });
