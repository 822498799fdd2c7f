import { type ChunkStatistics, STD_FLOOR } from '../action/index.ts';
import { InputError, present } from '../base/index.ts';
import type { Robot } from '../robot/index.ts';

/** What `farValues` looks at: states [width] and absolute chunks [horizon, width] of samples. */
export interface Samples {
  readonly size: number;
  numbers(sample: number): { readonly state: Float32Array; readonly actions: Float32Array };
}

/** A number this many deviations from the mean is told; one that is farther is refused. */
const TOLD = 20;
const REFUSED = 100;
/** Root mean square over all samples: 1 where statistics and data belong together. */
const REFUSED_RMS = 10;

/** A dimension with numbers far outside of what the statistics saw. */
export interface FarDimension {
  readonly what: 'state' | 'action';
  /** Its part of the robot, and its number within. */
  readonly name: string;
  /** The number that is farthest, in the dimension's unit; of an action relative to the state where chunks are. */
  readonly value: number;
  readonly deviations: number;
  readonly rms: number;
  readonly mean: number;
  readonly std: number;
}

/**
 * Looks at all samples as the network will see them. The dimensions, the farthest first, of which a number lies more
 * than 20 deviations from the mean.
 */
export function farValues(samples: Samples, stats: ChunkStatistics, robot: Robot): FarDimension[] {
  const { width, deltaMask } = robot;
  const states = new Extent(stats.state.mean, stats.state.std, width);
  const actions = new Extent(stats.perTimestep.mean, stats.perTimestep.std, width);
  for (let sample = 0; sample < samples.size; sample++) {
    const { state, actions: chunk } = samples.numbers(sample);
    for (let d = 0; d < width; d++) states.add(d, d, state[d] as number);
    for (let at = 0, row = 0; at < chunk.length; at += width, row += stats.width)
      for (let d = 0; d < width; d++)
        actions.add(d, row + d, (chunk[at + d] as number) - (deltaMask[d] ? (state[d] as number) : 0));
  }
  const name = (column: number): string => {
    const part = robot.parts.find(({ columns: [start, end] }) => column >= start && column < end);
    return part ? `${part.name} ${column - part.columns[0]}` : `column ${column}`;
  };
  return [...states.far('state', name), ...actions.far('action', name)].sort((a, b) => b.deviations - a.deviations);
}

/** How far the numbers of each dimension reach, against means and deviations at places of their own. */
class Extent {
  private readonly furthest: Float64Array;
  private readonly value: Float64Array;
  private readonly place: Int32Array;
  private readonly squares: Float64Array;
  private readonly counts: Float64Array;

  constructor(
    private readonly mean: Float64Array,
    private readonly std: Float64Array,
    private readonly width: number,
  ) {
    [this.furthest, this.value, this.squares, this.counts] = [0, 0, 0, 0].map(() => new Float64Array(width)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    this.place = new Int32Array(width);
  }

  add(dimension: number, place: number, x: number): void {
    const far = Math.abs(x - (this.mean[place] as number)) / ((this.std[place] as number) + STD_FLOOR);
    (this.squares[dimension] as number) += far * far;
    (this.counts[dimension] as number)++;
    if (far > (this.furthest[dimension] as number)) {
      this.furthest[dimension] = far;
      this.value[dimension] = x;
      this.place[dimension] = place;
    }
  }

  far(what: FarDimension['what'], name: (column: number) => string): FarDimension[] {
    const out: FarDimension[] = [];
    for (let d = 0; d < this.width; d++) {
      const deviations = present(this.furthest[d], 'furthest');
      const rms = Math.sqrt(present(this.squares[d], 'squares') / Math.max(1, present(this.counts[d], 'counts')));
      const place = present(this.place[d], 'place');
      if (deviations > TOLD || rms > REFUSED_RMS)
        out.push({
          ...{ what, name: name(d), value: present(this.value[d], 'value'), deviations, rms },
          ...{ mean: present(this.mean[place], 'mean'), std: present(this.std[place], 'std') },
        });
    }
    return out;
  }
}

/** One dimension in words: which, how far, and from what. */
function farSentence({ what, name, value, deviations, rms, mean, std }: FarDimension): string {
  const short = (x: number): string => Number(x.toPrecision(3)).toString();
  return (
    `${what} ${name}: up to ${short(deviations)} deviations (${short(value)}; the statistics saw ${short(mean)} ± ` +
    `${short(std)}), ${short(rms)} in the mean`
  );
}

/**
 * Tells of data far outside the statistics before the first update.
 * @param from whose statistics they are: of these very data nothing is refused, for none would fit better
 * @throws InputError when they are so far that training would be of nothing else, unless `allow`
 */
export function requireNear(
  far: readonly FarDimension[],
  { from, allow, log }: { from: string | undefined; allow: boolean; log: (line: string) => void },
): void {
  const beyond = far.filter(({ deviations, rms }) => deviations > REFUSED || rms > REFUSED_RMS);
  if (beyond.length > 0 && from !== undefined && !allow)
    throw new InputError(
      from,
      `the data lie far outside these statistics in ${beyond.length} dimensions: ${listed(beyond)}. Compute ` +
        'statistics over all of the data (valet stats), or add --allow-far to train nevertheless.',
    );
  if (far.length > 0) log(`far outside the statistics in ${far.length} dimensions: ${listed(far)}`);
}

/** Dimensions that are named; of more, the number. */
const MOST_NAMED = 6;
const listed = (far: readonly FarDimension[]): string =>
  far.slice(0, MOST_NAMED).map(farSentence).join('; ') +
  (far.length > MOST_NAMED ? `; and ${far.length - MOST_NAMED} more` : '');
