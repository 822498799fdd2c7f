import { InputError, Progress, WorkerClient } from '../../base/index.ts';
import { DatasetWriter, type EncodedEpisode } from '../../data/index.ts';
import { homeTask } from '../tasks/index.ts';
import { HOUSEHOLD_ROBOT, INSTANCE_RANGES } from '../world/index.ts';
import type { DemoPlayed, DemoSettings, DemoUnit } from './demos.worker.ts';
import { type Scene, SceneQueue } from './sceneQueue.ts';

export interface DemoOptions {
  readonly tasks: readonly string[];
  /** Episodes of each task; with `correct` clips, from as many scenes as it takes. */
  readonly episodes: number;
  readonly out: string;
  readonly seed?: number;
  /** Keep only a random window of so many seconds of each scene. */
  readonly clipSeconds?: number;
  /** Share of windows before which the robot is pushed off its way. */
  readonly disturbance?: number;
  readonly imageSize?: number;
  readonly workers?: number;
  /** Checkpoint folder: its policy drives, the expert corrects. */
  readonly correct?: string;
  readonly replace?: boolean;
  readonly silent?: boolean;
}

export interface DemoSummary {
  readonly episodes: number;
  readonly frames: number;
  readonly seconds: number;
  /** Scenes that were left out because the expert failed. */
  readonly expertFailures: number;
  /** Scenes that the episodes are from. */
  readonly scenes: number;
  /** Corrections: episodes that are missing, by task: so many scenes in a row had given nothing to correct. */
  readonly missing?: Readonly<Record<string, number>>;
  /** Corrections: share of scenes in which the policy, helped now and then by the expert, reached the goal. */
  readonly helpedSuccess?: number;
  readonly out: string;
}

/** Instances set aside for one seed; the second half of them for corrections. */
const SEED_SPAN = 100_000_000;
/** Instances for one scene: the next is tried when the expert fails. */
const ATTEMPTS = 8;
/** Longer than any scene. */
const MOST_CLIP_SECONDS = 600;

/**
 * Makes a LeRobot data set of demonstrations. What it holds depends on the options but not on the number of workers.
 */
export async function makeDemonstrations(options: DemoOptions): Promise<DemoSummary> {
  const { episodes, out, seed = 0, imageSize = 64, workers = 2, correct, clipSeconds } = options;
  const where = 'home demos';
  if (!Number.isSafeInteger(episodes) || episodes < 1)
    throw new InputError(where, `the number of episodes must be an integer from 1 on (got ${episodes}).`);
  if (!Number.isSafeInteger(seed) || seed < 0 || seed > 1e6)
    throw new InputError(where, `the seed must be an integer from 0 to 1000000 (got ${seed}).`);
  if (!Number.isSafeInteger(workers) || workers < 1)
    throw new InputError(where, `the number of workers must be an integer from 1 on (got ${workers}).`);
  const chunkSeconds = HOUSEHOLD_ROBOT.horizon / HOUSEHOLD_ROBOT.rate;
  if (clipSeconds !== undefined && !(clipSeconds > chunkSeconds && clipSeconds <= MOST_CLIP_SECONDS))
    throw new InputError(
      where,
      `a clip lasts more than ${chunkSeconds} second, the length of a chunk, and at most ${MOST_CLIP_SECONDS} ` +
        `seconds (got ${clipSeconds}). Leave it out for whole scenes.`,
    );
  const tasks = options.tasks.map((name) => homeTask(name));
  const started = performance.now();
  const writer = await DatasetWriter.create(out, { imageSize, replace: options.replace });
  const settings: DemoSettings = {
    folder: writer.folder,
    layout: writer.layout,
    imageSize,
    seed,
    clipSeconds,
    disturbance: options.disturbance ?? (clipSeconds === undefined ? 0 : 0.4),
    correct,
  };
  const most = writer.layout.info.chunks_size;
  if (episodes > most) {
    await writer.abort();
    throw new InputError(where, `a data set holds at most ${most} episodes of a task (got ${episodes}).`);
  }
  const first = INSTANCE_RANGES.train[0] + seed * SEED_SPAN + (correct === undefined ? 0 : SEED_SPAN / 2);
  const queue = new SceneQueue(tasks.length, episodes, correct === undefined ? episodes : Number.POSITIVE_INFINITY);
  const progress = new Progress('demonstrations', episodes * tasks.length, {
    unit: 'episodes',
    silent: options.silent,
  });
  const total = { frames: 0, failures: 0, scenes: 0, successes: 0 };
  const clients = Array.from({ length: Math.min(workers, episodes * tasks.length) }, () =>
    WorkerClient.start('home/demos/demos.worker'),
  );
  let failed = false;
  const work = async (client: WorkerClient): Promise<void> => {
    await client.call('open', settings);
    for (let scene = queue.take(); scene && !failed; scene = queue.take()) {
      const task = tasks[scene.task] as (typeof tasks)[number];
      const instances = Array.from({ length: ATTEMPTS }, (_, k) => first + (scene as Scene).number * ATTEMPTS + k);
      const unit: DemoUnit = { task: task.name, instances };
      const played = await client.call<DemoPlayed>('play', unit);
      const room = await scene.place(played.episodes);
      if (!room) continue; // beyond what was asked for
      total.failures += played.failures;
      total.scenes++;
      if (played.policySuccess) total.successes++;
      const written = await client.call<EncodedEpisode[]>('write', {
        first: task.id * most + room.from,
        count: room.count,
      });
      for (const episode of written) {
        writer.addEncoded(episode);
        total.frames += episode.length;
      }
      progress.add(written.length, `${total.frames} frames`);
    }
  };
  try {
    await Promise.all(clients.map(work));
    await writer.finish();
  } catch (error) {
    failed = true;
    await Promise.all(clients.map((client) => client.close()));
    await writer.abort();
    throw error;
  }
  progress.end(`${total.frames} frames`);
  await Promise.all(clients.map((client) => client.close()));
  return {
    episodes: writer.episodeCount,
    frames: total.frames,
    seconds: (performance.now() - started) / 1000,
    expertFailures: total.failures,
    scenes: total.scenes,
    ...missing(tasks, queue),
    ...(correct === undefined ? {} : { helpedSuccess: total.successes / Math.max(1, total.scenes) }),
    out,
  };
}

function missing(tasks: readonly { readonly name: string }[], queue: SceneQueue): { missing?: Record<string, number> } {
  const short = tasks.map(({ name }, i) => [name, queue.missing(i)] as const).filter(([, count]) => count > 0);
  return short.length === 0 ? {} : { missing: Object.fromEntries(short) };
}
