import { ValetError } from '../../base/index.ts';
import { Arena } from './kernels.ts';
import type { ChunkShape, EpisodeColumns } from './shape.ts';

const BUCKETS = 65536;
/** Chunks counted at a time. */
const PIECE = 16384;
/** Prefixes looked for at once: four of the step's own chunks, four of the rows of all steps. */
const TARGETS = 8;

/** Counts of a `QuantileTables` that are not 0, as [index, count] pairs. */
export type CountState = Uint32Array<ArrayBuffer>;

/**
 * How often each step and dimension of delta chunks has which upper 16 bits as a float32 (sign, exponent, 7 bits of mantissa). Adding counts has no order. A
 * bucket is 2⁻⁷ of its value wide, which bounds the error of a quantile read from here; with the columns at hand `refine` narrows it to the very number.
 */
export class QuantileTables {
  private readonly d: number;
  private readonly h: number;
  private readonly scratch: PieceScratch;
  private readonly tablesAt: number;

  constructor(private readonly shape: ChunkShape) {
    this.d = shape.relative.length;
    this.h = shape.horizon;
    this.scratch = new PieceScratch(shape.horizon, this.d * this.h * BUCKETS * 4);
    this.tablesAt = this.scratch.extra;
  }

  add(episode: EpisodeColumns): void {
    const { h, scratch, tablesAt } = this;
    const { kernels } = scratch.arena;
    const n = episode.length - h + 1;
    for (let dim = 0; dim < this.d; dim++)
      for (let from = 0; from < n; from += PIECE) {
        const count = Math.min(PIECE, n - from);
        scratch.fill(episode, dim, this.shape.relative[dim]!, from, count);
        let t = 0;
        for (; t + 4 <= h; t += 4)
          kernels.count4(scratch.a + 4 * t, scratch.s, count, tablesAt + (dim * h + t) * BUCKETS * 4);
        for (; t < h; t++) kernels.count1(scratch.a + 4 * t, scratch.s, count, tablesAt + (dim * h + t) * BUCKETS * 4);
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

/** Room for one piece of an action and a state column, and for what `gather` finds. */
class PieceScratch {
  readonly arena: Arena;
  readonly a: number;
  readonly s: number;
  readonly targets: number;
  readonly out: number;
  readonly extra: number;

  constructor(
    private readonly horizon: number,
    extra: number,
  ) {
    this.arena = new Arena([4 * (PIECE + horizon + 4), 4 * (PIECE + 4), 4 * TARGETS, 4 * (PIECE + 8), extra]);
    [this.a, this.s, this.targets, this.out, this.extra] = this.arena.offsets as [
      number,
      number,
      number,
      number,
      number,
    ];
  }

  /** Puts the actions and states (0 where absolute) of `count` chunks from chunk `from` into place. */
  fill({ length, actions, states }: EpisodeColumns, dim: number, relative: boolean, from: number, count: number): void {
    const at = dim * length + from;
    this.arena.float32(this.a, count + this.horizon - 1).set(actions.subarray(at, at + count + this.horizon - 1));
    const s = this.arena.float32(this.s, count);
    if (relative) s.set(states.subarray(at, at + count));
    else s.fill(0);
  }
}

/** What a `QuantileSearch` asks of the columns: prefixes [D, H, 8] of float32 bits (bits >>> shift). */
export interface RefineRequest {
  readonly targets: Uint32Array<ArrayBuffer>;
  readonly shift: number;
}

/** Counts of the next eight bits below each wanted prefix: [D·H·4 + D·4, 256]; first those of each step, then those of all rows. */
export function refine(
  episodes: Iterable<EpisodeColumns>,
  shape: ChunkShape,
  { targets, shift }: RefineRequest,
): Uint32Array<ArrayBuffer> {
  const d = shape.relative.length;
  const h = shape.horizon;
  const out = new Uint32Array((d * h * 4 + d * 4) * 256);
  const scratch = new PieceScratch(h, 0);
  const { kernels, buffer } = scratch.arena;
  const wanted = new Uint32Array(buffer, scratch.targets, TARGETS);
  for (const episode of episodes) {
    const n = episode.length - h + 1;
    for (let dim = 0; dim < d; dim++)
      for (let from = 0; from < n; from += PIECE) {
        const count = Math.min(PIECE, n - from);
        scratch.fill(episode, dim, shape.relative[dim]!, from, count);
        const whole = count & ~3;
        for (let t = 0; t < h; t++) {
          const step = dim * h + t;
          wanted.set(targets.subarray(step * TARGETS, (step + 1) * TARGETS));
          let found = kernels.gather(scratch.a + 4 * t, scratch.s, whole, scratch.targets, shift, scratch.out);
          const bits = new Uint32Array(buffer, scratch.out, whole + 4);
          const a = scratch.arena.float32(scratch.a + 4 * t, count);
          const s = scratch.arena.float32(scratch.s, count);
          for (let i = whole; i < count; i++) {
            number[0] = a[i]! - s[i]!;
            bits[found++] = numberBits[0]!;
          }
          for (let k = 0; k < TARGETS; k++) {
            const target = wanted[k]!;
            const table = 256 * (k < 4 ? step * 4 + k : d * h * 4 + dim * 4 + k - 4);
            // Several wanted ranks often lie in one bucket: it is counted once and copied.
            if (k % 4 > 0 && target === wanted[k - 1]) continue;
            for (let i = 0; i < found; i++)
              if (bits[i]! >>> shift === target) out[table + ((bits[i]! >>> (shift - 8)) & 255)]!++;
          }
        }
      }
  }
  for (let step = 0; step < d * h; step++)
    for (const [first, table] of [
      [0, step * 4],
      [4, d * h * 4 + Math.floor(step / h) * 4],
    ] as const)
      for (let k = 1; k < 4; k++)
        if (targets[step * TARGETS + first + k] === targets[step * TARGETS + first + k - 1])
          out.copyWithin((table + k) * 256, (table + k - 1) * 256, (table + k) * 256);
  return out;
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

/** Finds quantiles (linear between ranks, at (n − 1)·p as in numpy): 16 bits from counts, then two times eight from `refine`. */
export class QuantileSearch {
  private readonly d: number;
  private readonly h: number;
  /** [D·H + D][4]: each step's, then the rows'. */
  private readonly wanted: Wanted[][];
  private readonly parts: { step: readonly [number, number]; rows: readonly [number, number] };
  private bits = 16;

  constructor(tables: QuantileTables, shape: ChunkShape, chunks: number) {
    this.d = shape.relative.length;
    this.h = shape.horizon;
    const step = quantileRanks(chunks);
    const rows = quantileRanks(chunks * this.h);
    this.parts = { step: step.parts, rows: rows.parts };
    const own: Wanted[][] = [];
    const ofRows: Wanted[][] = [];
    const sum = new Float64Array(BUCKETS);
    const filled = new Filled();
    for (let dim = 0; dim < this.d; dim++) {
      sum.fill(0);
      for (let t = 0; t < this.h; t++) {
        const table = tables.table(dim, t);
        filled.find(new Float64Array(table.buffer, table.byteOffset, BUCKETS / 2), table);
        own.push(filled.locate(step.ranks));
        filled.addTo(sum);
      }
      filled.find(undefined, sum);
      ofRows.push(filled.locate(rows.ranks));
    }
    this.wanted = [...own, ...ofRows];
  }

  /** What to look for in the columns next; undefined when every bit is known. */
  request(): RefineRequest | undefined {
    if (this.bits === 32) return undefined;
    const { d, h, wanted } = this;
    const targets = new Uint32Array(d * h * TARGETS);
    for (let step = 0; step < d * h; step++)
      for (let k = 0; k < 4; k++) {
        targets[step * TARGETS + k] = wanted[step]![k]!.prefix;
        targets[step * TARGETS + 4 + k] = wanted[d * h + Math.floor(step / h)]![k]!.prefix;
      }
    return { targets, shift: 32 - this.bits };
  }

  /** @param found the answers of `refine` for all episodes, added up */
  narrow(found: Uint32Array): void {
    this.wanted.forEach((group, g) => {
      group.forEach((wanted, k) => {
        const negative = wanted.prefix >>> (this.bits - 1) === 1;
        const table = found.subarray((g * 4 + k) * 256, (g * 4 + k + 1) * 256);
        group[k] = locate(table, wanted.prefix, wanted.rank, negative);
      });
    });
    this.bits += 8;
  }

  quantiles(): ChunkQuantiles {
    const { d, h, wanted, parts } = this;
    const at = (group: Wanted[], [low, high]: readonly [number, number]): [number, number] => {
      const [a, b, c, e] = group.map((w) => this.value(w)) as [number, number, number, number];
      return [a + (b - a) * low, c + (e - c) * high];
    };
    const out: ChunkQuantiles = {
      q01: new Float64Array(h * d),
      q99: new Float64Array(h * d),
      rowsQ01: new Float64Array(d),
      rowsQ99: new Float64Array(d),
    };
    for (let dim = 0; dim < d; dim++) {
      for (let t = 0; t < h; t++)
        [out.q01[t * d + dim], out.q99[t * d + dim]] = at(wanted[dim * h + t]!, parts.step) as [number, number];
      [out.rowsQ01[dim], out.rowsQ99[dim]] = at(wanted[d * h + dim]!, parts.rows) as [number, number];
    }
    return out;
  }

  private value({ prefix, rank, count }: Wanted): number {
    if (this.bits === 32) return float(prefix);
    // Numbers are taken as spread evenly over the bucket, from its end nearest to zero.
    const [near, far] = [float(prefix << 16), float(((prefix << 16) | 0xffff) >>> 0)];
    const part = (rank + 0.5) / count;
    return near + (far - near) * (prefix >>> 15 === 1 ? 1 - part : part);
  }
}

/** The ranks around the quantiles 0.01 and 0.99 of n numbers, and how far between them they lie. */
function quantileRanks(n: number): { readonly ranks: readonly number[]; readonly parts: readonly [number, number] } {
  const at = [0.01, 0.99].map((p) => (n - 1) * p) as [number, number];
  return {
    ranks: at.flatMap((x) => [Math.floor(x), Math.min(Math.floor(x) + 1, n - 1)]),
    parts: [at[0] - Math.floor(at[0]), at[1] - Math.floor(at[1])],
  };
}

/** The buckets of one table that hold anything, from the lowest number to the highest: prefixes from 0xffff down to 0x8000 are negative, then come 0 to 0x7fff. */
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

/** Where `rank` lies among 256 counts of the bits below `prefix`, whose sign says in which order they run. */
function locate(counts: Uint32Array, prefix: number, rank: number, negative: boolean): Wanted {
  let before = 0;
  for (let i = 0; i < 256; i++) {
    const low = negative ? 255 - i : i;
    const count = counts[low]!;
    if (before + count > rank) return { prefix: prefix * 256 + low, rank: rank - before, count };
    before += count;
  }
  throw new ValetError('quantiles', `no number of rank ${rank} among ${before}.`);
}
