import { type ChunkStatistics, STD_FLOOR } from '../action/index.ts';
import { InputError, present, significant } from '../base/index.ts';
import type { SampleSource, SampleVisitor } from '../data/index.ts';
import { dimensionName, type Robot } from '../robot/index.ts';

/** What `farValues` looks at. */
type Samples = Pick<SampleSource, 'each'>;

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
  /** The sample with that number. */
  readonly sample: number;
}

/**
 * Looks at all samples as the network will see them. The dimensions, the farthest first, of which a number lies more
 * than 20 deviations from the mean.
 */
export async function farValues(samples: Samples, stats: ChunkStatistics, robot: Robot): Promise<FarDimension[]> {
  const reach = new Reach(stats, robot);
  await samples.each(reach.add);
  return reach.far();
}

/** How far the numbers of samples reach. */
class Reach {
  private readonly states: Extent;
  private readonly actions: Extent;

  constructor(
    private readonly stats: ChunkStatistics,
    private readonly robot: Robot,
  ) {
    this.states = new Extent(stats.state.mean, stats.state.std, robot.width);
    this.actions = new Extent(stats.perTimestep.mean, stats.perTimestep.std, robot.width);
  }

  readonly add: SampleVisitor = (state, chunk, sample) => {
    const { stats, states, actions } = this;
    const { width, deltaMask } = this.robot;
    for (let d = 0; d < width; d++) states.add(d, d, state[d] as number, sample);
    for (let at = 0, row = 0; at < chunk.length; at += width, row += stats.width)
      for (let d = 0; d < width; d++)
        actions.add(d, row + d, (chunk[at + d] as number) - (deltaMask[d] ? (state[d] as number) : 0), sample);
  };

  far(): FarDimension[] {
    const name = (column: number): string => dimensionName(this.robot, column);
    return [...this.states.far('state', name), ...this.actions.far('action', name)].sort(
      (a, b) => b.deviations - a.deviations,
    );
  }
}

/** The samples with a number so far from its mean that it is refused, and that number in words. */
export async function farSamples(
  samples: Samples,
  stats: ChunkStatistics,
  robot: Robot,
): Promise<{ readonly sample: number; readonly reason: string }[]> {
  const out: { sample: number; reason: string }[] = [];
  await samples.each((state, actions, sample) => {
    const one = new Reach(stats, robot);
    one.add(state, actions, sample);
    const far = one.far().find(({ deviations }) => deviations > REFUSED);
    if (far) out.push({ sample, reason: numberWords(far) });
  });
  return out.sort((a, b) => a.sample - b.sample);
}

/** How far the numbers of each dimension reach, against means and deviations at places of their own. */
class Extent {
  private readonly furthest: Float64Array;
  private readonly value: Float64Array;
  private readonly place: Int32Array;
  private readonly sample: Int32Array;
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
    this.sample = new Int32Array(width);
  }

  add(dimension: number, place: number, x: number, sample: number): void {
    const far = Math.abs(x - (this.mean[place] as number)) / ((this.std[place] as number) + STD_FLOOR);
    (this.squares[dimension] as number) += far * far;
    (this.counts[dimension] as number)++;
    if (far > (this.furthest[dimension] as number)) {
      this.furthest[dimension] = far;
      this.value[dimension] = x;
      this.place[dimension] = place;
      this.sample[dimension] = sample;
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
          sample: present(this.sample[d], 'sample'),
        });
    }
    return out;
  }
}

const seen = ({ value, mean, std }: FarDimension): string =>
  `(${significant(value)}; the statistics saw ${significant(mean)} ± ${significant(std)})`;

const numberWords = (far: FarDimension): string =>
  `${far.what} ${far.name} is ${significant(far.deviations)} deviations from the mean ${seen(far)}`;

/** Names a sample. */
export type SampleName = (sample: number) => string;

/** One dimension in words: which, how far, from what, and where. */
const farSentence = (far: FarDimension, nameOf: SampleName): string =>
  `${far.what} ${far.name}: up to ${significant(far.deviations)} deviations ${seen(far)} at ${nameOf(far.sample)}, ` +
  `${significant(far.rms)} in the mean`;

/**
 * Tells of data far outside the statistics before the first update.
 * @param from whose statistics they are: of these very data nothing is refused, for none would fit better
 * @throws InputError when they are so far that training would be of nothing else, unless `allow`
 */
export function requireNear(
  far: readonly FarDimension[],
  {
    from,
    allow,
    nameOf,
    log,
  }: { from: string | undefined; allow: boolean; nameOf: SampleName; log: (line: string) => void },
): void {
  const beyond = far.filter(({ deviations, rms }) => deviations > REFUSED || rms > REFUSED_RMS);
  if (beyond.length > 0 && from !== undefined && !allow)
    throw new InputError(
      from,
      `the data lie far outside these statistics in ${beyond.length} dimensions: ${listed(beyond, nameOf)}. Compute ` +
        'statistics over all of the data (valet stats), leave such samples out by --skip-far, or train on them by ' +
        '--allow-far.',
    );
  if (far.length > 0) log(`far outside the statistics in ${far.length} dimensions: ${listed(far, nameOf)}`);
}

/** Dimensions that are named; of more, the number. */
const MOST_NAMED = 6;
const listed = (far: readonly FarDimension[], nameOf: SampleName): string =>
  far
    .slice(0, MOST_NAMED)
    .map((one) => farSentence(one, nameOf))
    .join('; ') + (far.length > MOST_NAMED ? `; and ${far.length - MOST_NAMED} more` : '');
