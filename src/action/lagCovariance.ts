/** One episode by columns: `actions` and `states` float32 [D, length]. */
export interface EpisodeColumns {
  readonly length: number;
  readonly actions: Float32Array;
  readonly states: Float32Array;
}

/**
 * Covariance of delta chunks [H·D, H·D] (flat index step·D + dimension) without ever forming the chunks.
 *
 * Chunk i of an episode holds x_t(i) = a(i+t) on absolute dimensions and x_t(i) = a(i+t) − s(i) on relative ones. With increments w(j) = a(j) − a(j−1) and
 * the tracking error e(i) = a(i) − s(i), the latter is e(i) + w(i+1) + … + w(i+t): a running sum of shifted copies of one series. So all that is needed is
 * Σ_i w₁(i) w₂(i+k) for each lag k (27,600 multiply-adds a frame for the R1Pro instead of 238,000), the terms at the ends of each episode by which
 * Σ_i w₁(i+j) w₂(i+j+k) differs from it, and running sums at the end. Working with increments instead of a and s avoids their cancellation: only small numbers
 * are added up, in float64.
 *
 * @param centre [D] subtracted from absolute dimensions and from tracking errors before anything else
 * @param mean [H·D] of the chunks, to centre the sums
 */
export function chunkCovariance(
  episodes: Iterable<EpisodeColumns>,
  relative: readonly boolean[],
  horizon: number,
  centre: Float64Array,
  mean: Float64Array,
  visited?: (frames: number) => void,
): Float64Array {
  const sums = new LagSums(relative, horizon);
  for (const episode of episodes) {
    sums.add(episode, centre);
    visited?.(episode.length);
  }
  return sums.covariance(centre, mean);
}

class LagSums {
  private readonly d: number;
  /** Dimensions whose tracking error is a series of its own. */
  private readonly errors: number[];
  /** [D + errors, D, H] Σ_i f(i)·w(i+k). */
  private readonly base: Float64Array;
  /** [H−1, D, D, H] what Σ_i w₁(i+j+1) w₂(i+j+1+k) has more than Σ_i w₁(i+j) w₂(i+j+k). */
  private readonly ends: Float64Array;
  /** [errors, errors] Σ_i e₁(i) e₂(i). */
  private readonly errorSquares: Float64Array;
  private chunks = 0;

  constructor(
    private readonly relative: readonly boolean[],
    private readonly h: number,
  ) {
    this.d = relative.length;
    this.errors = [...relative.keys()].filter((dim) => relative[dim]);
    this.base = new Float64Array((this.d + this.errors.length) * this.d * h);
    this.ends = new Float64Array((h - 1) * this.d * this.d * h);
    this.errorSquares = new Float64Array(this.errors.length ** 2);
  }

  add({ length, actions, states }: EpisodeColumns, centre: Float64Array): void {
    const { d, h, relative, errors, base, errorSquares } = this;
    const n = length - h + 1;
    if (n < 1) return;
    this.chunks += n;
    const series = Array.from({ length: d }, (_, dim) => {
      const a = actions.subarray(dim * length, (dim + 1) * length);
      const w = new Float64Array(length);
      // w(0) of a relative dimension is never part of a chunk; 0 keeps the sums clean.
      if (relative[dim]) for (let j = 1; j < length; j++) w[j] = a[j]! - a[j - 1]!;
      else for (let j = 0; j < length; j++) w[j] = a[j]! - centre[dim]!;
      return w;
    });
    const tracking = errors.map((dim) => {
      const e = new Float64Array(n);
      const at = dim * length;
      for (let i = 0; i < n; i++) e[i] = actions[at + i]! - states[at + i]! - centre[dim]!;
      return e;
    });
    [...series, ...tracking].forEach((f, row) => {
      for (let dim = 0; dim < d; dim++) addLagSums(f, series[dim]!, n, base, (row * d + dim) * h, h);
    });
    this.addEnds(series, n);
    for (let p = 0; p < tracking.length; p++)
      for (let q = 0; q < tracking.length; q++) {
        let sum = 0;
        for (let i = 0; i < n; i++) sum += tracking[p]![i]! * tracking[q]![i]!;
        errorSquares[p * tracking.length + q]! += sum;
      }
  }

  private addEnds(series: readonly Float64Array[], n: number): void {
    const { d, h, ends } = this;
    for (let j = 0; j < h - 1; j++)
      for (let p = 0; p < d; p++) {
        const first = series[p]![j]!;
        const last = series[p]![n + j]!;
        for (let q = 0; q < d; q++) {
          const w = series[q]!;
          const at = ((j * d + p) * d + q) * h;
          for (let k = 0; k < h - 1 - j; k++) ends[at + k]! += last * w[n + j + k]! - first * w[j + k]!;
        }
      }
  }

  covariance(centre: Float64Array, mean: Float64Array): Float64Array {
    const { d, h, relative, errors, base, errorSquares, chunks } = this;
    const size = d * h;
    const out = new Float64Array(size * size);
    const slid = this.slide();
    for (let p = 0; p < d; p++)
      for (let q = 0; q < d; q++) {
        // Sums over the pieces of which the chunks are running sums: piece 0 of a relative dimension is its tracking error, the others are increments.
        const block = new Float64Array(h * h);
        for (let k = 0; k < h; k++)
          for (let l = 0; l < h; l++) {
            const lag = Math.abs(l - k);
            const [a, b] = k <= l ? [p, q] : [q, p];
            block[k * h + l] = slid[((Math.min(k, l) * d + a) * d + b) * h + lag]!;
          }
        const [ep, eq] = [errors.indexOf(p), errors.indexOf(q)];
        if (ep >= 0) for (let l = 0; l < h; l++) block[l] = base[((d + ep) * d + q) * h + l]!;
        if (eq >= 0) for (let k = 0; k < h; k++) block[k * h] = base[((d + eq) * d + p) * h + k]!;
        if (ep >= 0 && eq >= 0) block[0] = errorSquares[ep * errors.length + eq]!;
        if (relative[p]) for (let i = h; i < h * h; i++) block[i]! += block[i - h]!;
        if (relative[q]) for (let i = 0; i < h * h; i++) if (i % h > 0) block[i]! += block[i - 1]!;
        for (let k = 0; k < h; k++)
          for (let l = 0; l < h; l++) {
            const [i, j] = [k * d + p, l * d + q];
            out[i * size + j] = block[k * h + l]! / chunks - (mean[i]! - centre[p]!) * (mean[j]! - centre[q]!);
          }
      }
    return out;
  }

  /** [H, D, D, H]: Σ_i w₁(i+j) w₂(i+j+k). */
  private slide(): Float64Array {
    const { d, h, base, ends } = this;
    const plane = d * d * h;
    const out = new Float64Array(h * plane);
    out.set(base.subarray(0, plane));
    for (let at = plane; at < out.length; at++) out[at] = out[at - plane]! + ends[at - plane]!;
    return out;
  }
}

/**
 * out[at+k] += Σ_{i<n} f(i)·g(i+k) for k < lags. Five lags and five frames at a time: each value of g stays in a register while all five lags pass it
 * (measured 2.2–2.3 billion multiply-adds a second, against 1.5–1.8 with the plain loop over five lags).
 */
function addLagSums(f: Float64Array, g: Float64Array, n: number, out: Float64Array, at: number, lags: number): void {
  let k = 0;
  for (; k + 4 < lags; k += 5) {
    let [s0, s1, s2, s3, s4] = [0, 0, 0, 0, 0];
    let [g0, g1, g2, g3] = [g[k]!, g[k + 1]!, g[k + 2]!, g[k + 3]!];
    let i = 0;
    let j = k + 4;
    for (; i + 4 < n; i += 5, j += 5) {
      let x = f[i]!;
      const g4 = g[j]!;
      s0 += x * g0;
      s1 += x * g1;
      s2 += x * g2;
      s3 += x * g3;
      s4 += x * g4;
      x = f[i + 1]!;
      g0 = g[j + 1]!;
      s0 += x * g1;
      s1 += x * g2;
      s2 += x * g3;
      s3 += x * g4;
      s4 += x * g0;
      x = f[i + 2]!;
      g1 = g[j + 2]!;
      s0 += x * g2;
      s1 += x * g3;
      s2 += x * g4;
      s3 += x * g0;
      s4 += x * g1;
      x = f[i + 3]!;
      g2 = g[j + 3]!;
      s0 += x * g3;
      s1 += x * g4;
      s2 += x * g0;
      s3 += x * g1;
      s4 += x * g2;
      x = f[i + 4]!;
      g3 = g[j + 4]!;
      s0 += x * g4;
      s1 += x * g0;
      s2 += x * g1;
      s3 += x * g2;
      s4 += x * g3;
    }
    for (; i < n; i++) {
      const x = f[i]!;
      s0 += x * g[i + k]!;
      s1 += x * g[i + k + 1]!;
      s2 += x * g[i + k + 2]!;
      s3 += x * g[i + k + 3]!;
      s4 += x * g[i + k + 4]!;
    }
    out[at + k]! += s0;
    out[at + k + 1]! += s1;
    out[at + k + 2]! += s2;
    out[at + k + 3]! += s3;
    out[at + k + 4]! += s4;
  }
  for (; k < lags; k++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += f[i]! * g[i + k]!;
    out[at + k]! += sum;
  }
}
