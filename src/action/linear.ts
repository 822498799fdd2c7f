import { ValetError } from '../base/index.ts';

/**
 * Lower Cholesky factor of a symmetric positive definite matrix [n, n] (row-major; only the lower triangle is read),
 * float64. The upper triangle of the
 * result is 0. @throws ValetError when the matrix is not positive definite
 */
export function cholesky(matrix: Float64Array, n: number): Float64Array {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j <= i; j++) {
      const sum = matrix[row + j]! - dot(l, row, j * n, j);
      if (j < i) l[row + j] = sum / l[j * n + j]!;
      else if (sum > 0) l[row + i] = Math.sqrt(sum);
      else
        throw new ValetError(
          'cholesky',
          `the matrix is not positive definite (pivot ${sum} at row ${i} of ${n}). Add a multiple of the identity.`,
        );
    }
  }
  return l;
}

/** Sum of a[i+k]·a[j+k], k < length, in four interleaved sums. */
function dot(a: Float64Array, i: number, j: number, length: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < length; k += 4) {
    s0 += a[i + k]! * a[j + k]!;
    s1 += a[i + k + 1]! * a[j + k + 1]!;
    s2 += a[i + k + 2]! * a[j + k + 2]!;
    s3 += a[i + k + 3]! * a[j + k + 3]!;
  }
  for (; k < length; k++) s0 += a[i + k]! * a[j + k]!;
  return s0 + s1 + (s2 + s3);
}

/** L·Lᵀ of a lower triangular factor [n, n]; float64, symmetric. */
export function gram(l: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      out[i * n + j] = dot(l, i * n, j * n, j + 1);
      out[j * n + i] = out[i * n + j]!;
    }
  return out;
}

/**
 * Solves (L·Lᵀ) x = b for every row of `rows` [count, n]; returns [count, n].
 * @param l lower Cholesky factor [n, n]
 */
export function choleskySolveRows(l: Float64Array, n: number, rows: Float64Array): Float64Array {
  const out = Float64Array.from(rows);
  const transposed = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) transposed[j * n + i] = l[i * n + j]!;
  for (let at = 0; at < out.length; at += n) {
    const x = out.subarray(at, at + n);
    for (let i = 0; i < n; i++) {
      let sum = x[i]!;
      for (let k = 0; k < i; k++) sum -= l[i * n + k]! * x[k]!;
      x[i] = sum / l[i * n + i]!;
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = x[i]!;
      for (let k = i + 1; k < n; k++) sum -= transposed[i * n + k]! * x[k]!;
      x[i] = sum / l[i * n + i]!;
    }
  }
  return out;
}
