import { Arena } from './kernels.ts';
import { type ChunkShape, type EpisodeRows, RowLayout } from './shape.ts';

const BUCKETS = 65536;
/** Chunks counted at a time. */
const PIECE = 16384;

/** Counts of a `QuantileTables` that are not 0, as [index, count] pairs. */
export type CountState = Uint32Array<ArrayBuffer>;

/**
 * How often each step and dimension of delta chunks has which upper 16 bits as a float32 (sign, exponent, 7 bits of
 * mantissa). Adding counts has no order. A bucket is 2⁻⁷ of its value wide, which bounds the error of a quantile read
 * from here; with the frames at hand `exactQuantiles` finds the very number.
 */
export class QuantileTables {
  private readonly d: number;
  private readonly h: number;
  private readonly scratch: PieceScratch;
  private readonly layout: RowLayout;
  private readonly tablesAt: number;

  constructor(shape: ChunkShape) {
    this.layout = new RowLayout(shape);
    this.d = shape.relative.length;
    this.h = shape.horizon;
    this.scratch = new PieceScratch(shape.horizon, this.d * this.h * BUCKETS * 4);
    this.tablesAt = this.scratch.extra;
  }

  add(episode: EpisodeRows): void {
    const { h, scratch, tablesAt } = this;
    const { kernels } = scratch.arena;
    const n = episode.length - h + 1;
    for (let dim = 0; dim < this.d; dim++)
      for (let from = 0; from < n; from += PIECE) {
        const count = Math.min(PIECE, n - from);
        scratch.fill(episode, this.layout, dim, from, count);
        let t = 0;
        for (; t + 4 <= h; t += 4)
          kernels.countFour(scratch.a + 4 * t, scratch.s, count, tablesAt + (dim * h + t) * BUCKETS * 4);
        for (; t < h; t++)
          kernels.countOne(scratch.a + 4 * t, scratch.s, count, tablesAt + (dim * h + t) * BUCKETS * 4);
      }
  }

  /** Counts of step t and dimension `dim` by the upper 16 bits of the float32. */
  table(dim: number, t: number): Uint32Array {
    return new Uint32Array(this.scratch.arena.buffer, this.tablesAt + (dim * this.h + t) * BUCKETS * 4, BUCKETS);
  }

  private all(): Uint32Array {
    return new Uint32Array(this.scratch.arena.buffer, this.tablesAt, this.d * this.h * BUCKETS);
  }

  state(): CountState {
    const all = this.all();
    const pairs = new Float64Array(all.buffer, all.byteOffset, all.length / 2);
    let out = new Uint32Array(1 << 16);
    let at = 0;
    for (let pair = 0; pair < pairs.length; pair++) {
      if (pairs[pair] === 0) continue; // two counters at once; most have never been touched
      if (at + 4 > out.length) {
        const larger = new Uint32Array(2 * out.length);
        larger.set(out);
        out = larger;
      }
      for (let i = 2 * pair; i < 2 * pair + 2; i++)
        if (all[i] !== 0) {
          out[at++] = i;
          out[at++] = all[i]!;
        }
    }
    return out.slice(0, at);
  }

  merge(state: CountState): void {
    const all = this.all();
    for (let i = 0; i < state.length; i += 2) all[state[i]!]! += state[i + 1]!;
  }
}

/** Room for one piece of an action and a state column. */
class PieceScratch {
  readonly arena: Arena;
  readonly a: number;
  readonly s: number;
  readonly extra: number;

  constructor(
    private readonly horizon: number,
    extra: number,
  ) {
    this.arena = new Arena([4 * (PIECE + horizon + 4), 4 * (PIECE + 4), extra]);
    [this.a, this.s, this.extra] = this.arena.offsets as [number, number, number];
  }

  /** Puts the actions and states (0 where absolute) of `count` chunks from chunk `from` into place. */
  fill({ actions, states }: EpisodeRows, layout: RowLayout, dim: number, from: number, count: number): void {
    const { columns, e, position } = layout;
    const column = position[dim]!;
    const a = this.arena.float32(this.a, count + this.horizon - 1);
    for (let i = 0, at = from * columns + column; i < a.length; i++, at += columns) a[i] = actions[at]!;
    const s = this.arena.float32(this.s, count);
    if (column >= e) s.fill(0);
    else for (let i = 0, at = from * columns + column; i < count; i++, at += columns) s[i] = states[at]!;
  }
}

const number = new Float32Array(1);
const numberBits = new Uint32Array(number.buffer);

/** The float32 with these bits. */
function float(bits: number): number {
  numberBits[0] = bits;
  return number[0]!;
}

/** A rank being looked for: the prefix of bits known so far, how many numbers lie in it, and the rank among those. */
interface Wanted {
  prefix: number;
  rank: number;
  count: number;
}

/** The two quantiles of every step's chunks, and of the rows of all steps together. */
export interface ChunkQuantiles {
  /** [H·D] */
  readonly q01: Float64Array;
  readonly q99: Float64Array;
  /** [D] */
  readonly rowsQ01: Float64Array;
  readonly rowsQ99: Float64Array;
}

/** Quantiles (linear between ranks, at (n − 1)·p as in numpy) as near as counts tell. */
export function countedQuantiles(tables: QuantileTables, shape: ChunkShape, chunks: number): ChunkQuantiles {
  const d = shape.relative.length;
  const h = shape.horizon;
  const step = quantileRanks(chunks);
  const rows = quantileRanks(chunks * h);
  const out = emptyQuantiles(d, h);
  const sum = new Float64Array(BUCKETS);
  const filled = new Filled();
  for (let dim = 0; dim < d; dim++) {
    sum.fill(0);
    for (let t = 0; t < h; t++) {
      const table = tables.table(dim, t);
      filled.find(new Float64Array(table.buffer, table.byteOffset, BUCKETS / 2), table);
      [out.q01[t * d + dim], out.q99[t * d + dim]] = between(filled.locate(step.ranks).map(value), step.parts);
      filled.addTo(sum);
    }
    filled.find(undefined, sum);
    [out.rowsQ01[dim], out.rowsQ99[dim]] = between(filled.locate(rows.ranks).map(value), rows.parts);
  }
  return out;
}

export function emptyQuantiles(d: number, h: number): ChunkQuantiles {
  return {
    q01: new Float64Array(h * d),
    q99: new Float64Array(h * d),
    rowsQ01: new Float64Array(d),
    rowsQ99: new Float64Array(d),
  };
}

/** The two quantiles from the numbers at the four ranks around them; never −0. */
export function between(numbers: readonly number[], [low, high]: readonly [number, number]): [number, number] {
  const [a, b, c, e] = numbers as [number, number, number, number];
  return [a + (b - a) * low + 0, c + (e - c) * high + 0];
}

/** Numbers are taken as spread evenly over the bucket, from its end nearest to zero. */
function value({ prefix, rank, count }: Wanted): number {
  const [near, far] = [float(prefix << 16), float(((prefix << 16) | 0xffff) >>> 0)];
  const part = (rank + 0.5) / count;
  return near + (far - near) * (prefix >>> 15 === 1 ? 1 - part : part);
}

/** The ranks around the quantiles 0.01 and 0.99 of n numbers, and how far between them they lie. */
export function quantileRanks(n: number): {
  readonly ranks: readonly number[];
  readonly parts: readonly [number, number];
} {
  const at = [0.01, 0.99].map((p) => (n - 1) * p) as [number, number];
  return {
    ranks: at.flatMap((x) => [Math.floor(x), Math.min(Math.floor(x) + 1, n - 1)]),
    parts: [at[0] - Math.floor(at[0]), at[1] - Math.floor(at[1])],
  };
}

/**
 * The buckets of one table that hold anything, from the lowest number to the highest: prefixes from 0xffff down to
 * 0x8000 are negative, then come 0 to 0x7fff.
 */
class Filled {
  private readonly prefixes = new Uint16Array(BUCKETS);
  private readonly counts = new Float64Array(BUCKETS);
  private size = 0;

  /** @param pairs the same counters as pairs, of which two are 0 where a float64 is */
  find(pairs: Float64Array | undefined, table: Uint32Array | Float64Array): void {
    this.size = 0;
    const half = BUCKETS / 2;
    for (let i = BUCKETS - 2; i >= half; i -= 2)
      if (pairs?.[i >> 1] !== 0) {
        this.put(i + 1, table[i + 1]!);
        this.put(i, table[i]!);
      }
    for (let i = 0; i < half; i += 2)
      if (pairs?.[i >> 1] !== 0) {
        this.put(i, table[i]!);
        this.put(i + 1, table[i + 1]!);
      }
  }

  private put(prefix: number, count: number): void {
    if (count === 0) return;
    this.prefixes[this.size] = prefix;
    this.counts[this.size++] = count;
  }

  addTo(sum: Float64Array): void {
    for (let i = 0; i < this.size; i++) sum[this.prefixes[i]!]! += this.counts[i]!;
  }

  /** @param ranks rising, each below the sum of the counts */
  locate(ranks: readonly number[]): Wanted[] {
    let [i, before] = [0, 0];
    return ranks.map((rank) => {
      while (before + this.counts[i]! <= rank) before += this.counts[i++]!;
      return { prefix: this.prefixes[i]!, rank: rank - before, count: this.counts[i]! };
    });
  }
}
