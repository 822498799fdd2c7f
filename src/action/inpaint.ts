import { InputError } from '../base/index.ts';
import { cholesky, choleskySolveRows } from './linear.ts';
import type { CorrelatedNoise } from './noise.ts';

export interface InpainterOptions {
  /** Steps at the start of a chunk that the last plan has promised. */
  readonly keepRows: number;
  /** Columns of the promise that are held: all, padding included, or the robot's. */
  readonly width?: number;
  /** The columns that are held, rising, where they are not the first `width`. */
  readonly columns?: readonly number[];
  /** ε as a part of max(mean diag Σ_OO, 1), 1e-6. */
  readonly jitter?: number;
  /** A chunk's correction is left out when any entry of it is larger than this. */
  readonly skipAbove?: number;
  /**
   * Whether each chunk of a batch decides for itself, or one far-off chunk stops the correction for all (the
   * original).
   */
  readonly skip?: 'sample' | 'batch';
}

/** What one `apply` did: whether the promise was enforced at all, and which chunks had their free part corrected. */
export interface InpaintResult {
  readonly enforced: boolean;
  readonly corrected: readonly boolean[];
  /** Largest magnitude of each chunk's correction, made or skipped; 0 when nothing was enforced. */
  readonly largest: readonly number[];
}

/**
 * Soft inpainting while sampling: holds the first rows of a chunk to what was promised, O, and moves the free rest,
 * U, by what the noise's correlation says
 * about it: δ_U = Σ_UO (Σ_OO + ε·I)⁻¹ δ_O with ε = 1e-6·max(mean diag Σ_OO, 1). Golden cases noise, sampler.
 */
export class Inpainter {
  readonly keepRows: number;
  readonly width: number;
  /** Flat indices of O (kept) and U (free), rising. */
  readonly kept: Int32Array;
  readonly free: Int32Array;
  /** [U, O] float64. */
  readonly correction: Float64Array;
  private readonly chunkWidth: number;
  private readonly chunkSize: number;
  private readonly skipAbove: number;
  private readonly skip: 'sample' | 'batch';

  constructor(noise: CorrelatedNoise, options: InpainterOptions) {
    this.keepRows = options.keepRows;
    const columns = options.columns ?? Array.from({ length: options.width ?? noise.width }, (_, i) => i);
    this.width = columns.length;
    this.skipAbove = options.skipAbove ?? 1;
    this.skip = options.skip ?? 'sample';
    this.chunkWidth = noise.width;
    this.chunkSize = noise.horizon * noise.width;
    if (
      !(
        Number.isInteger(this.keepRows) &&
        this.keepRows >= 0 &&
        this.keepRows <= noise.horizon &&
        this.width >= 1 &&
        this.width <= noise.width
      ) ||
      !columns.every((c, i) => Number.isInteger(c) && c < noise.width && c > (columns[i - 1] ?? -1))
    )
      throw new InputError(
        'Inpainter',
        `nothing of that shape to keep (got ${this.keepRows}×${this.width}, expected at most ` +
          `${noise.horizon}×${noise.width}).`,
      );
    const held = new Set(columns);
    const isKept = (i: number) => i < this.keepRows * noise.width && held.has(i % noise.width);
    const all = Array.from({ length: this.chunkSize }, (_, i) => i);
    this.kept = Int32Array.from(all.filter(isKept));
    this.free = Int32Array.from(all.filter((i) => !isKept(i)));
    const o = this.kept.length;
    const sigma = noise.covariance(this.kept, this.kept);
    let trace = 0;
    for (let i = 0; i < o; i++) trace += sigma[i * o + i]!;
    const jitter = (options.jitter ?? 1e-6) * Math.max(o ? trace / o : 1, 1);
    for (let i = 0; i < o; i++) sigma[i * o + i]! += jitter;
    this.correction = choleskySolveRows(cholesky(sigma, o), o, noise.covariance(this.free, this.kept));
  }

  /**
   * After an Euler step that has reached `timeAfter`: while it is above `threshold`, sets the kept entries of x [B,
   * H, W] (in place) to
   * (1−t)·given + t·noise and corrects the free ones.
   * @param given promised actions, normalised, [B, keepRows, width]
   * @param noise the chunk that the sampling started from, [B, H, W]
   */
  apply(
    x: Float32Array,
    given: ArrayLike<number>,
    noise: ArrayLike<number>,
    timeAfter: number,
    threshold = 0.3,
  ): InpaintResult {
    const { chunkSize: n, kept, free, correction } = this;
    const [o, u] = [kept.length, free.length];
    const batch = x.length / n;
    if (!Number.isInteger(batch) || noise.length !== x.length || given.length !== batch * o)
      throw new InputError(
        'Inpainter',
        `shapes do not fit (got x ${x.length}, noise ${noise.length}, given ${given.length}; expected x and ` +
          `noise B×${n}, given B×${o}).`,
      );
    const time = Math.fround(timeAfter);
    if (o === 0 || !(time > Math.fround(threshold))) {
      return { enforced: false, corrected: Array(batch).fill(false), largest: Array(batch).fill(0) };
    }
    const deltas: Float64Array[] = [];
    const deltaKept = new Float64Array(o);
    for (let b = 0; b < batch; b++) {
      for (let j = 0; j < o; j++) {
        const i = b * n + kept[j]!;
        const want = Math.fround((1 - time) * given[b * o + j]! + time * noise[i]!);
        deltaKept[j] = want - x[i]!;
        x[i] = want;
      }
      const delta = new Float64Array(u);
      for (let i = 0, at = 0; i < u; i++) {
        let sum = 0;
        for (let j = 0; j < o; j++) sum += correction[at++]! * deltaKept[j]!;
        delta[i] = sum;
      }
      deltas.push(delta);
    }
    // "Not above" and not "at most": a NaN skips too.
    const largest = deltas.map((delta) => largestMagnitude(delta));
    const mild = largest.map((size) => Math.fround(size) <= this.skipAbove);
    const corrected = this.skip === 'batch' ? mild.map(() => mild.every(Boolean)) : mild;
    for (let b = 0; b < batch; b++)
      if (corrected[b]) for (let i = 0; i < u; i++) x[b * n + free[i]!]! += deltas[b]![i]!;
    return { enforced: true, corrected, largest };
  }

  /** The width of a whole chunk row; `given` may be narrower. */
  get rowWidth(): number {
    return this.chunkWidth;
  }
}

/** Largest magnitude; NaN when any is. */
function largestMagnitude(values: Float64Array): number {
  let largest = 0;
  for (const value of values) if (!(Math.abs(value) <= largest)) largest = Math.max(largest, Math.abs(value));
  return largest;
}
