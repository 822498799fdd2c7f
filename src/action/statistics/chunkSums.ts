import { Arena, exactValues } from './kernels.ts';
import { type ChunkShape, type EpisodeRows, RowLayout } from './shape.ts';

/** Blocks of one episode whose products are added up in float64. */
const BATCH = 32;
/**
 * Blocks, of one or several episodes, whose spectra are kept until they are multiplied: the sums are then gone through
 * once for all of them.
 */
const SLOTS = 64;
/** Episodes whose edges are multiplied together. */
const EDGES = 16;
/** Pieces of memory of a `ChunkSums`. */
const PIECES = [
  'actions',
  'states',
  'mask',
  'positions',
  'order',
  'twiddles',
  'range',
  'moments',
  'gram',
  'x',
  'g',
  'e',
  're',
  'im',
  'ends',
  'F',
  'G',
  'head',
  'tail',
  'small',
  'sums',
] as const;
/** Sums in which the high words can take this many additions without a carry. */
const CARRY_EVERY = 2048;

/**
 * Means and covariance of chunks, and means and variances of frames, from exact sums. Flat index step·D + dimension.
 */
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
 * All sums that mean, deviation and covariance of delta chunks need, without ever forming the chunks, and the same to
 * the last bit in whatever order and grouping episodes are added.
 *
 * Chunk i of an episode holds x_t(i) = a(i+t) on absolute dimensions and x_t(i) = a(i+t) − s(i) on relative ones. With
 * increments w(j) = a(j) − a(j−1) and the tracking error e(i) = a(i) − s(i), the latter is e(i) + w(i+1) + … + w(i+t).
 * So the covariance follows from c(k) = Σ_i f(i)·w(i+k), k < H, for f among all w and e, and from the products of the
 * first and last H − 1 values of each episode, by which sums that start later differ. Working with increments avoids
 * the cancellation of large positions.
 *
 * c is summed as spectra: blocks of N − H + 1 values of f, padded with zeros, against the N values of w from the same
 * place; the lags 0…H−1 of that product do not wrap around. Products of spectra cost 4·(N/2+1)/(N−H+1) multiply-adds a
 * pair and frame instead of H (2.6 instead of 30 for H = 30), and the transform back is made once, at the end.
 *
 * What an episode contributes is computed from it alone in float64; contributions are added in 115-bit fixed point
 * (src/kernels/statistics), which has no rounding that could depend on order: 2⁻⁵⁵ = 2.8e-17 is the grid.
 */
export class ChunkSums {
  frames = 0;
  chunks = 0;
  private readonly layout: RowLayout;
  private readonly h: number;
  /** Fourier length, new values per block, frequencies. */
  private readonly n: number;
  private readonly step: number;
  private readonly frequencies: number;
  /**
   * Rows of the spectra: increments by column, then tracking errors; those that the padding of the increments has no
   * room for in groups of 16.
   */
  private readonly rows: number;
  /** Row of each tracking error. */
  private readonly errorRow: Int32Array;
  /** Tracking errors padded to a multiple of 4, and the length of an episode's head. */
  private readonly wide: number;
  private readonly edge: number;
  private readonly smallCount: number;
  private readonly arena: Arena;
  private readonly at: Record<(typeof PIECES)[number], number>;
  private readonly sumsBytes: number;
  private readonly spectraBytes: number;
  private readonly edgeBytes: number;
  private pending = 0;
  /**
   * Ends of the episodes' blocks among those whose spectra wait to be multiplied, and how many episodes' edges wait.
   */
  private ends: number[] = [];
  private edges = 0;

  constructor({ relative, horizon }: ChunkShape) {
    const layout = new RowLayout({ relative, horizon });
    const { d, e, columns } = layout;
    this.layout = layout;
    this.h = horizon;
    this.relative = relative;
    this.n = 16;
    while (this.n < 4 * horizon) this.n *= 2;
    this.step = this.n - horizon + 1;
    this.frequencies = this.n / 2 + 1;
    const grouped = 16 * Math.ceil(Math.max(0, e - (columns - d)) / 16);
    this.rows = columns + grouped;
    this.errorRow = Int32Array.from({ length: e }, (_, k) => (k < grouped ? columns + k : d + k - grouped));
    this.wide = 4 * Math.ceil(e / 4);
    this.edge = (horizon - 1) * columns;
    this.smallCount = 2 * Math.ceil((horizon * d + e * e + 4 * d) / 2);
    this.spectraBytes = this.frequencies * this.rows * columns * 32;
    this.edgeBytes = this.edge * this.edge * 16;
    this.sumsBytes = this.spectraBytes + this.edgeBytes + this.smallCount * 16;
    const spectra = (width: number) => this.frequencies * SLOTS * 2 * width * 8;
    const frames = (1 + BATCH * this.step + this.n) * columns * 4;
    const sizes: Record<(typeof PIECES)[number], number> = {
      actions: frames,
      states: frames,
      mask: columns * 8,
      positions: 4 * (e + 1),
      order: this.n,
      twiddles: this.n * 8,
      range: 6 * columns * 4,
      moments: 5 * columns * 8,
      gram: this.wide * this.wide * 8,
      x: this.n * this.rows * 8,
      g: this.n * columns * 8,
      e: this.n * this.wide * 8,
      re: this.n * 64,
      im: this.n * 64,
      ends: SLOTS * 4,
      F: spectra(this.rows),
      G: spectra(columns),
      head: EDGES * this.edge * 8,
      tail: EDGES * this.edge * 8,
      small: this.smallCount * 8,
      sums: this.sumsBytes,
    };
    this.arena = new Arena(PIECES.map((name) => sizes[name]));
    this.at = Object.fromEntries(PIECES.map((name, i) => [name, this.arena.offsets[i]!])) as typeof this.at;
    this.fillTables();
  }
  private readonly relative: readonly boolean[];

  private fillTables(): void {
    const { arena, at, n, layout, errorRow } = this;
    const table = arena.float64(at.twiddles, n);
    for (let k = 0; k < n / 2; k++) {
      table[2 * k] = Math.cos((2 * Math.PI * k) / n);
      table[2 * k + 1] = -Math.sin((2 * Math.PI * k) / n);
    }
    arena.bytes(at.mask, layout.e * 8).fill(255);
    arena.int32(at.positions, layout.e).set(errorRow.map((row) => 8 * row));
    const bits = Math.log2(n);
    arena.int32(at.order, n / 4).set(
      Int32Array.from({ length: n / 4 }, (_, i) => {
        let r = 0;
        for (let b = 0; b < bits; b++) if (((4 * i) >> b) & 1) r |= 1 << (bits - 1 - b);
        return r;
      }),
    );
  }

  /** [4, D] lowest and highest of states, of actions; undefined when a number is none. */
  extremes(episode: EpisodeRows): Float64Array | undefined {
    const { arena, at, layout } = this;
    const { columns, d, position } = layout;
    const both = arena.float32(at.range, 6 * columns);
    both
      .fill(Infinity, 0, columns)
      .fill(-Infinity, columns, 2 * columns)
      .fill(0, 2 * columns);
    both.copyWithin(3 * columns, 0, 3 * columns);
    const piece = BATCH * this.step;
    for (let from = 0; from < episode.length; from += piece) {
      const rows = this.fill(episode, from, piece);
      arena.kernels.range(at.states + columns * 4, rows, columns, at.range);
      arena.kernels.range(at.actions + columns * 4, rows, columns, at.range + 3 * columns * 4);
    }
    const bad = (from: number) => arena.int32(at.range + from * 4, columns).some((x) => x !== 0);
    if (bad(2 * columns) || bad(5 * columns)) return undefined;
    return Float64Array.from({ length: 4 * d }, (_, i) => {
      const which = Math.floor(i / d);
      return both[(which < 2 ? which : which + 1) * columns + position[i % d]!]!;
    });
  }

  /**
   * Copies up to `count` rows from row `from`, and the row before, which of the first row is itself; returns how many
   * rows there were.
   */
  private fill({ length, actions, states }: EpisodeRows, from: number, count: number): number {
    const { arena, at, layout } = this;
    const { columns } = layout;
    const rows = Math.min(count, length - from);
    for (const [to, source] of [
      [at.actions, actions],
      [at.states, states],
    ] as const) {
      const target = arena.float32(to, (rows + 1) * columns);
      target.set(source.subarray(from * columns, (from + rows) * columns), columns);
      const before = Math.max(0, from - 1) * columns;
      target.set(source.subarray(before, before + columns));
    }
    return rows;
  }

  add(episode: EpisodeRows): void {
    const { h, arena, at, smallCount, step, layout, wide } = this;
    const { d, e, columns, position } = layout;
    const { kernels } = arena;
    const { length } = episode;
    const n = Math.max(0, length - h + 1);
    this.frames += length;
    this.chunks += n;
    const moments = arena.float64(at.moments, 5 * columns).fill(0);
    const gram = arena.float64(at.gram, wide * wide).fill(0);
    const batch = BATCH * step;
    for (let from = 0; from < length; from += batch) {
      const rows = this.fill(episode, from, batch + this.n);
      const first = columns * 4;
      kernels.moments(at.actions + first, at.states + first, Math.min(rows, batch), columns, at.mask, at.moments);
      if (from < n) this.addSpectra(Math.min(batch, n - from), rows);
    }
    const small = arena.float64(at.small, smallCount).fill(0);
    if (n > 0) {
      this.addStepSums(episode, n, moments.subarray(4 * columns), small);
      for (let p = 0; p < e; p++) for (let q = 0; q <= p; q++) small[h * d + p * e + q] = gram[p * wide + q]!;
      this.addEdges(episode, n);
    }
    for (let dim = 0; dim < d; dim++)
      for (let k = 0; k < 4; k++) small[h * d + e * e + 4 * dim + k] = moments[k * columns + position[dim]!]!;
    kernels.addExact(at.small, at.sums + this.spectraBytes + this.edgeBytes, smallCount);
    // A batch of a long episode is an addition of its own to the spectra.
    this.pending += 1 + Math.ceil(n / batch);
    if (this.pending >= CARRY_EVERY) this.carry();
  }

  /** Σ_i x_t(i) for each step and dimension; `whole` [columns] is the sum of the first step over all frames. */
  private addStepSums({ length, actions, states }: EpisodeRows, n: number, whole: Float64Array, small: Float64Array) {
    const { h, layout } = this;
    const { d, e, columns, order } = layout;
    for (let c = 0; c < d; c++) {
      let sum = whole[c]!;
      for (let i = n; i < length; i++) sum -= actions[i * columns + c]! - (c < e ? states[i * columns + c]! : 0);
      for (let t = 0; t < h; t++) {
        small[t * d + order[c]!] = sum;
        if (t + 1 < h) sum += actions[(n + t) * columns + c]! - actions[t * columns + c]!;
      }
    }
  }

  /**
   * Spectra of the blocks of `count` chunks, of which `rows` rows are in place. They are multiplied when there is no
   * more room.
   */
  private addSpectra(count: number, rows: number): void {
    const { step } = this;
    const blocks = Math.ceil(count / step);
    let slot = this.ends.at(-1) ?? 0;
    if (slot + blocks > SLOTS) {
      this.multiply();
      slot = 0;
    }
    for (let b = 0; b < blocks; b++) this.transform(b * step, Math.min(step, count - b * step), rows, slot + b);
    this.ends.push(slot + blocks);
  }

  /**
   * Spectra of the block that starts at row `start`, into slot `b` of F and G, and the products of its tracking errors.
   */
  private transform(start: number, used: number, rows: number, b: number): void {
    const { at, n, wide, layout } = this;
    const { columns, e } = layout;
    const { kernels } = this.arena;
    const from = (start + 1) * columns * 4;
    const have = Math.min(n, rows - start);
    const [A, S] = [at.actions + from, at.states + from];
    kernels.prepare(A, S, used, have, n, columns, this.rows, at.mask, at.positions, e, wide, at.x, at.g, at.e);
    kernels.gram(at.e, used, wide, at.gram);
    const [fIm, gIm] = [this.rows * 8, columns * 8];
    const [fNext, gNext] = [SLOTS * this.rows * 16, SLOTS * columns * 16];
    const [F, G] = [at.F + b * this.rows * 16, at.G + b * columns * 16];
    for (let c = 0; c < columns; c += 8) {
      kernels.loadSeries(at.x + 8 * c, fIm, at.g + 8 * c, gIm, n, at.order, at.re, at.im);
      kernels.fft(at.re, at.im, at.twiddles, n);
      kernels.separate(at.re, at.im, n, F + c * 8, fIm, fNext, G + c * 8, gIm, gNext);
    }
    for (let r = columns; r < this.rows; r += 16) {
      kernels.loadSeries(at.x + 8 * r, fIm, at.x + 8 * (r + 8), fIm, n, at.order, at.re, at.im);
      kernels.fft(at.re, at.im, at.twiddles, n);
      kernels.separate(at.re, at.im, n, F + r * 8, fIm, fNext, F + (r + 8) * 8, fIm, fNext);
    }
  }

  /** Products of the spectra that wait, into the sums. */
  private multiply(): void {
    const { at, arena, rows, frequencies, layout, ends } = this;
    const { columns } = layout;
    if (ends.length === 0) return;
    arena.int32(at.ends, ends.length).set(ends);
    for (let k = 0; k < frequencies; k++)
      arena.kernels.cross(
        at.F + k * SLOTS * rows * 16,
        at.G + k * SLOTS * columns * 16,
        at.ends,
        ends.length,
        rows,
        columns,
        at.sums + k * rows * columns * 32,
      );
    this.ends = [];
  }

  /** The first and the last H − 1 values of each series; their products are added for several episodes at a time. */
  private addEdges({ actions }: EpisodeRows, n: number): void {
    const { h, edge, arena, at, layout } = this;
    const { columns, d, e } = layout;
    if (h < 2) return;
    const from = this.edges++ * edge * 8;
    const [head, tail] = [arena.float64(at.head + from, edge), arena.float64(at.tail + from, edge)];
    for (let j = 0; j < h - 1; j++)
      for (let c = 0; c < d; c++) {
        const [near, far] = [j * columns + c, (n + j) * columns + c];
        // w(0) of a relative dimension is never part of a chunk; 0 keeps the sums clean.
        head[near] = c < e ? (j > 0 ? actions[near]! - actions[near - columns]! : 0) : actions[near]!;
        tail[near] = c < e ? actions[far]! - actions[far - columns]! : actions[far]!;
      }
    if (this.edges === EDGES) this.multiplyEdges();
  }

  private multiplyEdges(): void {
    const { arena, at, edge, edges, layout } = this;
    if (edges > 0) arena.kernels.outer(at.head, at.tail, edges, edge, layout.columns, at.sums + this.spectraBytes);
    this.edges = 0;
  }

  /** Adds what waits, and brings all sums into their normal form. */
  private carry(): void {
    this.multiply();
    this.multiplyEdges();
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
    const piece = at.G - at.F;
    for (let from = 0; from < words.length; from += piece) {
      const part = words.subarray(from, from + piece);
      arena.bytes(at.F, part.length).set(part);
      arena.kernels.addIntegers(at.sums + from, at.F, part.length);
    }
    this.carry();
    this.frames += frames;
    this.chunks += chunks;
  }

  moments(): ChunkMoments {
    this.carry();
    const { h, frames, chunks, arena, at, layout } = this;
    const { d, e } = layout;
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
    const { rows, h, n, frequencies, layout } = this;
    const { d, columns } = layout;
    const out = new Float64Array(rows * d * h);
    const cosine = Float64Array.from({ length: n }, (_, i) => Math.cos((2 * Math.PI * i) / n));
    const sine = Float64Array.from({ length: n }, (_, i) => Math.sin((2 * Math.PI * i) / n));
    const used = [...Array(d).keys(), ...this.errorRow];
    for (const r of used)
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
    const { h, relative, edge, chunks, layout, errorRow } = this;
    const { d, e, columns, position } = layout;
    const size = d * h;
    const out = new Float64Array(size * size);
    const block = new Float64Array(h * h);
    for (let p = 0; p < d; p++)
      for (let q = 0; q <= p; q++) {
        const [cp, cq] = [position[p]!, position[q]!];
        // Sums over the pieces of which chunks are running sums: piece 0 of a relative dimension is its tracking error,
        // the others are increments.
        for (let k = 0; k < h; k++) {
          let upper = base[(cp * d + cq) * h + k]!;
          let lower = base[(cq * d + cp) * h + k]!;
          for (let j = 0; j + k < h; j++) {
            block[j * h + j + k] = upper;
            block[(j + k) * h + j] = lower;
            if (j + k + 1 < h) {
              upper += edges[(j * columns + cp) * edge + (j + k) * columns + cq]!;
              lower += edges[(j * columns + cq) * edge + (j + k) * columns + cp]!;
            }
          }
        }
        if (cp < e) for (let l = 0; l < h; l++) block[l] = base[(errorRow[cp]! * d + cq) * h + l]!;
        if (cq < e) for (let k = 0; k < h; k++) block[k * h] = base[(errorRow[cq]! * d + cp) * h + k]!;
        if (cp < e && cq < e) block[0] = errorSquares[Math.max(cp, cq) * e + Math.min(cp, cq)]!;
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
