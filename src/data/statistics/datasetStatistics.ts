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
import { digestOf, InputError, present, WorkerClient } from '../../base/index.ts';
import { type Robot, robotRecord } from '../../robot/index.ts';
import { BadFiles } from '../badFiles.ts';
import { dataFingerprint } from '../fingerprint.ts';
import { commonRobot, type Dataset, openSets, setPlace, threadPlace } from '../lerobot/index.ts';
import { queuedSums } from './queuedSums.ts';
import { Saver } from './saver.ts';
import type { EpisodeJob, OpenStatistics } from './statistics.worker.ts';
import { statisticsVersions } from './statisticsHandler.ts';
import { UnfinishedStatistics } from './unfinishedStatistics.ts';

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
  /**
   * The file that the result will be written to: beside it stands what is added, so that a run that was killed is gone
   * on with. Nothing is kept when left out.
   */
  readonly result?: string | undefined;
  /** Between two writings of that; 10 s when left out. */
  readonly saveEveryMs?: number | undefined;
  /** Workers of a queue on any machine add up, in place of threads. */
  readonly queue?: { readonly address: string; readonly onNotice?: (notice: string) => void } | undefined;
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
  /** Threads; 0 where a queue did it. */
  readonly workers: number;
  /**
   * Seconds for the pass over the data, and for what comes after it; `processor` is the time that all threads
   * together spent in the pass.
   */
  readonly seconds: { readonly reading: number; readonly computing: number; readonly processor: number };
}

/**
 * Statistics of every chunk of the data sets in `folders`, taken as one, over worker threads, or over a queue.
 * @throws InputError or ParquetError that names the episode's file
 */
export async function datasetStatistics(
  folders: readonly string[],
  options: DatasetStatisticsOptions = {},
): Promise<DatasetStatistics> {
  const { horizon, paddedWidth, skipWrong, memory = 4 * 2 ** 30, result, queue } = options;
  const sets = options.sets ?? (await openSets(folders, { robot: options.robot })).sets;
  const robot = commonRobot(sets);
  const jobs = sets.flatMap(jobsOf);
  if (jobs.length === 0) throw new InputError(folders.join(', '), 'has no episodes.');
  const total = jobs.reduce((sum, { frames }) => sum + frames, 0);
  const exact = total * frameBytes(robot) <= memory;
  const chunks = {
    ...(horizon && { horizon }),
    ...(paddedWidth && { paddedWidth }),
    ...(skipWrong && { skipWrong }),
  };
  // Only where the work may be gone on with, or is done elsewhere.
  const named = result === undefined && !queue ? [] : sets;
  const fingerprints = await Promise.all(named.map(({ root, remote }) => dataFingerprint([remote?.address ?? root])));
  const about = { fingerprints, robot: robotRecord(robot), chunks, exact, versions: statisticsVersions() };
  const plan = digestOf([about, jobs.map(({ set, episodes }) => [set, episodes.map(({ index }) => index)])]);
  const unfinished = result === undefined ? undefined : await UnfinishedStatistics.open(result, plan);
  const open = { robot: about.robot, chunks: { ...chunks, memory: exact ? Number.MAX_VALUE : 0 } };
  const whole = new StatisticsAccumulator({ robot, ...chunks, memory: Number.MAX_VALUE });
  if (unfinished?.before) whole.mergeState(unfinished.before.state);
  let started = performance.now();
  let busy = process.cpuUsage();
  const conclude = async (sources: readonly FrameSource[], workers: number): Promise<DatasetStatistics> => {
    const processor = processorSeconds(busy);
    const read = performance.now();
    if (whole.chunks < 2)
      throw new InputError(
        folders.join(', '),
        `too few chunks (got ${whole.chunks} from ${whole.frames} frames, expected at least 2). An episode of T ` +
          `frames has T − ${whole.horizon - 1}.`,
      );
    const statistics = await whole.finishWith(exact ? sources : undefined, options.computing);
    const { frames } = whole;
    const quantiles = exact ? 'exact' : 'counts';
    const seconds = { reading: (read - started) / 1000, computing: (performance.now() - read) / 1000, processor };
    await unfinished?.remove();
    return { robot, statistics, frames, chunks: whole.chunks, quantiles, workers, seconds };
  };
  if (queue) {
    const places = sets.map((set, i) => ({ ...setPlace(set), fingerprint: fingerprints[i] ?? '' }));
    const run = { ...open, sets: places, versions: about.versions };
    const { address, onNotice } = queue;
    const { reading } = options;
    const work = { run, plan, jobs, unfinished, address, onNotice, reading, out: result ?? '' };
    const queued = await queuedSums(whole, work);
    try {
      return await conclude(queued.sources, 0);
    } finally {
      await queued.close();
    }
  }
  const done = unfinished?.before?.done ?? new Set<number>();
  const todo = jobs.flatMap((job, place): Todo[] =>
    !done.has(place) ? [{ place, job, method: 'add' }] : exact ? [{ place, job, method: 'keep' }] : [],
  );
  return overEpisodes(sets, { ...options, todo, open }, async (workers, each) => {
    // Starting threads is no part of the pass.
    [started, busy] = [performance.now(), process.cpuUsage()];
    const saver = unfinished && new Saver(whole, unfinished, workers, options.saveEveryMs);
    await each(
      (frames) => options.reading?.(frames, total),
      (worker, place, bad) => saver?.added(worker, place, bad),
    );
    await saver?.settled();
    for (const worker of workers) whole.mergeState(await worker.call<StatisticsState>('state'));
    const sources = workers.map(
      (worker): FrameSource => ({
        sample: (stride) => worker.call<Float32Array>('sample', stride),
        tails: (bounds: TailBounds) => worker.call<Tails>('tails', bounds),
      }),
    );
    return conclude(sources, workers.length);
  });
}

/**
 * Reads the columns that statistics need, and nothing else: what `datasetStatistics` is measured against. With `how`
 * 'pick' only the numbers that statistics
 * need are taken, as they take them.
 */
export async function decodeOnly(
  folders: readonly string[],
  {
    how = 'read',
    ...options
  }: Pick<DatasetStatisticsOptions, 'workers' | 'robot'> & { readonly how?: 'read' | 'pick' } = {},
): Promise<{ frames: number; seconds: number; processor: number }> {
  const { robot: given } = options;
  const { sets } = await openSets(folders, { robot: given });
  const robot = commonRobot(sets);
  const todo = sets.flatMap(jobsOf).map((job, place) => ({ place, job, method: how }));
  const open = { robot: robotRecord(robot), chunks: { memory: 0 }, how };
  return overEpisodes(sets, { ...options, todo, open }, async (_, each) => {
    const started = performance.now();
    const busy = process.cpuUsage();
    const frames = await each();
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

/** A job, and what a worker does with it. */
interface Todo {
  readonly place: number;
  readonly job: EpisodeJob;
  readonly method: 'add' | 'keep' | 'read' | 'pick';
}

/** Has all jobs done. @returns frames */
type Each = (
  after?: (frames: number) => void,
  done?: (worker: WorkerClient, place: number, bad: boolean) => void,
) => Promise<number>;

/** Starts workers for the data sets' episodes; `each` has them do all jobs. The workers end with `work`. */
async function overEpisodes<T>(
  sets: readonly Dataset[],
  {
    workers: threads = availableParallelism(),
    todo,
    open,
  }: Pick<DatasetStatisticsOptions, 'workers'> & {
    readonly todo: readonly Todo[];
    readonly open: Omit<OpenStatistics, 'sets'>;
  },
  work: (workers: readonly WorkerClient[], each: Each) => Promise<T>,
): Promise<T> {
  const count = Math.max(1, Math.min(threads, todo.length));
  const workers = Array.from({ length: count }, () => WorkerClient.start('data/statistics/statistics.worker'));
  const each: Each = async (after, finished) => {
    let next = 0;
    let done = 0;
    const bad = new BadFiles();
    const take = async (worker: WorkerClient): Promise<void> => {
      while (next < todo.length && !bad.isEnough) {
        const { place, job, method } = present(todo[next++], 'the job');
        // Not `done += await`, which would add to what `done` was before the wait.
        const frames = await bad.try(place, () => worker.call<number>(method, job));
        if (method !== 'keep') finished?.(worker, place, frames === undefined);
        done += frames ?? 0;
        after?.(done);
      }
    };
    // Two calls under way for each worker: it never waits for the next.
    await Promise.all(workers.flatMap((worker) => [take(worker), take(worker)]));
    bad.throwFirst();
    return done;
  };
  try {
    await Promise.all(workers.map((worker) => worker.call('open', { ...open, sets: sets.map(threadPlace) })));
    return await work(workers, each);
  } finally {
    await Promise.all(workers.map((worker) => worker.close()));
  }
}
