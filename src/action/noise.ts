import { InputError, type Random } from '../base/index.ts';
import { CHALLENGE_ROBOT } from '../robot/index.ts';
import { cholesky, gram } from './linear.ts';
import type { ChunkStatistics } from './statistics/index.ts';

export interface NoiseOptions {
  /** Weight of the data's correlation; the rest is the identity (shrinkage). 0 = white noise. */
  readonly beta?: number;
  readonly horizon?: number;
  readonly width?: number;
}

/**
 * Gaussian noise for flow matching with the correlation of the data's chunks: z·Lᵀ with L = chol(β·Σ + (1−β)·I), Σ =
 * L₀·L₀ᵀ and L₀ the statistics' Cholesky
 * factor; flat index = step·width + dimension. Computed in float64, given out in float32. Constant and padded
 * dimensions are independent.
 */
export class CorrelatedNoise {
  readonly beta: number;
  readonly horizon: number;
  readonly width: number;
  /** Flat indices that are correlated with another one, rising. */
  readonly active: Int32Array;
  /** [active, active] lower factor L among them. */
  readonly factor: Float64Array;
  /** [horizon·width] diagonal of the whole L. */
  readonly diagonal: Float64Array;

  constructor(stats: ChunkStatistics | null, options: NoiseOptions = {}) {
    this.beta = options.beta ?? 0.5;
    this.horizon = options.horizon ?? stats?.horizon ?? CHALLENGE_ROBOT.horizon;
    this.width = options.width ?? stats?.width ?? CHALLENGE_ROBOT.paddedWidth;
    const n = this.horizon * this.width;
    if (!(this.beta >= 0 && this.beta <= 1))
      throw new InputError('CorrelatedNoise', `beta out of range (got ${this.beta}, expected 0…1).`);
    if (stats && (stats.horizon !== this.horizon || stats.width !== this.width))
      throw new InputError(
        'CorrelatedNoise',
        `the statistics are of another shape (got ${stats.horizon}×${stats.width}, expected ` +
          `${this.horizon}×${this.width}).`,
      );
    if (stats && !stats.correlation && this.beta > 0)
      throw new InputError(
        'CorrelatedNoise',
        'the statistics have no action correlation. Use beta 0, or compute them with `valet stats`.',
      );
    const raw = this.beta > 0 ? stats?.correlation?.cholesky : undefined;
    this.diagonal = new Float64Array(n).fill(1);
    if (!raw) {
      this.active = new Int32Array(0);
      this.factor = new Float64Array(0);
      return;
    }
    this.active = correlatedIndices(raw, n);
    for (let i = 0; i < n; i++) this.diagonal[i] = Math.sqrt(this.beta * raw[i * n + i]! ** 2 + 1 - this.beta);
    const m = this.active.length;
    const block = new Float64Array(m * m);
    for (let i = 0; i < m; i++)
      for (let j = 0; j <= i; j++) block[i * m + j] = raw[this.active[i]! * n + this.active[j]!]!;
    if (this.beta === 1) this.factor = block;
    else {
      const sigma = gram(block, m);
      for (let i = 0; i < sigma.length; i++) sigma[i]! *= this.beta;
      for (let i = 0; i < m; i++) sigma[i * m + i]! += 1 - this.beta;
      this.factor = cholesky(sigma, m);
    }
    for (let i = 0; i < m; i++) this.diagonal[this.active[i]!] = this.factor[i * m + i]!;
  }

  /** Noise for `count` chunks, float32 [count, horizon, width]. */
  sample(random: Random, count: number): Float32Array {
    return this.colour(random.fillNormal(new Float32Array(count * this.horizon * this.width)));
  }

  /**
   * Standard normal numbers `z` [count, horizon·width] as correlated noise, z·Lᵀ; float64 sums, the type of the
   * answer is `z`'s.
   */
  colour<A extends Float32Array | Float64Array>(z: A): A {
    const n = this.horizon * this.width;
    if (z.length % n !== 0)
      throw new InputError(
        'CorrelatedNoise',
        `z has a part of a chunk (got ${z.length} numbers, expected a multiple of ${n}).`,
      );
    const { active, factor, diagonal } = this;
    const m = active.length;
    const out = z.slice() as A;
    for (let i = 0; i < out.length; i++) out[i]! *= diagonal[i % n]!;
    // Four chunks at a time share each row of the factor.
    const count = z.length / n;
    const x = new Float64Array(4 * m);
    for (let first = 0; first < count; first += 4) {
      const group = Math.min(4, count - first);
      for (let c = 0; c < group; c++) for (let i = 0; i < m; i++) x[4 * i + c] = z[(first + c) * n + active[i]!]!;
      for (let i = 0; i < m; i++) {
        const row = i * m;
        let [s0, s1, s2, s3] = [0, 0, 0, 0];
        for (let k = 0; k <= i; k++) {
          const l = factor[row + k]!;
          s0 += l * x[4 * k]!;
          s1 += l * x[4 * k + 1]!;
          s2 += l * x[4 * k + 2]!;
          s3 += l * x[4 * k + 3]!;
        }
        const sums = [s0, s1, s2, s3];
        for (let c = 0; c < group; c++) out[(first + c) * n + active[i]!] = sums[c]!;
      }
    }
    return out;
  }

  /** Σ = L·Lᵀ restricted to the flat indices `rows` × `columns`, float64. */
  covariance(rows: ArrayLike<number>, columns: ArrayLike<number>): Float64Array {
    this.gramOfFactor ??= gram(this.factor, this.active.length);
    const m = this.active.length;
    const place = new Int32Array(this.horizon * this.width).fill(-1);
    for (let i = 0; i < m; i++) place[this.active[i]!] = i;
    const out = new Float64Array(rows.length * columns.length);
    for (let i = 0, at = 0; i < rows.length; i++)
      for (let j = 0; j < columns.length; j++, at++) {
        const [r, c] = [place[rows[i]!]!, place[columns[j]!]!];
        if (r >= 0 && c >= 0) out[at] = this.gramOfFactor[r * m + c]!;
        else if (rows[i] === columns[j]) out[at] = this.diagonal[rows[i]!]! ** 2;
      }
    return out;
  }
  private gramOfFactor: Float64Array | undefined;
}

/** Indices whose row or column of the lower factor [n, n] has anything off the diagonal. */
function correlatedIndices(l: Float64Array, n: number): Int32Array {
  const correlated = new Uint8Array(n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++)
      if (l[i * n + j] !== 0) {
        correlated[i] = 1;
        correlated[j] = 1;
      }
  return Int32Array.from([...correlated.keys()].filter((i) => correlated[i]));
}
