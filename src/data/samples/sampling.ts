import { InputError, Random } from '../../base/index.ts';

/**
 * Frames at which the training samples of an episode begin: every `stride`-th of [0, length - horizon], from an
 * offset that depends on the seed.
 * An episode that is long enough gives at least one.
 */
export function chunkStarts(length: number, horizon: number, stride: number, ...seed: (string | number)[]): Int32Array {
  const last = length - horizon;
  if (last < 0) return new Int32Array(0);
  const offset = Random.of(...seed).integer(Math.min(stride, last + 1));
  return Int32Array.from({ length: Math.floor((last - offset) / stride) + 1 }, (_, i) => offset + i * stride);
}

/** A folder of samples to draw from: their number and the folder's share of the draws. */
export interface SampleFolder {
  readonly count: number;
  readonly weight: number;
}

/**
 * Which samples a batch holds: a pure function of (seed, step), so that a resumed run sees the same batches.
 * Each folder gets its share of every batch (rounded so that the shares hold over time) and goes through its own
 * samples in a new
 * random order each epoch, each sample once per epoch.
 */
export class Sampler {
  private readonly starts: number[] = [];
  private readonly shares: number[];
  private readonly main: number;
  private readonly orders = new Map<string, Uint32Array>();

  constructor(private readonly folders: readonly SampleFolder[]) {
    const total = folders.reduce((sum, folder) => sum + folder.weight, 0);
    if (!(total > 0) || folders.some((folder) => folder.count === 0 || !(folder.weight >= 0)))
      throw new InputError('Sampler', 'every folder needs samples and a weight, and the weights a positive sum.');
    this.shares = folders.map((folder) => folder.weight / total);
    this.main = this.shares.indexOf(Math.max(...this.shares));
    let at = 0;
    for (const folder of folders) {
      this.starts.push(at);
      at += folder.count;
    }
  }

  /** Draws from `folder` in all steps before `step`. The folder with the largest share takes what rounding leaves. */
  private drawn(folder: number, step: number, size: number): number {
    if (folder !== this.main) return Math.floor(step * size * this.shares[folder]!);
    let rest = step * size;
    for (let f = 0; f < this.folders.length; f++) if (f !== this.main) rest -= this.drawn(f, step, size);
    return rest;
  }

  /** Numbers of the `size` samples of `step`. */
  indices(step: number, size: number, seed: number | string): Uint32Array {
    const out = new Uint32Array(size);
    let at = 0;
    for (let f = 0; f < this.folders.length; f++) {
      const { count } = this.folders[f]!;
      const end = this.drawn(f, step + 1, size);
      for (let k = this.drawn(f, step, size); k < end && at < size; k++) {
        const epoch = Math.floor(k / count);
        out[at++] = this.starts[f]! + this.order(seed, f, epoch)[k - epoch * count]!;
      }
    }
    return out;
  }

  private order(seed: number | string, folder: number, epoch: number): Uint32Array {
    const key = `${seed} ${folder} ${epoch}`;
    let order = this.orders.get(key);
    if (!order) {
      // Two epochs per folder are in use at most: the one that ends and the one that begins inside a batch.
      while (this.orders.size >= 2 * this.folders.length) this.orders.delete(this.orders.keys().next().value!);
      const random = Random.of(seed, 'epoch', folder, epoch);
      const { count } = this.folders[folder]!;
      order = Uint32Array.from({ length: count }, (_, i) => i);
      for (let i = count - 1; i > 0; i--) {
        const j = random.integer(i + 1);
        const value = order[i]!;
        order[i] = order[j]!;
        order[j] = value;
      }
      this.orders.set(key, order);
    }
    return order;
  }
}
