import { InputError } from '../base/index.ts';

/**
 * The matrix [count, knots] that turns values at 0, 1, …, knots−1 into the values of their cubic spline with
 * not-a-knot ends at `count` equally spaced
 * points from 0 to knots−1 (SciPy's `CubicSpline` default). With 3 knots it is the parabola, with 2 the line.
 */
export function splineMatrix(knots: number, count: number): Float64Array {
  if (!(Number.isInteger(knots) && knots >= 1 && Number.isInteger(count) && count >= 1))
    throw new InputError('splineMatrix', `needs at least one knot and one point (got ${knots}, ${count}).`);
  const out = new Float64Array(count * knots);
  const slopes = slopeMatrix(knots);
  for (let p = 0; p < count; p++) {
    // numpy's linspace: step·p, and the end point itself.
    const x = p === count - 1 && count > 1 ? knots - 1 : p * ((knots - 1) / Math.max(1, count - 1));
    const i = Math.min(Math.floor(x), Math.max(0, knots - 2));
    const t = x - i;
    const row = p * knots;
    if (knots === 1) {
      out[row] = 1;
      continue;
    }
    // Cubic Hermite on the unit interval.
    out[row + i]! += (1 + 2 * t) * (1 - t) * (1 - t);
    out[row + i + 1]! += t * t * (3 - 2 * t);
    const [left, right] = [t * (1 - t) * (1 - t), t * t * (t - 1)];
    for (let k = 0; k < knots; k++)
      out[row + k]! += left * slopes[i * knots + k]! + right * slopes[(i + 1) * knots + k]!;
  }
  return out;
}

/** [n, n]: the spline's slopes at the knots as linear functions of the values. */
function slopeMatrix(n: number): Float64Array {
  if (n === 1) return new Float64Array(1);
  if (n === 2) return Float64Array.of(-1, 1, -1, 1);
  if (n === 3) return Float64Array.of(-1.5, 2, -0.5, -0.5, 0, 0.5, 0.5, -2, 1.5);
  const a = new Float64Array(n * n);
  const b = new Float64Array(n * n);
  const set = (matrix: Float64Array, row: number, entries: readonly (readonly [number, number])[]) => {
    for (const [column, value] of entries) matrix[row * n + column] = value;
  };
  // s'' continuous at the inner knots; s''' continuous at the second and the last but one.
  set(a, 0, [
    [0, 1],
    [1, 2],
  ]);
  set(b, 0, [
    [0, -2.5],
    [1, 2],
    [2, 0.5],
  ]);
  for (let i = 1; i < n - 1; i++) {
    set(a, i, [
      [i - 1, 1],
      [i, 4],
      [i + 1, 1],
    ]);
    set(b, i, [
      [i - 1, -3],
      [i + 1, 3],
    ]);
  }
  set(a, n - 1, [
    [n - 2, 2],
    [n - 1, 1],
  ]);
  set(b, n - 1, [
    [n - 3, -0.5],
    [n - 2, -2],
    [n - 1, 2.5],
  ]);
  for (let i = 1; i < n; i++) {
    const factor = a[i * n + i - 1]! / a[(i - 1) * n + i - 1]!;
    for (let k = 0; k < n; k++) {
      a[i * n + k]! -= factor * a[(i - 1) * n + k]!;
      b[i * n + k]! -= factor * b[(i - 1) * n + k]!;
    }
  }
  for (let i = n - 1; i >= 0; i--)
    for (let k = 0; k < n; k++) {
      if (i < n - 1) b[i * n + k]! -= a[i * n + i + 1]! * b[(i + 1) * n + k]!;
      b[i * n + k]! /= a[i * n + i]!;
    }
  return b;
}
