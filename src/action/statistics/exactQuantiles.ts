import { ValetError } from '../../base/index.ts';
import { between, type ChunkQuantiles, emptyQuantiles, quantileRanks } from './quantileTables.ts';
import { select } from './select.ts';
import { type ChunkShape, type EpisodeRows, RowLayout } from './shape.ts';
import { COUNTS, findTails, type TailBounds, type Tails } from './tails.ts';

/** Most chunks in the sample from which bounds are taken. */
const SAMPLE = 16384;

/** Where the frames are: here, or spread over workers. */
export interface FrameSource {
  /** [D·H, m] numbers of every `stride`-th chunk. */
  sample(stride: number): Promise<Float32Array> | Float32Array;
  tails(bounds: TailBounds): Promise<Tails> | Tails;
}

/** Every `stride`-th chunk's numbers [D·H, m], dimension by dimension. */
export function sampleChunks(
  episodes: readonly EpisodeRows[],
  shape: ChunkShape,
  stride: number,
): Float32Array<ArrayBuffer> {
  const { d, e, columns, order } = new RowLayout(shape);
  const h = shape.horizon;
  const chunks = episodes.map(({ length }) => Math.max(0, length - h + 1));
  const total = chunks.reduce((a, b) => a + b, 0);
  const m = Math.ceil(total / stride);
  const out = new Float32Array(d * h * m);
  // Some chunks at a time, so that they stay in the cache while each number of them passes.
  let some: { actions: Float32Array; states: Float32Array; at: number }[] = [];
  let first = 0;
  const put = () => {
    for (let c = 0; c < d; c++)
      for (let t = 0; t < h; t++) {
        let to = (order[c]! * h + t) * m + first;
        for (const { actions, states, at } of some)
          out[to++] = actions[at + t * columns + c]! - (c < e ? states[at + c]! : 0);
      }
    first += some.length;
    some = [];
  };
  let next = 0;
  episodes.forEach(({ actions, states }, number) => {
    for (; next < chunks[number]!; next += stride) {
      some.push({ actions, states, at: next * columns });
      if (some.length === 16) put();
    }
    next -= chunks[number]!;
  });
  put();
  return out;
}

/**
 * The true order statistics: bounds around each wanted rank are taken from a sample, then all chunks are gone through
 * once for what lies between them. Which chunks the sample holds has no influence on the result: where a rank is not
 * between its bounds, they are widened.
 */
export async function exactQuantiles(
  sources: readonly FrameSource[],
  shape: ChunkShape,
  chunks: number,
): Promise<ChunkQuantiles> {
  const search = new TailSearch(shape, chunks);
  search.sampled(await Promise.all(sources.map((source) => source.sample(search.stride))));
  for (let bounds = search.bounds(); bounds; bounds = search.bounds()) {
    const wanted = bounds;
    search.found(await Promise.all(sources.map((source) => source.tails(wanted))));
  }
  return search.quantiles();
}

/** The steps of `exactQuantiles`, for frames that are all here. */
export function exactQuantilesHere(
  episodes: readonly EpisodeRows[],
  shape: ChunkShape,
  chunks: number,
): ChunkQuantiles {
  const search = new TailSearch(shape, chunks);
  search.sampled([sampleChunks(episodes, shape, search.stride)]);
  for (let bounds = search.bounds(); bounds; bounds = search.bounds())
    search.found([findTails(episodes, shape, bounds)]);
  return search.quantiles();
}

class TailSearch {
  /** Every how many chunks one is sampled. */
  readonly stride: number;
  private readonly d: number;
  private readonly h: number;
  private readonly step: ReturnType<typeof quantileRanks>;
  private readonly rows: ReturnType<typeof quantileRanks>;
  /** Samples of each step, then of all rows; [D·H + D]. */
  private samples: Float32Array[] = [];
  /** Numbers at the two ranks of each tail, from its end inwards; undefined where not yet known. */
  private readonly known: ([number, number] | undefined)[];
  private asked: TailBounds | undefined;
  private round = 0;

  constructor(
    shape: ChunkShape,
    private readonly chunks: number,
  ) {
    this.d = shape.relative.length;
    this.h = shape.horizon;
    this.step = quantileRanks(chunks);
    this.rows = quantileRanks(chunks * this.h);
    this.known = Array.from({ length: 2 * this.d * (this.h + 1) });
    const size = Math.min(SAMPLE, Math.max(1024, Math.round(3 * chunks ** (2 / 3))));
    this.stride = Math.max(1, Math.floor(chunks / size));
  }

  sampled(parts: readonly Float32Array[]): void {
    const { d, h } = this;
    const sizes = parts.map((part) => part.length / (d * h));
    const size = sizes.reduce((a, b) => a + b, 0);
    for (let key = 0; key < d * h; key++) {
      const sample = new Float32Array(size);
      let to = 0;
      parts.forEach((part, p) => {
        sample.set(part.subarray(key * sizes[p]!, (key + 1) * sizes[p]!), to);
        to += sizes[p]!;
      });
      this.samples.push(sample);
    }
    for (let dim = 0; dim < d; dim++) {
      // Of every step other chunks.
      const every = Math.ceil((h * size) / SAMPLE);
      const rows = new Float32Array(h * Math.ceil(size / every));
      let to = 0;
      for (let t = 0; t < h; t++) {
        const sample = this.samples[dim * h + t]!;
        for (let i = t % every; i < size; i += every) rows[to++] = sample[i]!;
      }
      this.samples.push(rows.subarray(0, to));
    }
  }

  /** Ranks of one tail from its end inwards. */
  private ranks(key: number, side: number): readonly [number, number] {
    const whole = key >= this.d * this.h;
    const n = whole ? this.chunks * this.h : this.chunks;
    const { ranks } = whole ? this.rows : this.step;
    return side === 0 ? [ranks[0]!, ranks[1]!] : [n - 1 - ranks[3]!, n - 1 - ranks[2]!];
  }

  /** Where to look next; undefined when all is known. */
  bounds(): TailBounds | undefined {
    const { d, h, known, samples } = this;
    if (known.every((pair) => pair !== undefined)) return undefined;
    const out = new Float32Array(4 * d * (h + 1));
    // Four standard deviations of a rank in the sample, and four times as many in each later round.
    const deviations = 4 ** ++this.round;
    for (let key = 0; key < d * (h + 1); key++) {
      const sample = samples[key]!;
      const n = sample.length;
      const spread = deviations * Math.sqrt(0.01 * 0.99 * n) + 2;
      for (let side = 0; side < 2; side++) {
        const end = side === 0 ? -Infinity : Infinity;
        const to = 4 * key + 2 * side;
        if (known[2 * key + side]) {
          out.fill(end, to, to + 2);
          continue;
        }
        const [outer, inner] = [Math.floor(0.01 * n - spread), Math.ceil(0.01 * n + spread)];
        // The outer bound is looked for among what lies beyond the inner one.
        const [inside, outside] = side === 0 ? [inner, outer] : [n - 1 - inner, n - 1 - outer];
        out[to + 1] = inner < n ? select(sample, inside, 0, n - 1) : -end;
        const beyond = inner < n ? inside : side === 0 ? n - 1 : 0;
        if (outer < 0) out[to] = end;
        else out[to] = side === 0 ? select(sample, outside, 0, beyond) : select(sample, outside, beyond, n - 1);
      }
    }
    this.asked = out;
    return out;
  }

  found(parts: readonly Tails[]): void {
    const { known, asked } = this;
    const offsets = parts.map(() => 0);
    for (let tail = 0; tail < known.length; tail++) {
      const size = parts.reduce((sum, { sizes }) => sum + sizes[tail]!, 0);
      const values = new Float32Array(size);
      let to = 0;
      parts.forEach(({ sizes, values: from }, p) => {
        values.set(from.subarray(offsets[p]!, offsets[p]! + sizes[tail]!), to);
        to += sizes[tail]!;
        offsets[p]! += sizes[tail]!;
      });
      if (known[tail]) continue;
      const [beyond, outer, inner] = [0, 1, 2].map((k) =>
        parts.reduce((sum, { counts }) => sum + counts[COUNTS * tail + k]!, 0),
      ) as [number, number, number];
      const low = (tail & 1) === 0;
      let before = -1;
      const numbers = this.ranks(tail >> 1, tail & 1).map((rank) => {
        if (rank < beyond) return undefined;
        if (rank < outer) return asked![2 * tail]!;
        if (rank >= outer + size) return rank < inner ? asked![2 * tail + 1]! : undefined;
        // The second rank is the first's neighbour: it is looked for on that side of it only.
        const k = low ? rank - outer : size - 1 - rank + outer;
        const value = select(values, k, low ? before + 1 : 0, low || before < 0 ? size - 1 : before - 1);
        before = k;
        return value;
      });
      if (numbers.every((x) => x !== undefined)) known[tail] = numbers as [number, number];
    }
    if (this.round > 12) throw new ValetError('quantiles', 'ranks were not found. This is a mistake in Valet.');
  }

  quantiles(): ChunkQuantiles {
    const { d, h, known } = this;
    const out = emptyQuantiles(d, h);
    const at = (key: number, parts: readonly [number, number]) => {
      const [low, high] = [known[2 * key]!, known[2 * key + 1]!];
      return between([low[0], low[1], high[1], high[0]], parts);
    };
    for (let dim = 0; dim < d; dim++) {
      for (let t = 0; t < h; t++) [out.q01[t * d + dim], out.q99[t * d + dim]] = at(dim * h + t, this.step.parts);
      [out.rowsQ01[dim], out.rowsQ99[dim]] = at(d * h + dim, this.rows.parts);
    }
    return out;
  }
}
