import { availableParallelism } from 'node:os';
import {
  type ChunkStatistics,
  type FrameSource,
  type QuantileMethod,
  StatisticsAccumulator,
  type StatisticsProgress,
  type StatisticsState,
  type TailBounds,
  type Tails,
} from '../../action/index.ts';
import { InputError, present, WorkerClient } from '../../base/index.ts';
import { type Robot, robotRecord } from '../../robot/index.ts';
import { BadFiles } from '../badFiles.ts';
import { commonRobot, type Dataset, openSets, type SetPlace, setPlace } from '../lerobot/index.ts';
import type { EpisodeJob, OpenStatistics } from './statistics.worker.ts';

export interface DatasetStatisticsOptions {
  /** Whose data they are; when left out, as the data sets say. */
  readonly robot?: Robot | undefined;
  /** The data sets, where they are open already: a part of their episodes, perhaps. */
  readonly sets?: readonly Dataset[] | undefined;
  /** Actions per chunk, and numbers per action in the result; the robot's when left out. */
  readonly horizon?: number | undefined;
  readonly paddedWidth?: number | undefined;
  /** Leave out episodes with numbers that are not finite or too large, in place of refusing them. */
  readonly skipWrong?: boolean | undefined;
  /** Worker threads; by default one per core. The result does not depend on them. */
  readonly workers?: number;
  /**
   * Bytes for the columns that exact quantiles need, all workers together (`frameBytes` a frame); 4 GiB when left
   * out.
   */
  readonly memory?: number;
  /** Called after each episode with the frames read so far and in all. */
  readonly reading?: (frames: number, total: number) => void;
  readonly computing?: StatisticsProgress;
}

export interface DatasetStatistics {
  readonly robot: Robot;
  readonly statistics: ChunkStatistics;
  readonly frames: number;
  readonly chunks: number;
  readonly quantiles: QuantileMethod;
  readonly workers: number;
  /**
   * Seconds for the pass over the data, and for what comes after it; `processor` is the time that all threads
   * together spent in the pass.
   */
  readonly seconds: { readonly reading: number; readonly computing: number; readonly processor: number };
}

/**
 * Statistics of every chunk of the data sets in `folders`, taken as one, over worker threads.
 * @throws InputError or ParquetError that names the episode's file
 */
export async function datasetStatistics(
  folders: readonly string[],
  options: DatasetStatisticsOptions = {},
): Promise<DatasetStatistics> {
  const { horizon, paddedWidth, skipWrong, memory = 4 * 2 ** 30 } = options;
  return overEpisodes(folders, options, async (workers, { robot, places, total, each }) => {
    const exact = total * frameBytes(robot) <= memory;
    const chunks = {
      ...(horizon && { horizon }),
      ...(paddedWidth && { paddedWidth }),
      ...(skipWrong && { skipWrong }),
    };
    const open: OpenStatistics = {
      sets: places,
      robot: robotRecord(robot),
      chunks: { ...chunks, memory: exact ? Number.MAX_VALUE : 0 },
    };
    await Promise.all(workers.map((worker) => worker.call('open', open)));
    const started = performance.now();
    const busy = process.cpuUsage();
    await each('add', options.reading);
    const processor = processorSeconds(busy);
    const read = performance.now();
    const whole = new StatisticsAccumulator({ robot, ...chunks, memory: Number.MAX_VALUE });
    for (const worker of workers) whole.mergeState(await worker.call<StatisticsState>('state'));
    if (whole.chunks < 2)
      throw new InputError(
        folders.join(', '),
        `too few chunks (got ${whole.chunks} from ${whole.frames} frames, expected at least 2). An episode of T ` +
          `frames has T − ${whole.horizon - 1}.`,
      );
    const sources = workers.map(
      (worker): FrameSource => ({
        sample: (stride) => worker.call<Float32Array>('sample', stride),
        tails: (bounds: TailBounds) => worker.call<Tails>('tails', bounds),
      }),
    );
    const statistics = await whole.finishWith(exact ? sources : undefined, options.computing);
    const { frames } = whole;
    const quantiles = exact ? 'exact' : 'counts';
    const seconds = { reading: (read - started) / 1000, computing: (performance.now() - read) / 1000, processor };
    return { robot, statistics, frames, chunks: whole.chunks, quantiles, workers: workers.length, seconds };
  });
}

/**
 * Reads the columns that statistics need, and nothing else: what `datasetStatistics` is measured against. With `how`
 * 'pick' only the numbers that statistics
 * need are taken, as they take them.
 */
export function decodeOnly(
  folders: readonly string[],
  {
    how = 'read',
    ...options
  }: Pick<DatasetStatisticsOptions, 'workers' | 'robot'> & { readonly how?: 'read' | 'pick' } = {},
): Promise<{ frames: number; seconds: number; processor: number }> {
  return overEpisodes(folders, options, async (clients, { robot, places, each }) => {
    const open: OpenStatistics = { sets: places, robot: robotRecord(robot), chunks: { memory: 0 }, how };
    await Promise.all(clients.map((worker) => worker.call('open', open)));
    const started = performance.now();
    const busy = process.cpuUsage();
    const frames = await each(how);
    return { frames, seconds: (performance.now() - started) / 1000, processor: processorSeconds(busy) };
  });
}

/**
 * What a frame takes while it is kept: float32 actions and states, the numbers of each rounded up to a multiple of
 * 8.
 */
export const frameBytes = ({ width }: Robot): number => 2 * 4 * 8 * Math.ceil(width / 8);

function processorSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}

/** Frames of a file with several episodes that are given to a worker at once. */
const JOB_FRAMES = 32_768;

/** Episodes one by one where each is a file of its own; else neighbours in a file together. */
function jobsOf(dataset: Dataset, set: number): (EpisodeJob & { frames: number })[] {
  const jobs: (EpisodeJob & { frames: number })[] = [];
  let path: string | undefined;
  for (const episode of dataset.episodes) {
    const last = jobs.at(-1);
    const own = dataset.dataPath(episode);
    if (last && own === path && last.frames + episode.length <= JOB_FRAMES) {
      last.episodes.push(episode);
      last.frames += episode.length;
    } else jobs.push({ set, episodes: [episode], frames: episode.length });
    path = own;
  }
  return jobs;
}

type Each = (method: 'add' | 'read' | 'pick', after?: (frames: number, total: number) => void) => Promise<number>;

/** Starts workers for the data sets' episodes; `each` has them all go through a method. The workers end with `work`. */
async function overEpisodes<T>(
  folders: readonly string[],
  {
    workers: threads = availableParallelism(),
    robot: given,
    sets: opened,
  }: Pick<DatasetStatisticsOptions, 'workers' | 'robot' | 'sets'>,
  work: (
    workers: readonly WorkerClient[],
    about: {
      readonly robot: Robot;
      readonly places: readonly SetPlace[];
      readonly total: number;
      readonly each: Each;
    },
  ) => Promise<T>,
): Promise<T> {
  const sets = opened ?? (await openSets(folders, { robot: given })).sets;
  const robot = commonRobot(sets);
  const jobs = sets.flatMap(jobsOf);
  if (jobs.length === 0) throw new InputError(folders.join(', '), 'has no episodes.');
  const total = jobs.reduce((sum, { frames }) => sum + frames, 0);
  const count = Math.max(1, Math.min(threads, jobs.length));
  const workers = Array.from({ length: count }, () => WorkerClient.start('data/statistics/statistics.worker'));
  const each: Each = async (method, after) => {
    let next = 0;
    let done = 0;
    const bad = new BadFiles();
    const take = async (worker: WorkerClient): Promise<void> => {
      while (next < jobs.length && !bad.isEnough) {
        const place = next++;
        // Not `done += await`, which would add to what `done` was before the wait.
        const frames = await bad.try(place, () => worker.call<number>(method, present(jobs[place], 'the job')));
        done += frames ?? 0;
        after?.(done, total);
      }
    };
    // Two calls under way for each worker: it never waits for the next.
    await Promise.all(workers.flatMap((worker) => [take(worker), take(worker)]));
    bad.throwFirst();
    return done;
  };
  try {
    return await work(workers, { robot, places: sets.map(setPlace), total, each });
  } finally {
    await Promise.all(workers.map((worker) => worker.close()));
  }
}
