import { InputError } from '../../base/index.ts';
import { BEHAVIOR_STAGES, type Robot, robotRecord } from '../../robot/index.ts';
import { commonRobot, type Dataset, openSets, threadPlace } from '../lerobot/index.ts';
import { parseDataFolder } from './dataFolder.ts';
import type { OpenRequest } from './decode.worker.ts';
import { Draws } from './draws.ts';
import { planSamples, type SampleChoice, type SamplePlan } from './planSamples.ts';
import type { StageLabels } from './stageLabels.ts';

export interface SampleOptions {
  /** Whose data they are; when left out, as the data sets say. */
  readonly robot?: Robot | undefined;
  /** The data sets, where they are open already: a part of their episodes, perhaps. */
  readonly sets?: readonly Dataset[] | undefined;
  /** Actions per chunk; the robot's when left out. */
  readonly horizon?: number;
  /** A sample every so many frames. */
  readonly frameStride?: number;
  /** Chunks begin up to an episode's last frame, and repeat its action beyond it; false when left out. */
  readonly endPadding?: boolean | undefined;
  /** Pictures are S x S, scaled with padding where the data set's are not. */
  readonly imageSize: number;
  /** Most bytes that the samples may take; default 70 % of the memory that is free now. */
  readonly memoryLimitBytes?: number;
  /** Decoding threads; default one per core. */
  readonly workers?: number;
  /** Chooses the chunk starts (not the batches). */
  readonly seed?: number | string;
  /** `time`: equal-time bins, as the original; `skills`: the recorded stages. */
  readonly stageLabels?: StageLabels;
  /** Stages of each task by id; the challenge's when left out. */
  readonly taskNumStages?: readonly number[];
  readonly taskWeights?: SampleChoice['taskWeights'];
  /** Episodes whose pictures cannot be read are told by `badSamples`, in place of an error. */
  readonly passUnreadable?: boolean | undefined;
  /** Keep only one side of a fixed split of the episodes; `share` of them are for validation. */
  readonly split?: SampleChoice['split'];
  /** Episodes loaded so far, and of how many. */
  readonly progress?: (done: number, total: number) => void;
}

/** All that is known of the samples before any is read. */
export interface PreparedSamples {
  readonly robot: Robot;
  readonly horizon: number;
  readonly dirs: readonly string[];
  readonly plan: SamplePlan;
  readonly draws: Draws;
  /** Bytes of a sample's pictures. */
  readonly sampleBytes: number;
  /** What a worker needs besides the blocks of pictures. */
  readonly open: Omit<OpenRequest, 'blocks' | 'samplesPerBlock'>;
}

/**
 * Plans the samples of the data sets (`dir` or `dir:weight`).
 * @throws InputError when a data set gives none, or they are of different robots
 */
export async function prepareSamples(dataFolders: readonly string[], options: SampleOptions): Promise<PreparedSamples> {
  const { frameStride = 1, imageSize, seed = 0, stageLabels = 'time', taskNumStages = BEHAVIOR_STAGES } = options;
  if (!Number.isInteger(frameStride) || frameStride < 1)
    throw new InputError('frameStride', `must be a whole number above 0 (got ${frameStride}).`);
  const parsed = dataFolders.map(parseDataFolder);
  const dirs = parsed.map(({ dir }) => dir);
  const datasets =
    options.sets ?? (await openSets(dirs, { robot: options.robot, pictures: true, tasks: 'refused' })).sets;
  const robot = commonRobot(datasets);
  const { horizon = robot.horizon, split, taskWeights, endPadding } = options;
  const choice = { horizon, frameStride, endPadding, seed, split, taskNumStages, taskWeights };
  const plan = await planSamples(datasets, robot, choice);
  const weighted = parsed.some(({ weight }) => weight !== undefined);
  const open = {
    imageSize,
    stageLabels,
    taskNumStages,
    robot: robotRecord(robot),
    datasets: datasets.map(threadPlace),
    passUnreadable: options.passUnreadable,
  };
  return {
    robot,
    horizon,
    dirs,
    plan,
    draws: new Draws(plan.groups, weighted ? parsed.map(({ weight }) => weight ?? 1) : undefined),
    sampleBytes: imageSize * imageSize * 3 * robot.cameras.length,
    open,
  };
}

/**
 * Bytes a sample takes beside pictures and state: task, stage, folder, episode, frame, row, last row of its episode,
 * and privileged numbers as a guess.
 */
const OTHER_BYTES = 4 * (64 + 6);

/** Bytes that all samples take in memory. */
export const bytesInMemory = ({ plan: { samples, rows }, robot: { width }, sampleBytes }: PreparedSamples): number =>
  samples * (sampleBytes + 4 * width + OTHER_BYTES) + rows * width * 4;

export const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
