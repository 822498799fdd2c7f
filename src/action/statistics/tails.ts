import { Arena } from './kernels.ts';
import { type ChunkShape, type EpisodeRows, RowLayout } from './shape.ts';

/** Frames whose columns are gone through together. */
const GROUP = 16384;
/** Stretches of episodes among them. */
const STRETCHES = 64;
/** Integers per tail: beyond the outer bound, beyond or on it, beyond or on the inner one. */
export const COUNTS = 3;

/**
 * Bounds [D·H + D, 4] as float32: outer and inner bound of the low tail, of the high tail; those of each step
 * (dimension by dimension), then those of all rows.
 */
export type TailBounds = Float32Array<ArrayBuffer>;

/**
 * What lies in the tails: counts [D·H + D, 2, 3], how many numbers lie strictly between the bounds [D·H + D, 2], and
 * those numbers one after the other.
 */
export interface Tails {
  readonly counts: Float64Array<ArrayBuffer>;
  readonly sizes: Uint32Array<ArrayBuffer>;
  readonly values: Float32Array<ArrayBuffer>;
}

/** Numbers between the bounds, and counts of those beyond, over all chunks of the episodes. */
export function findTails(episodes: readonly EpisodeRows[], shape: ChunkShape, bounds: TailBounds): Tails {
  return new TailFinder(shape, bounds).find(episodes);
}

class TailFinder {
  private readonly layout: RowLayout;
  private readonly h: number;
  private readonly tails: number;
  private readonly arena: Arena;
  private readonly at: { a: number; s: number; bounds: number; counts: number; pointers: number; out: number };
  private readonly outs: Float32Array[][];
  /** Bytes for what one tail may hold, and numbers in one column. */
  private readonly room: number;
  private readonly stride: number;

  constructor(shape: ChunkShape, bounds: TailBounds) {
    this.layout = new RowLayout(shape);
    const { d, columns } = this.layout;
    const h = shape.horizon;
    this.h = h;
    this.tails = 2 * (d * h + d);
    this.room = 4 * (GROUP + 8);
    this.stride = GROUP + STRETCHES * (h + 4);
    this.arena = new Arena([
      columns * 4 * this.stride,
      columns * 4 * this.stride,
      bounds.byteLength,
      this.tails * COUNTS * 16,
      8 * (h + 1),
      this.room * 4 * h,
    ]);
    const [a, s, b, counts, pointers, out] = this.arena.offsets as [number, number, number, number, number, number];
    this.at = { a, s, bounds: b, counts, pointers, out };
    this.arena.float32(b, bounds.length).set(bounds);
    this.outs = Array.from({ length: this.tails }, () => []);
  }

  find(episodes: readonly EpisodeRows[]): Tails {
    let group: { episode: EpisodeRows; from: number; count: number }[] = [];
    let used = 0;
    for (const episode of episodes) {
      const n = episode.length - this.h + 1;
      for (let from = 0; from < n; ) {
        const count = Math.min(n - from, GROUP - used);
        group.push({ episode, from, count });
        from += count;
        used += count;
        if (used === GROUP || group.length === STRETCHES) {
          this.go(group);
          [group, used] = [[], 0];
        }
      }
    }
    this.go(group);
    return this.result();
  }

  /** All dimensions of some stretches of chunks. */
  private go(group: readonly { episode: EpisodeRows; from: number; count: number }[]): void {
    const { layout, h, arena, at, room, stride } = this;
    const { d, position } = layout;
    const places: { a: number; s: number; count: number }[] = [];
    let [a, s] = [0, 0];
    for (const { episode, from, count } of group) {
      this.turn(episode, from, count, a, s);
      places.push({ a, s, count });
      a += count + h - 1;
      s += count + 3;
    }
    const pointers = arena.int32(at.pointers, 2 * (h + 1));
    for (let dim = 0; dim < d; dim++) {
      // Each step's two tails have room for all of the group; the rows' tails for those of all steps.
      for (let k = 0; k < 2 * h; k++) pointers[k] = at.out + k * room;
      for (let side = 0; side < 2; side++) pointers[2 * h + side] = at.out + (2 + side) * h * room;
      const first = [...pointers];
      const column = position[dim]! * stride * 4;
      const [own, rows] = [dim * h, d * h + dim];
      for (const { a, s, count } of places)
        arena.kernels.tails(
          at.a + column + 4 * a,
          at.s + column + 4 * s,
          count,
          h,
          at.bounds + own * 16,
          at.bounds + rows * 16,
          at.counts + own * 96,
          at.counts + rows * 96,
          at.pointers,
          at.pointers + 8 * h,
        );
      for (let k = 0; k < 2 * (h + 1); k++) {
        const size = (pointers[k]! - first[k]!) / 4;
        const tail = k < 2 * h ? 2 * own + k : 2 * rows + k - 2 * h;
        if (size > 0) this.outs[tail]!.push(arena.float32(first[k]!, size).slice());
      }
    }
  }

  /** Puts a stretch's rows into columns; three NaNs after the states are in no tail. */
  private turn({ actions, states }: EpisodeRows, from: number, count: number, a: number, s: number) {
    const { layout, h, arena, at, stride } = this;
    const { d, e, columns } = layout;
    const A = arena.float32(at.a, columns * stride);
    const S = arena.float32(at.s, columns * stride);
    const rows = count + h - 1;
    for (let first = 0; first < rows; first += 64) {
      const end = Math.min(rows, first + 64);
      for (let c = 0; c < d; c++)
        for (let i = first, source = (from + i) * columns + c, to = c * stride + a + i; i < end; i++, source += columns)
          A[to++] = actions[source]!;
    }
    for (let first = 0; first < count; first += 64) {
      const end = Math.min(count, first + 64);
      for (let c = 0; c < e; c++)
        for (let i = first, source = (from + i) * columns + c, to = c * stride + s + i; i < end; i++, source += columns)
          S[to++] = states[source]!;
    }
    for (let c = 0; c < d; c++) {
      const to = c * stride + s;
      if (c >= e) S.fill(0, to, to + count);
      S.fill(Number.NaN, to + count, to + count + 3);
    }
  }

  private result(): Tails {
    const { arena, at, tails, outs } = this;
    const lanes = new Uint32Array(arena.buffer, at.counts, tails * COUNTS * 4);
    const counts = Float64Array.from(
      { length: tails * COUNTS },
      (_, i) => lanes[4 * i]! + lanes[4 * i + 1]! + lanes[4 * i + 2]! + lanes[4 * i + 3]!,
    );
    const sizes = Uint32Array.from(outs, (parts) => parts.reduce((sum, part) => sum + part.length, 0));
    const values = new Float32Array(sizes.reduce((a, b) => a + b, 0));
    let to = 0;
    for (const parts of outs)
      for (const part of parts) {
        values.set(part, to);
        to += part.length;
      }
    return { counts, sizes, values };
  }
}
