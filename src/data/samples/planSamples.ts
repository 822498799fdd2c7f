import { InputError, Random } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import type { Dataset } from '../lerobot/index.ts';
import type { LoadRequest } from './decode.worker.ts';
import { chunkStarts } from './sampling.ts';

/** Which samples there will be: the chunk starts of every episode. */
export interface SamplePlan {
  readonly requests: readonly LoadRequest[];
  readonly samples: number;
  /** Frames of the episodes that are read. */
  readonly rows: number;
  /** By data set. */
  readonly counts: readonly { readonly samples: number; readonly episodes: number }[];
}

export interface SampleChoice {
  readonly horizon: number;
  readonly frameStride: number;
  readonly seed: number | string;
  readonly split?: { readonly part: 'train' | 'validation'; readonly share: number } | undefined;
  /** Stages of each task by id. */
  readonly taskNumStages: readonly number[];
}

/**
 * @throws InputError when a camera of the robot is missing, a task is beyond the table, or a data set has no chunk
 * at all
 */
export function planSamples(datasets: readonly Dataset[], robot: Robot, choice: SampleChoice): SamplePlan {
  const { horizon, frameStride, seed, split } = choice;
  const requests: LoadRequest[] = [];
  let [samples, rows] = [0, 0];
  const counts = datasets.map((dataset, d) => {
    for (const camera of robot.cameraNames) dataset.cameraFeature(camera);
    requireTasks(dataset, choice.taskNumStages);
    const count = { samples: 0, episodes: 0 };
    const validation = split && validationPlaces(dataset, split.share);
    for (const [place, episode] of dataset.episodes.entries()) {
      if (validation && validation.has(place) !== (split.part === 'validation')) continue;
      const starts = chunkStarts(episode.length, horizon, frameStride, seed, 'starts', d, episode.index);
      if (starts.length === 0) continue;
      requests.push({ dataset: d, episode, starts, firstSample: samples });
      samples += starts.length;
      rows += episode.length;
      count.samples += starts.length;
      count.episodes++;
    }
    if (count.samples === 0)
      throw new InputError(
        dataset.root,
        `gives no samples: none of its ${dataset.episodes.length} ` +
          `episodes${split ? ` in the ${split.part} part` : ''} has ${horizon} frames.`,
      );
    return count;
  });
  return { requests, samples, rows, counts };
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

/**
 * Places of the episodes kept for validation: a fixed draw of `share` of the data set (at least one, never all), the
 * same in every run.
 */
function validationPlaces(dataset: Dataset, share: number): Set<number> {
  const count = dataset.episodes.length;
  const places = Random.of('validation').shuffle(Array.from({ length: count }, (_, i) => i));
  return new Set(places.slice(0, Math.min(count - 1, Math.max(1, Math.round(share * count)))));
}
