import { ValetError } from '../../base/index.ts';
import { cholesky } from '../linear.ts';
import type { Correlation } from './chunkStatistics.ts';

/** A flat dimension with a smaller standard deviation is constant: it correlates with nothing. */
const CONSTANT_BELOW = 1e-6;
/** Added to the correlation's diagonal before factoring. */
const JITTER = 1e-6;
/**
 * Added instead when the correlation itself is not positive definite (fewer chunks than dimensions, or dimensions
 * that move together); as in the original.
 */
const SINGULAR_JITTERS = [1e-5, 1e-4, 1e-3];

export interface CorrelationOptions {
  readonly horizon: number;
  /** D, and W of the result. */
  readonly width: number;
  readonly paddedWidth: number;
  readonly constantBelow?: number | undefined;
  readonly jitter?: number | undefined;
}

/**
 * The correlation of chunks from their covariance [H·D, H·D] (flat index step·D + dimension), padded from D to W
 * dimensions: the Cholesky factor of
 * correlation + 1e-6·I, and the means over steps and over dimensions. Golden case statistics-small.
 * @param std [H·D] of each flat dimension, to tell the constant ones
 */
export function correlationOf(
  covariance: Float64Array,
  std: Float64Array,
  { horizon: h, width: d, paddedWidth: w, constantBelow = CONSTANT_BELOW, jitter: usual = JITTER }: CorrelationOptions,
): Correlation {
  const n = h * d;
  const varies = Array.from(std, (s) => s >= constantBelow);
  const active = [...varies.keys()].filter((i) => varies[i]);
  const m = active.length;
  const block = new Float64Array(m * m);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < m; j++) {
      const [a, b] = [active[i]!, active[j]!];
      block[i * m + j] =
        i === j ? 1 : covariance[a * n + b]! / Math.sqrt(covariance[a * n + a]! * covariance[b * n + b]!);
    }
  const place = new Int32Array(n).fill(-1);
  active.forEach((a, i) => {
    place[a] = i;
  });
  const r = (a: number, b: number) => (a === b ? 1 : varies[a] && varies[b] ? block[place[a]! * m + place[b]!]! : 0);

  const spatial = new Float64Array(w * w);
  for (let i = 0; i < w; i++) spatial[i * w + i] = 1;
  for (let i = 0; i < d; i++)
    for (let j = 0; j < d; j++) {
      if (i === j) continue;
      let sum = 0;
      for (let t = 0; t < h; t++) sum += r(t * d + i, t * d + j);
      spatial[i * w + j] = sum / h;
    }

  const alive = Array.from({ length: d }, (_, i) => i).filter((i) => varies.some((v, a) => v && a % d === i));
  const temporal = new Float64Array(h * h);
  for (let s = 0; s < h; s++)
    for (let t = 0; t < h; t++) {
      let sum = 0;
      for (const i of alive) sum += r(s * d + i, t * d + i);
      temporal[s * h + t] = s === t ? 1 : alive.length ? sum / alive.length : 0;
    }

  const { factor, jitter } = factorWithJitter(block, m, usual);
  const full = new Float64Array((h * w) ** 2);
  for (let i = 0; i < h * w; i++) full[i * h * w + i] = Math.sqrt(1 + jitter);
  const flat = (a: number) => Math.floor(a / d) * w + (a % d);
  for (let i = 0; i < m; i++)
    for (let j = 0; j <= i; j++) full[flat(active[i]!) * h * w + flat(active[j]!)] = factor[i * m + j]!;
  return { cholesky: full, spatial, temporal };
}

function factorWithJitter(matrix: Float64Array, n: number, usual: number): { factor: Float64Array; jitter: number } {
  const factorOf = (jitter: number) => {
    const raised = matrix.slice();
    for (let i = 0; i < n; i++) raised[i * n + i]! += jitter;
    return cholesky(raised, n);
  };
  let last: unknown;
  for (const jitter of isPositiveDefinite(matrix, n) ? [usual, ...SINGULAR_JITTERS] : SINGULAR_JITTERS) {
    try {
      return { factor: factorOf(jitter), jitter };
    } catch (error) {
      last = error;
    }
  }
  throw new ValetError('correlation', 'the chunks have no positive definite correlation.', 'failure', { cause: last });
}

function isPositiveDefinite(matrix: Float64Array, n: number): boolean {
  try {
    cholesky(matrix, n);
    return true;
  } catch {
    return false;
  }
}
