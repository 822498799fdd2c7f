import { InputError, Random } from '../../base/index.ts';
import { KeyedPermutation } from './keyedPermutation.ts';

/** The frames at which an episode's training samples begin: `count` of them, every `stride`-th from `first`. */
export interface ChunkStarts {
  readonly first: number;
  readonly stride: number;
  readonly count: number;
}

/** What decides where an episode's samples begin. */
export interface ChunkRule {
  readonly horizon: number;
  /** Frames from one sample to the next: a multiple of `picturesEvery`. */
  readonly stride: number;
  /** Chunks begin in the rows 0, n, 2n … alone, which have pictures of their own; 1 when left out. */
  readonly picturesEvery?: number | undefined;
  /** Chunks begin up to the last frame; what reaches beyond it repeats the last action, as in the original. */
  readonly endPadding?: boolean | undefined;
}

/** Frames of an episode at which a chunk can begin: with padding all, else those with `horizon` actions ahead. */
export const chunkCount = (
  length: number,
  { horizon, endPadding }: Pick<ChunkRule, 'horizon' | 'endPadding'>,
): number => Math.max(0, endPadding ? length : length - horizon + 1);

/**
 * Frames at which the training samples of an episode begin: every `stride`-th of those at which a chunk can, from an
 * offset that depends on the seed.
 * An episode that is long enough gives at least one.
 */
export function chunkStarts(length: number, rule: ChunkRule, ...seed: (string | number)[]): ChunkStarts {
  const { stride, picturesEvery = 1 } = rule;
  const last = chunkCount(length, rule) - 1;
  if (last < 0) return { first: 0, stride, count: 0 };
  const offsets = Math.min(stride / picturesEvery, Math.floor(last / picturesEvery) + 1);
  const first = picturesEvery * Random.of(...seed).integer(offsets);
  return { first, stride, count: Math.floor((last - first) / stride) + 1 };
}

/**
 * The chunk [horizon, width] that begins at a row of actions [rows, width]: a view where it ends by `last`, else a copy
 * that repeats that row.
 */
export function chunkAt(
  actions: Float32Array,
  { row, last, horizon, width }: { row: number; last: number; horizon: number; width: number },
): Float32Array {
  const end = Math.min(row + horizon, last + 1);
  const found = actions.subarray(row * width, end * width);
  if (end === row + horizon) return found;
  const chunk = new Float32Array(horizon * width);
  chunk.set(found);
  for (let k = end - row; k < horizon; k++) chunk.set(actions.subarray(last * width, (last + 1) * width), k * width);
  return chunk;
}

export const framesOf = ({ first, stride, count }: ChunkStarts): Int32Array =>
  Int32Array.from({ length: count }, (_, i) => first + i * stride);

/** Samples that are drawn together: their number and their share of the draws. */
export interface SampleGroup {
  readonly count: number;
  readonly weight: number;
}

/** Up to so many samples in all, an epoch's order is a shuffled list (at most 32 MB); beyond, a keyed permutation. */
const LISTED = 2 ** 22;

/** What stands at a place of an epoch's order. */
type Order = (place: number) => number;

/**
 * Which samples a batch holds: a pure function of (seed, step), so that a resumed run sees the same batches.
 * Each group gets its share of every batch (rounded so that the shares hold over time) and goes through its own
 * samples in a new random order each epoch, each sample once per epoch. Nothing of the steps before is computed, and
 * the memory does not grow with the number of samples.
 */
export class Sampler {
  private readonly starts: number[] = [];
  private readonly shares: number[];
  private readonly main: number;
  private readonly isListed: boolean;
  private readonly orders = new Map<string, Order>();

  /** @param options.listed see `LISTED` */
  constructor(
    private readonly groups: readonly SampleGroup[],
    { listed = LISTED }: { readonly listed?: number } = {},
  ) {
    const total = groups.reduce((sum, group) => sum + group.weight, 0);
    if (!(total > 0) || groups.some((group) => group.count === 0 || !(group.weight >= 0)))
      throw new InputError('Sampler', 'every group needs samples and a weight, and the weights a positive sum.');
    this.shares = groups.map((group) => group.weight / total);
    this.main = this.shares.indexOf(Math.max(...this.shares));
    let at = 0;
    for (const group of groups) {
      this.starts.push(at);
      at += group.count;
    }
    this.isListed = at <= listed;
  }

  /** Draws from `group` in all steps before `step`. The group with the largest share takes what rounding leaves. */
  private drawn(group: number, step: number, size: number): number {
    if (group !== this.main) return Math.floor(step * size * this.shares[group]!);
    let rest = step * size;
    for (let g = 0; g < this.groups.length; g++) if (g !== this.main) rest -= this.drawn(g, step, size);
    return rest;
  }

  /** Numbers of the `size` samples of `step`. */
  indices(step: number, size: number, seed: number | string): Uint32Array {
    const out = new Uint32Array(size);
    let at = 0;
    for (let g = 0; g < this.groups.length; g++) {
      const { count } = this.groups[g]!;
      const end = this.drawn(g, step + 1, size);
      for (let k = this.drawn(g, step, size); k < end && at < size; k++) {
        const epoch = Math.floor(k / count);
        out[at++] = this.starts[g]! + this.order(seed, g, epoch)(k - epoch * count);
      }
    }
    return out;
  }

  private order(seed: number | string, group: number, epoch: number): Order {
    const key = `${seed} ${group} ${epoch}`;
    let order = this.orders.get(key);
    if (!order) {
      // Two epochs per group are in use at most: the one that ends and the one that begins inside a batch.
      while (this.orders.size >= 2 * this.groups.length) this.orders.delete(this.orders.keys().next().value!);
      const { count } = this.groups[group]!;
      const named = [seed, 'epoch', group, epoch] as const;
      order = this.isListed ? shuffledList(count, named) : permutation(count, named);
      this.orders.set(key, order);
    }
    return order;
  }
}

function shuffledList(count: number, seed: readonly (string | number)[]): Order {
  const random = Random.of(...seed);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    const value = order[i]!;
    order[i] = order[j]!;
    order[j] = value;
  }
  return (place) => order[place]!;
}

function permutation(count: number, seed: readonly (string | number)[]): Order {
  const keyed = new KeyedPermutation(count, ...seed);
  return (place) => keyed.at(place);
}
