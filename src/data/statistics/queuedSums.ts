import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { FrameSource, StatisticsAccumulator, Tails } from '../../action/index.ts';
import { digestOf, JobCoordinator, parse } from '../../base/index.ts';
import { BadFiles } from '../badFiles.ts';
import type { EpisodeJob } from './statistics.worker.ts';
import {
  PackedTails,
  pack,
  STATISTICS_JOB,
  type StatisticsJob,
  type StatisticsRun,
  unpackBytes,
  unpackState,
} from './statisticsJob.ts';
import type { UnfinishedStatistics } from './unfinishedStatistics.ts';

/** Parts that the work is given out in, unless each were of more frames than `MOST_FRAMES`. */
const SHARDS = 64;
const MOST_FRAMES = 2 ** 20;
/** Jobs that may be under way at a time: what they come to waits in Redis. */
const UNDER_WAY = 32;

/** Episodes that are one job of the queue, by their places in the list of all. */
interface Shard {
  readonly places: readonly number[];
  readonly frames: number;
}

export interface QueuedOptions {
  /** `redis://…` */
  readonly address: string;
  readonly run: StatisticsRun;
  /** Tells this work from all other. */
  readonly plan: string;
  /** Where the result will be; only one process writes there. */
  readonly out: string;
  readonly jobs: readonly (EpisodeJob & { readonly frames: number })[];
  readonly unfinished: UnfinishedStatistics | undefined;
  readonly onNotice?: ((notice: string) => void) | undefined;
  readonly reading?: ((frames: number, total: number) => void) | undefined;
}

/** Sums by workers on any machine, and where the frames can be asked for. Close it when all is known. */
export interface QueuedSums {
  readonly sources: readonly FrameSource[];
  close(): Promise<void>;
}

/**
 * Has workers on any machine add up all jobs, into `whole`. What a run before has added is not asked for again.
 * @throws InputError that names the first bad file, UnreachableError when no Redis is there
 */
export async function queuedSums(whole: StatisticsAccumulator, options: QueuedOptions): Promise<QueuedSums> {
  const { address, run, plan, out, jobs, unfinished, onNotice, reading } = options;
  const name = `stats-${digestOf([plan, resolve(out), hostname()])}`;
  const queue = await JobCoordinator.open(address, { run: name, kind: STATISTICS_JOB, settings: run }, { onNotice });
  const shards = shardsOf(jobs);
  const total = shards.reduce((sum, { frames }) => sum + frames, 0);
  const done = new Set(unfinished?.before?.done);
  const ask = <T>(id: string, { places }: Shard, want: StatisticsJob['want']) =>
    queue.do<T>(id, { jobs: places.map((place) => jobs[place]), want } as StatisticsJob);
  const isDone = ({ places }: Shard) => places.every((place) => done.has(place));
  try {
    let frames = shards.filter(isDone).reduce((sum, shard) => sum + shard.frames, 0);
    const left = [...shards.entries()].filter(([, shard]) => !isDone(shard));
    const bad = new BadFiles();
    let saving: Promise<void> = Promise.resolve();
    const add = async ([number, shard]: [number, Shard]): Promise<void> => {
      // What a run without a queue has added of it stays out.
      const places = shard.places.filter((place) => !done.has(place));
      const id = `sums-${number}-${places.length}`;
      const value = await bad.try(number, () => ask<unknown>(id, { ...shard, places }, 'sums'));
      if (value === undefined) return;
      whole.mergeState(unpackState(`job ${id} of ${address}`, value));
      for (const place of places) done.add(place);
      frames += shard.frames;
      reading?.(frames, total);
      saving = saving.then(() => unfinished?.save(done, whole.state()));
      await saving;
      await queue.forget(id);
    };
    const take = async (): Promise<void> => {
      for (let next = left.shift(); next && !bad.isEnough; next = left.shift()) await add(next);
    };
    await Promise.all(Array.from({ length: UNDER_WAY }, take));
    bad.throwFirst();
    const sources = shards.map((shard, number) => source(shard, number, ask));
    return { sources, close: () => queue.close() };
  } catch (error) {
    await queue.close();
    throw error;
  }
}

/** Neighbours together, each part of as many frames. */
function shardsOf(jobs: QueuedOptions['jobs']): Shard[] {
  const total = jobs.reduce((sum, { frames }) => sum + frames, 0);
  const most = Math.min(MOST_FRAMES, Math.ceil(total / SHARDS));
  const shards: { places: number[]; frames: number }[] = [];
  for (const [place, { frames }] of jobs.entries()) {
    const last = shards.at(-1);
    if (last && last.frames + frames <= most) {
      last.places.push(place);
      last.frames += frames;
    } else shards.push({ places: [place], frames });
  }
  return shards;
}

function source(
  shard: Shard,
  number: number,
  ask: <T>(id: string, shard: Shard, want: StatisticsJob['want']) => Promise<T>,
): FrameSource {
  let round = 0;
  return {
    async sample(stride) {
      const id = `sample-${number}`;
      return new Float32Array(unpackBytes(id, await ask<string>(id, shard, { sample: stride })));
    },
    async tails(bounds): Promise<Tails> {
      const id = `tails-${round++}-${number}`;
      const found = parse(id, PackedTails, await ask<unknown>(id, shard, { tails: pack(bounds) }));
      return {
        counts: new Float64Array(unpackBytes(id, found.counts)),
        sizes: new Uint32Array(unpackBytes(id, found.sizes)),
        values: new Float32Array(unpackBytes(id, found.values)),
      };
    },
  };
}
