import { InputError, nearest } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import type { Dataset, Episode } from '../lerobot/index.ts';
import type { GroupedSamples } from './draws.ts';
import { type HeldOutBy, heldOutPlaces } from './heldOut.ts';
import { type ChunkStarts, chunkStarts } from './sampling.ts';

/** An episode and its samples: its data set's place in the list, and the number of its first sample. */
export interface PlannedEpisode {
  readonly dataset: number;
  readonly episode: Episode;
  readonly starts: ChunkStarts;
  readonly firstSample: number;
}

/** Which samples there will be: the chunk starts of every episode. */
export interface SamplePlan {
  readonly episodes: readonly PlannedEpisode[];
  readonly samples: number;
  /** Frames of the episodes that are read. */
  readonly rows: number;
  /** By data set. */
  readonly counts: readonly { readonly samples: number; readonly episodes: number }[];
  /** In the order of the samples. */
  readonly groups: readonly GroupedSamples[];
}

export interface SampleChoice {
  readonly horizon: number;
  readonly frameStride: number;
  readonly endPadding?: boolean | undefined;
  readonly seed: number | string;
  readonly split?:
    | { readonly part: 'train' | 'validation'; readonly share: number; readonly by?: HeldOutBy }
    | undefined;
  /** Stages of each task by id. */
  readonly taskNumStages: readonly number[];
  /** How many times as often a task's samples are drawn as their number says, by name or sentence; 1 where left out. */
  readonly taskWeights?: Readonly<Record<string, number>> | undefined;
}

/**
 * @throws InputError when a camera of the robot is missing, a task is beyond the table, or a data set has no chunk
 * at all
 */
export async function planSamples(
  datasets: readonly Dataset[],
  robot: Robot,
  choice: SampleChoice,
): Promise<SamplePlan> {
  const { horizon, seed, split, endPadding } = choice;
  const factors = taskFactors(datasets, choice.taskWeights ?? {});
  const episodes: PlannedEpisode[] = [];
  const groups: GroupedSamples[] = [];
  const counts: { samples: number; episodes: number }[] = [];
  let [samples, rows] = [0, 0];
  for (const [d, dataset] of datasets.entries()) {
    for (const camera of robot.cameraNames) dataset.cameraFeature(camera);
    requireTasks(dataset, choice.taskNumStages);
    const rule = { horizon, endPadding, ...stridesOf(dataset, choice) };
    const count = { samples: 0, episodes: 0 };
    const validation = split && (await heldOutPlaces(dataset, split.share, split.by ?? 'episode'));
    const chosen = dataset.episodes.filter(
      (_, place) => !validation || validation.has(place) === (split?.part === 'validation'),
    );
    // With weights of tasks the samples of a task stand together.
    const parts = factors ? byTask(chosen) : [chosen];
    for (const part of parts) {
      const before = samples;
      for (const episode of part) {
        const starts = chunkStarts(episode.length, rule, seed, 'starts', d, episode.index);
        if (starts.count === 0) continue;
        episodes.push({ dataset: d, episode, starts, firstSample: samples });
        samples += starts.count;
        rows += episode.length;
        count.samples += starts.count;
        count.episodes++;
      }
      const factor = factors?.(d, part[0]?.taskIndex ?? -1) ?? 1;
      if (samples > before) groups.push({ folder: d, count: samples - before, factor });
    }
    if (count.samples === 0)
      throw new InputError(
        dataset.root,
        `gives no samples: none of its ${dataset.episodes.length} ` +
          `episodes${split ? ` in the ${split.part} part` : ''} has ${endPadding ? 1 : horizon} frames.`,
      );
    counts.push(count);
  }
  return { episodes, samples, rows, counts, groups };
}

/**
 * Frames between two samples and between two pictures; held-out samples may lie further apart than was asked for.
 * @throws InputError when samples would begin where there is no picture of the moment
 */
function stridesOf({ root, info }: Dataset, { frameStride, split }: SampleChoice) {
  const every = info.pictures_every ?? 1;
  const stride = split?.part === 'validation' ? every * Math.ceil(frameStride / every) : frameStride;
  if (stride % every !== 0)
    throw new InputError(
      root,
      `has new pictures in every ${every}th row alone (meta/info.json: pictures_every). frameStride must be a ` +
        `multiple of it (got ${frameStride}): --set frameStride=${every}.`,
    );
  return { stride, picturesEvery: every };
}

function byTask(episodes: readonly Episode[]): Episode[][] {
  const parts = new Map<number, Episode[]>();
  for (const episode of episodes) {
    const part = parts.get(episode.taskIndex);
    if (part) part.push(episode);
    else parts.set(episode.taskIndex, [episode]);
  }
  return [...parts.values()];
}

/**
 * The weight of a data set's task; undefined when no task has one.
 * @throws InputError for a name that no task of the data has
 */
function taskFactors(
  datasets: readonly Dataset[],
  weights: Readonly<Record<string, number>>,
): ((dataset: number, task: number) => number) | undefined {
  const wanted = Object.entries(weights);
  if (wanted.length === 0) return undefined;
  const names = datasets.map(
    ({ tasks }) =>
      new Map(
        [...tasks].map(([id, { name, instruction }]) => [id, [name, instruction].filter((text) => text !== undefined)]),
      ),
  );
  const known = new Set(names.flatMap((tasks) => [...tasks.values()].flat()));
  for (const [name] of wanted) {
    if (known.has(name)) continue;
    const guess = nearest(name, [...known]);
    throw new InputError(
      'taskWeights',
      `the data have no task '${name}'.${guess === undefined ? '' : ` Did you mean '${guess}'?`}`,
    );
  }
  return (dataset, task) => {
    const found = (names[dataset]?.get(task) ?? []).find((name) => weights[name] !== undefined);
    return found === undefined ? 1 : (weights[found] as number);
  };
}

/** @throws InputError when an episode's task is not in the table of stages */
function requireTasks({ root, episodes }: Dataset, taskNumStages: readonly number[]): void {
  const beyond = episodes.find(({ taskIndex }) => taskNumStages[taskIndex] === undefined);
  if (beyond && beyond.taskIndex < 0)
    throw new InputError(
      root,
      `nothing names the task of episode ${beyond.index} (its sentence is "${beyond.instruction}"). List it in meta/.`,
    );
  if (beyond)
    throw new InputError(
      root,
      `episode ${beyond.index} is of task ${beyond.taskIndex}, the table of stages has tasks ` +
        `0…${taskNumStages.length - 1}. Make model.taskNumStages longer (--set, or --stage-table FILE).`,
    );
}
