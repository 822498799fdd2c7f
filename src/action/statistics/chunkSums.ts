import { Arena, exactValues } from './kernels.ts';
import type { ChunkShape, EpisodeColumns } from './shape.ts';

/** Blocks of one episode whose spectra are multiplied together. */
const BATCH = 32;
/** Sums in which the high words can take this many additions without a carry. */
const CARRY_EVERY = 2048;

/** Means and covariance of chunks, and means and variances of frames, from exact sums. Flat index step·D + dimension. */
export interface ChunkMoments {
  readonly frames: number;
  readonly chunks: number;
  /** [D] over frames: states, and actions relative to their own state (float32 differences). */
  readonly state: { readonly mean: Float64Array; readonly std: Float64Array };
  readonly actions: { readonly mean: Float64Array; readonly std: Float64Array };
  /** [H·D] */
  readonly mean: Float64Array;
  /** [H·D, H·D] population covariance. */
  readonly covariance: Float64Array;
}

/** The sums of a `ChunkSums` as plain data, to be merged elsewhere. */
export interface ChunkSumsState {
  readonly words: Uint8Array<ArrayBuffer>;
  readonly frames: number;
  readonly chunks: number;
}

/**
 * All sums that mean, deviation and covariance of delta chunks need, without ever forming the chunks, and the same to the last bit in whatever order and
 * grouping episodes are added.
 *
 * Chunk i of an episode holds x_t(i) = a(i+t) on absolute dimensions and x_t(i) = a(i+t) − s(i) on relative ones. With increments w(j) = a(j) − a(j−1) and
 * the tracking error e(i) = a(i) − s(i), the latter is e(i) + w(i+1) + … + w(i+t). So the covariance follows from c(k) = Σ_i f(i)·w(i+k), k < H, for f among
 * all w and e, and from the products of the first and last H − 1 values of each episode, by which sums that start later differ. Working with increments
 * avoids the cancellation of large positions.
 *
 * c is summed as spectra: blocks of N − H + 1 values of f, padded with zeros, against the N values of w from the same place; the lags 0…H−1 of that product do
 * not wrap around. Products of spectra cost 4·(N/2+1)/(N−H+1) multiply-adds a pair and frame instead of H (2.6 instead of 30 for H = 30), and the transform back
 * is made once, at the end.
 *
 * What an episode contributes is computed from it alone in float64; contributions are added in 115-bit fixed point (kernelText.ts), which has no rounding that
 * could depend on order: 2⁻⁵⁵ = 2.8e-17 is the grid.
 */
export class ChunkSums {
  frames = 0;
  chunks = 0;
  private readonly d: number;
  private readonly h: number;
  /** Relative dimensions: their tracking error is a series of its own. */
  private readonly errors: number[];
  /** Fourier length, new values per block, frequencies. */
  private readonly n: number;
  private readonly step: number;
  private readonly frequencies: number;
  /** Columns of the spectra (increments, padded to 8) and rows (those, and tracking errors). */
  private readonly columns: number;
  private readonly rows: number;
  /** Row of each tracking error. */
  private readonly errorRow: Int32Array;
  /** Dimensions padded to an even number, and the length of an episode's head. */
  private readonly even: number;
  private readonly edge: number;
  private readonly smallCount: number;
  private readonly arena: Arena;
  private readonly at: {
    twiddles: number;
    re: number;
    im: number;
    f: number;
    g: number;
    head: number;
    tail: number;
    small: number;
    series: number;
    sums: number;
  };
  private readonly sumsBytes: number;
  private readonly spectraBytes: number;
  private readonly edgeBytes: number;
  private readonly reversed: Int32Array;
  private pending = 0;

  constructor({ relative, horizon }: ChunkShape) {
    this.d = relative.length;
    this.h = horizon;
    this.relative = relative;
    this.errors = [...relative.keys()].filter((dim) => relative[dim]);
    this.n = 16;
    while (this.n < 4 * horizon) this.n *= 2;
    this.step = this.n - horizon + 1;
    this.frequencies = this.n / 2 + 1;
    this.columns = 8 * Math.ceil(this.d / 8);
    const spare = this.columns - this.d;
    const groups = Math.ceil(Math.max(0, this.errors.length - spare) / 16);
    this.rows = this.columns + 16 * groups;
    this.errorRow = Int32Array.from(this.errors, (_, e) => this.d + e);
    this.even = 2 * Math.ceil(this.d / 2);
    this.edge = (horizon - 1) * this.even;
    const e = this.errors.length;
    this.smallCount = 2 * Math.ceil((horizon * this.d + e * e + 4 * this.d) / 2);
    this.spectraBytes = this.frequencies * this.rows * this.columns * 32;
    this.edgeBytes = this.edge * this.edge * 16;
    this.sumsBytes = this.spectraBytes + this.edgeBytes + this.smallCount * 16;
    const spectra = (width: number) => this.frequencies * BATCH * 2 * width * 8;
    this.arena = new Arena([
      this.n * 8,
      this.n * 64,
      this.n * 64,
      spectra(this.rows),
      spectra(this.columns),
      this.edge * 8,
      this.edge * 8,
      this.smallCount * 8,
      e * BATCH * this.step * 8,
      this.sumsBytes,
    ]);
    const [twiddles, re, im, f, g, head, tail, small, series, sums] = this.arena.offsets as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    this.at = { twiddles, re, im, f, g, head, tail, small, series, sums };
    const table = this.arena.float64(twiddles, this.n);
    for (let k = 0; k < this.n / 2; k++) {
      table[2 * k] = Math.cos((2 * Math.PI * k) / this.n);
      table[2 * k + 1] = -Math.sin((2 * Math.PI * k) / this.n);
    }
    const bits = Math.log2(this.n);
    this.reversed = Int32Array.from({ length: this.n }, (_, i) => {
      let r = 0;
      for (let b = 0; b < bits; b++) if ((i >> b) & 1) r |= 1 << (bits - 1 - b);
      return 8 * r;
    });
  }
  private readonly relative: readonly boolean[];

  add(episode: EpisodeColumns): void {
    const { d, h, arena, at, smallCount } = this;
    const { length, actions, states } = episode;
    const n = Math.max(0, length - h + 1);
    this.frames += length;
    this.chunks += n;
    const small = new Float64Array(smallCount);
    this.addFrames(episode, small);
    if (n > 0) {
      const series = Array.from({ length: d }, (_, dim) => {
        const a = actions.subarray(dim * length, (dim + 1) * length);
        const w = new Float64Array(length);
        // w(0) of a relative dimension is never part of a chunk; 0 keeps the sums clean.
        if (this.relative[dim]) for (let j = 1; j < length; j++) w[j] = a[j]! - a[j - 1]!;
        else w.set(a);
        return w;
      });
      const tracking = this.errors.map((dim) => {
        const e = new Float64Array(n);
        const from = dim * length;
        for (let i = 0; i < n; i++) e[i] = actions[from + i]! - states[from + i]!;
        return e;
      });
      this.addStepSums(episode, n, small);
      this.addLags(series, tracking, n, small);
      this.addEdges(series, n);
    }
    arena.float64(at.small, smallCount).set(small);
    arena.kernels.addExact(at.small, at.sums + this.spectraBytes + this.edgeBytes, smallCount);
    // A batch of a long episode is an addition of its own to the spectra.
    this.pending += 1 + Math.ceil(n / (BATCH * this.step));
    if (this.pending >= CARRY_EVERY) this.carry();
  }

  /** Σ x and Σ x² over frames, of states and of actions relative to their own state. */
  private addFrames({ length, actions, states }: EpisodeColumns, small: Float64Array): void {
    const { d, relative } = this;
    const from = this.h * d + this.errors.length ** 2;
    for (let dim = 0; dim < d; dim++) {
      let [s1, s2, a1, a2] = [0, 0, 0, 0];
      const isRelative = relative[dim]!;
      for (let at = dim * length; at < (dim + 1) * length; at++) {
        const s = states[at]!;
        const a = isRelative ? Math.fround(actions[at]! - s) : actions[at]!;
        s1 += s;
        s2 += s * s;
        a1 += a;
        a2 += a * a;
      }
      small.set([s1, s2, a1, a2], from + 4 * dim);
    }
  }

  /** Σ_i x_t(i) for each step and dimension. */
  private addStepSums({ length, actions, states }: EpisodeColumns, n: number, small: Float64Array): void {
    const { d, h, relative } = this;
    for (let dim = 0; dim < d; dim++) {
      const from = dim * length;
      let sum = 0;
      for (let i = from; i < from + n; i++) sum += actions[i]! - (relative[dim] ? states[i]! : 0);
      for (let t = 0; t < h; t++) {
        small[t * d + dim] = sum;
        if (t + 1 < h) sum += actions[from + n + t]! - actions[from + t]!;
      }
    }
  }

  /** Spectra of all blocks, their products, and the products of tracking errors. */
  private addLags(series: readonly Float64Array[], tracking: readonly Float64Array[], n: number, small: Float64Array) {
    const { at, arena, step, rows, columns, frequencies, errors } = this;
    const { kernels } = arena;
    const e = errors.length;
    for (let start = 0; start < n; start += BATCH * step) {
      const end = Math.min(n, start + BATCH * step);
      const blocks = Math.ceil((end - start) / step);
      for (let b = 0; b < blocks; b++) this.transform(series, tracking, n, start + b * step, b);
      for (let k = 0; k < frequencies; k++)
        kernels.cross(
          at.f + k * BATCH * rows * 16,
          at.g + k * BATCH * columns * 16,
          blocks,
          rows,
          columns,
          at.sums + k * rows * columns * 32,
        );
      const size = 2 * Math.ceil((end - start) / 2);
      for (let p = 0; p < e; p++) {
        const part = arena.float64(at.series + p * size * 8, size);
        part[size - 1] = 0;
        part.set(tracking[p]!.subarray(start, end));
        for (let q = 0; q <= p; q++)
          small[this.h * this.d + p * e + q]! += kernels.dot(at.series + p * size * 8, at.series + q * size * 8, size);
      }
    }
  }

  /** Spectra of block `b` of a batch, which starts at frame `start`, into f and g. */
  private transform(
    series: readonly Float64Array[],
    tracking: readonly Float64Array[],
    n: number,
    start: number,
    b: number,
  ): void {
    const { at, arena, n: size, columns, rows, d, reversed } = this;
    const { kernels } = arena;
    const re = arena.float64(at.re, size * 8);
    const im = arena.float64(at.im, size * 8);
    const used = Math.min(this.step, n - start);
    const put = (to: Float64Array, lane: number, from: Float64Array | undefined, count: number) => {
      if (from) for (let i = 0; i < count; i++) to[reversed[i]! + lane] = from[start + i]!;
      for (let i = from ? count : 0; i < size; i++) to[reversed[i]! + lane] = 0;
    };
    const [fIm, gIm] = [rows * 8, columns * 8];
    const [fNext, gNext] = [BATCH * rows * 16, BATCH * columns * 16];
    const [f, g] = [at.f + b * rows * 16, at.g + b * columns * 16];
    for (let first = 0; first < columns; first += 8) {
      for (let lane = 0; lane < 8; lane++) {
        const dim = first + lane;
        put(re, lane, dim < d ? series[dim] : tracking[dim - d], used);
        put(im, lane, series[dim], dim < d ? Math.min(size, series[dim]!.length - start) : 0);
      }
      kernels.fft(at.re, at.im, at.twiddles, size);
      kernels.separate(at.re, at.im, size, f + first * 8, fIm, fNext, g + first * 8, gIm, gNext);
    }
    for (let first = columns; first < rows; first += 16) {
      for (let lane = 0; lane < 8; lane++) {
        put(re, lane, tracking[first + lane - d], used);
        put(im, lane, tracking[first + 8 + lane - d], used);
      }
      kernels.fft(at.re, at.im, at.twiddles, size);
      kernels.separate(at.re, at.im, size, f + first * 8, fIm, fNext, f + (first + 8) * 8, fIm, fNext);
    }
  }

  /** Products of the first and of the last H − 1 values. */
  private addEdges(series: readonly Float64Array[], n: number): void {
    const { d, h, even, edge, arena, at } = this;
    if (h < 2) return;
    const [head, tail] = [arena.float64(at.head, edge), arena.float64(at.tail, edge)];
    for (let j = 0; j < h - 1; j++)
      for (let dim = 0; dim < d; dim++) {
        head[j * even + dim] = series[dim]![j]!;
        tail[j * even + dim] = series[dim]![n + j]!;
      }
    arena.kernels.outer(at.head, at.tail, edge, even, at.sums + this.spectraBytes);
  }

  private carry(): void {
    this.arena.kernels.carry(this.at.sums, this.sumsBytes);
    this.pending = 0;
  }

  state(): ChunkSumsState {
    this.carry();
    return {
      words: this.arena.bytes(this.at.sums, this.sumsBytes).slice(),
      frames: this.frames,
      chunks: this.chunks,
    };
  }

  merge({ words, frames, chunks }: ChunkSumsState): void {
    const { arena, at } = this;
    this.carry();
    // Through the room of the spectra F, piece by piece.
    const piece = at.g - at.f;
    for (let from = 0; from < words.length; from += piece) {
      const part = words.subarray(from, from + piece);
      arena.bytes(at.f, part.length).set(part);
      arena.kernels.addIntegers(at.sums + from, at.f, part.length);
    }
    this.carry();
    this.frames += frames;
    this.chunks += chunks;
  }

  moments(): ChunkMoments {
    this.carry();
    const { d, h, frames, chunks, arena, at } = this;
    const e = this.errors.length;
    const sums = (offset: number, bytes: number) =>
      exactValues(new BigInt64Array(arena.buffer, at.sums + offset, bytes / 8));
    const small = sums(this.spectraBytes + this.edgeBytes, this.smallCount * 16);
    const frameMoments = (which: 0 | 2) => {
      const mean = new Float64Array(d);
      const std = new Float64Array(d);
      for (let dim = 0; dim < d; dim++) {
        const from = h * d + e * e + 4 * dim + which;
        mean[dim] = small[from]! / frames;
        std[dim] = Math.sqrt(Math.max(0, small[from + 1]! / frames - mean[dim]! ** 2));
      }
      return { mean, std };
    };
    const mean = Float64Array.from({ length: h * d }, (_, i) => small[i]! / chunks);
    const squares = small.subarray(h * d, h * d + e * e);
    const covariance = this.covariance(
      this.lags(sums(0, this.spectraBytes)),
      this.h > 1 ? sums(this.spectraBytes, this.edgeBytes) : new Float64Array(0),
      squares,
      mean,
    );
    return { frames, chunks, state: frameMoments(0), actions: frameMoments(2), mean, covariance };
  }

  /** [rows, D, H] Σ_i f(i)·w(i+k), from the spectra. */
  private lags(spectra: Float64Array): Float64Array {
    const { rows, columns, d, h, n, frequencies } = this;
    const out = new Float64Array(rows * d * h);
    const cosine = Float64Array.from({ length: n }, (_, i) => Math.cos((2 * Math.PI * i) / n));
    const sine = Float64Array.from({ length: n }, (_, i) => Math.sin((2 * Math.PI * i) / n));
    for (let r = 0; r < this.d + this.errors.length; r++)
      for (let c = 0; c < d; c++)
        for (let f = 0; f < frequencies; f++) {
          const from = 2 * (f * rows * columns + r * columns + (c & ~1)) + (c & 1);
          const weight = (f === 0 || f === n / 2 ? 1 : 2) / n;
          const [re, im] = [weight * spectra[from]!, weight * spectra[from + 2]!];
          const to = (r * d + c) * h;
          for (let k = 0; k < h; k++) {
            const turn = (f * k) & (n - 1);
            out[to + k]! += re * cosine[turn]! - im * sine[turn]!;
          }
        }
    return out;
  }

  private covariance(
    base: Float64Array,
    edges: Float64Array,
    errorSquares: Float64Array,
    mean: Float64Array,
  ): Float64Array {
    const { d, h, relative, errors, even, edge, chunks } = this;
    const size = d * h;
    const e = errors.length;
    const out = new Float64Array(size * size);
    const block = new Float64Array(h * h);
    for (let p = 0; p < d; p++)
      for (let q = 0; q <= p; q++) {
        // Sums over the pieces of which chunks are running sums: piece 0 of a relative dimension is its tracking error, the others are increments.
        for (let k = 0; k < h; k++) {
          let upper = base[(p * d + q) * h + k]!;
          let lower = base[(q * d + p) * h + k]!;
          for (let j = 0; j + k < h; j++) {
            block[j * h + j + k] = upper;
            block[(j + k) * h + j] = lower;
            if (j + k + 1 < h) {
              upper += edges[(j * even + p) * edge + (j + k) * even + q]!;
              lower += edges[(j * even + q) * edge + (j + k) * even + p]!;
            }
          }
        }
        const [ep, eq] = [errors.indexOf(p), errors.indexOf(q)];
        if (ep >= 0) for (let l = 0; l < h; l++) block[l] = base[(this.errorRow[ep]! * d + q) * h + l]!;
        if (eq >= 0) for (let k = 0; k < h; k++) block[k * h] = base[(this.errorRow[eq]! * d + p) * h + k]!;
        if (ep >= 0 && eq >= 0) block[0] = errorSquares[ep * e + eq]!;
        if (relative[p]) for (let i = h; i < h * h; i++) block[i]! += block[i - h]!;
        if (relative[q]) for (let i = 0; i < h * h; i++) if (i % h > 0) block[i]! += block[i - 1]!;
        for (let k = 0; k < h; k++)
          for (let l = 0; l < h; l++) {
            const [i, j] = [k * d + p, l * d + q];
            const value = block[k * h + l]! / chunks - mean[i]! * mean[j]!;
            out[i * size + j] = value;
            out[j * size + i] = value;
          }
      }
    return out;
  }
}
