import { actionsFromModel, type ChunkStatistics } from '../action/index.ts';
import { present, Random } from '../base/index.ts';
import type { RawBatch, SampleSource } from '../data/index.ts';
import { physicalUnits, type Robot } from '../robot/index.ts';

/** The held-out samples of one task. */
export interface HeldOutTask {
  readonly id: number;
  readonly name: string;
  /** Their numbers in the store. */
  readonly samples: readonly number[];
}

/** The tasks of a store, by their number. @param names by task id */
export function tasksOfStore(store: SampleSource, names: ReadonlyMap<number, string>): HeldOutTask[] {
  const samples = new Map<number, number[]>();
  for (let i = 0; i < store.size; i++) {
    const id = store.taskOf(i);
    const list = samples.get(id);
    if (list) list.push(i);
    else samples.set(id, [i]);
  }
  return [...samples]
    .sort(([a], [b]) => a - b)
    .map(([id, all]) => ({ id, name: names.get(id) ?? `task ${id}`, samples: all }));
}

/** Of `count` numbers, `wanted` that are spread evenly over them, from the `from`-th on; some twice where too few. */
export const spread = (numbers: readonly number[], from: number, count: number, wanted: number): number[] =>
  Array.from({ length: count }, (_, i) =>
    present(numbers[Math.floor(((from + i) * numbers.length) / wanted)], 'a held-out sample'),
  );

/** Error of a part of the robot's action, in physical units. */
export interface PartError {
  /** Of each dimension. */
  readonly units: readonly string[];
  /** Mean |planned - recorded| over all actions of the chunks, by dimension of the part. */
  readonly error: readonly number[];
}

/**
 * Open-loop error of planned chunks against the recorded ones, by part and dimension of the robot.
 * @param planned normalised, [B, horizon, network's width] @param state normalised, [B, network's width]
 */
export function actionError(
  planned: Float32Array,
  state: Float32Array,
  { actions, size }: Pick<RawBatch, 'actions' | 'size'>,
  { statistics, robot }: { statistics: ChunkStatistics; robot: Robot },
): Record<string, PartError> {
  const { width } = robot;
  const padded = statistics.width;
  const [given, kept] = [planned.length / size, actions.length / size];
  const sums = new Float64Array(width);
  for (let b = 0; b < size; b++) {
    const chunk = actionsFromModel(
      planned.subarray(b * given, (b + 1) * given),
      state.subarray(b * padded, (b + 1) * padded),
      statistics,
      robot,
    );
    for (let i = 0; i < kept; i++)
      (sums[i % width] as number) += Math.abs((chunk[i] as number) - (actions[b * kept + i] as number));
  }
  const rows = (size * kept) / width;
  return Object.fromEntries(
    robot.parts.map((part) => {
      const units = physicalUnits(part);
      const error = units.map(({ scale }, i) => (scale * (sums[part.columns[0] + i] as number)) / rows);
      return [part.name, { units: units.map(({ unit }) => unit), error }];
    }),
  );
}

/** How a task's stages are told apart. */
export interface StageCounts {
  /** [true stage][stage that the network finds], numbers of samples. */
  readonly confusion: number[][];
  /** Share that is found, told the right stage, and told the one before it (as at the moment when a stage begins). */
  readonly accuracy: number;
  readonly accuracyBehind: number;
}

/**
 * @param logits [B, maxStages] with the right stage told, and with the one before it @param stages of the task
 */
export function countStages(
  logits: Float32Array,
  behind: Float32Array,
  stage: ArrayLike<number>,
  stages: number,
): StageCounts {
  const confusion = Array.from({ length: stages }, () => new Array<number>(stages).fill(0));
  const [size, wide] = [stage.length, logits.length / stage.length];
  let [right, rightBehind] = [0, 0];
  for (let b = 0; b < size; b++) {
    const truth = stage[b] as number;
    const found = largest(logits.subarray(b * wide, b * wide + stages));
    (present(confusion[truth], 'a row of the confusion')[found] as number)++;
    if (found === truth) right++;
    if (largest(behind.subarray(b * wide, b * wide + stages)) === truth) rightBehind++;
  }
  return { confusion, accuracy: right / size, accuracyBehind: rightBehind / size };
}

const largest = (values: Float32Array): number => values.indexOf(Math.max(...values));

/** Where the sampling of held-out chunks starts: the same for every look. [B, numbers] */
export const startingNoise = (
  noise: { sample(random: Random, count: number): ArrayLike<number> },
  { seed, task, size, numbers }: { seed: number; task: number; size: number; numbers: number },
): Float32Array => {
  const out = new Float32Array(size * numbers);
  for (let b = 0; b < size; b++) out.set(noise.sample(Random.of(seed, 'held-out chunks', task, b), 1), b * numbers);
  return out;
};
