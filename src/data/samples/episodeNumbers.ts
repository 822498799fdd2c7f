import { InputError } from '../../base/index.ts';
import { type Robot, stateOf } from '../../robot/index.ts';
import type { Dataset, Episode } from '../lerobot/index.ts';
import { type StageLabels, stageLabels } from './stageLabels.ts';

/** All numbers of an episode that samples are made of, T frames. */
export interface EpisodeNumbers {
  /** [T, width] absolute. */
  readonly action: Float32Array;
  /** [T, width]. */
  readonly state: Float32Array;
  /** [T, K]. */
  readonly taskInfo: Float32Array;
  readonly taskInfoWidth: number;
  /** [T]. */
  readonly stage: Uint16Array;
}

/** @throws InputError when columns are not as long as the episode or as wide as the robot, or it has no stages */
export async function readNumbers(
  dataset: Dataset,
  episode: Episode,
  robot: Robot,
  labels: { readonly stageLabels: StageLabels; readonly taskNumStages: readonly number[] },
): Promise<EpisodeNumbers> {
  const { action, proprioception, info } = await columnsOf(dataset, episode);
  const { width } = robot;
  if (action.width !== width)
    throw new InputError(dataset.dataPath(episode), `action has ${action.width} numbers per row (expected ${width}).`);
  const { length } = episode;
  const state = new Float32Array(length * width);
  for (let t = 0; t < length; t++)
    state.set(
      stateOf(robot, proprioception.data.subarray(t * proprioception.width, (t + 1) * proprioception.width)),
      t * width,
    );
  const frames = Int32Array.from({ length }, (_, t) => t);
  return {
    action: Float32Array.from(action.data),
    state,
    taskInfo: Float32Array.from(info.data),
    taskInfoWidth: info.width,
    stage: await stageLabels(dataset, episode, frames, labels.stageLabels, labels.taskNumStages),
  };
}

/** The columns of an episode. @throws InputError when they are not as long as it */
async function columnsOf(dataset: Dataset, episode: Episode) {
  const wanted = [
    'action',
    'observation.state',
    ...('observation.task_info' in dataset.info.features ? ['observation.task_info'] : []),
  ];
  const columns = await dataset.columns(episode, wanted);
  for (const [name, column] of Object.entries(columns))
    if (column.rows !== episode.length)
      throw new InputError(
        dataset.dataPath(episode),
        `${name} has ${column.rows} rows (expected ${episode.length}). Run valet data check.`,
      );
  const none = { rows: episode.length, width: 0, data: new Float32Array(0) };
  const { action = none, 'observation.state': proprioception = none, 'observation.task_info': info = none } = columns;
  return { action, proprioception, info };
}

/** Bytes of numbers that a worker remembers. */
const REMEMBERED_BYTES = 64 * 2 ** 20;

/** The numbers of the episodes that were used last. */
export class NumbersCache {
  private readonly found = new Map<string, EpisodeNumbers>();
  private bytes = 0;

  async get(key: string, read: () => Promise<EpisodeNumbers>): Promise<EpisodeNumbers> {
    const known = this.found.get(key);
    const numbers = known ?? (await read());
    this.found.delete(key);
    this.found.set(key, numbers);
    if (!known) this.bytes += bytesOf(numbers);
    for (const [oldest, its] of this.found) {
      if (this.bytes <= REMEMBERED_BYTES || oldest === key) break;
      this.found.delete(oldest);
      this.bytes -= bytesOf(its);
    }
    return numbers;
  }
}

const bytesOf = ({ action, state, taskInfo, stage }: EpisodeNumbers): number =>
  action.byteLength + state.byteLength + taskInfo.byteLength + stage.byteLength;
