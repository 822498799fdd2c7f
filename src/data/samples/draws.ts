import { InputError } from '../../base/index.ts';
import { WHOLE_BATCH } from './rowShare.ts';
import { Sampler } from './sampling.ts';

/** Samples that stand together in the numbering: those of a folder, or of one task of a folder. */
export interface GroupedSamples {
  readonly folder: number;
  readonly count: number;
  /** How many times as often they are drawn as their number says. */
  readonly factor: number;
}

/**
 * Which samples there are and which of them a batch takes. Without weights of folders every sample is as likely as any
 * other, but for its group's factor; with them each folder gets its share of every batch.
 */
export class Draws {
  readonly size: number;
  private readonly sampler: Sampler;

  /**
   * @param folderWeights one for each folder, or undefined @param leftOut places of samples that are never drawn,
   * ascending @throws InputError when a folder keeps no sample
   */
  constructor(
    private readonly groups: readonly GroupedSamples[],
    private readonly folderWeights: readonly number[] | undefined,
    private readonly leftOut: readonly number[] = [],
  ) {
    const kept = countsWithout(groups, leftOut);
    this.size = kept.reduce((sum, { count }) => sum + count, 0);
    const amount = new Map<number, number>();
    for (const { folder, count, factor } of kept) amount.set(folder, (amount.get(folder) ?? 0) + count * factor);
    const weightOf = ({ folder, count, factor }: GroupedSamples): number => {
      const whole = amount.get(folder) ?? 0;
      if (!folderWeights) return count * factor;
      return whole === 0 ? 0 : (folderWeights[folder] ?? 1) * ((count * factor) / whole);
    };
    // A group whose samples are all left out has nothing to be drawn.
    this.sampler = new Sampler(
      kept.filter(({ count }) => count > 0).map((group) => ({ count: group.count, weight: weightOf(group) })),
    );
  }

  /** Samples of each folder. */
  folderCounts(folders: number): number[] {
    const counts = new Array<number>(folders).fill(0);
    for (const { folder, count } of countsWithout(this.groups, this.leftOut))
      counts[folder] = (counts[folder] ?? 0) + count;
    return counts;
  }

  /** Numbers of the `size` samples of `step`, or of a share of them: a pure function of (seed, step). */
  indices(step: number, size: number, seed: number | string, share = WHOLE_BATCH): Uint32Array {
    return this.sampler.indices(step, size, seed).filter((_, row) => row % share.size === share.rank);
  }

  /** A sample's place among all samples, those that are left out too. @throws InputError beyond the last */
  placeOf(sample: number): number {
    if (!(Number.isInteger(sample) && sample >= 0 && sample < this.size))
      throw new InputError('samples', `no sample ${sample} (there are ${this.size}).`);
    return sample + this.countWhile((left, i) => left - i <= sample);
  }

  /** The number of the sample at a place; undefined where it is left out. */
  numberAt(place: number): number | undefined {
    const before = this.countWhile((left) => left < place);
    return this.leftOut[before] === place ? undefined : place - before;
  }

  /** How many left-out samples, from the first on, have what every one up to some has. */
  private countWhile(has: (left: number, i: number) => boolean): number {
    let [low, high] = [0, this.leftOut.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (has(this.leftOut[middle] as number, middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The same without the samples at these places, too. */
  without(places: readonly number[]): Draws {
    const all = [...new Set([...this.leftOut, ...places])].sort((a, b) => a - b);
    return new Draws(this.groups, this.folderWeights, all);
  }
}

/** @param leftOut ascending */
function countsWithout(groups: readonly GroupedSamples[], leftOut: readonly number[]): GroupedSamples[] {
  let [end, next] = [0, 0];
  return groups.map((group) => {
    end += group.count;
    const from = next;
    while (next < leftOut.length && (leftOut[next] as number) < end) next++;
    return { ...group, count: group.count - (next - from) };
  });
}
