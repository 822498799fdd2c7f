import { InputError, Progress, WorkerClient } from '../../base/index.ts';
import { DatasetWriter } from '../../data/index.ts';
import { homeTask } from '../tasks/index.ts';
import { HOUSEHOLD_ROBOT, INSTANCE_RANGES } from '../world/index.ts';
import type { DemoResult, DemoSettings, DemoUnit } from './demos.worker.ts';

export interface DemoOptions {
  readonly tasks: readonly string[];
  /** Episodes of each task; with `correct` at most so many clips. */
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
  /** Corrections: share of scenes in which the policy, helped now and then by the expert, reached the goal. */
  readonly helpedSuccess?: number;
  readonly out: string;
}

/** Instances set aside for one seed, and for one episode of it. */
const SEED_SPAN = 100_000_000;
const ATTEMPTS = 8;
/** Steps between two corrections of one scene, on average: a scene gives at most its time-out divided by this. */
const CORRECTION_STEPS = 40;

/**
 * Makes a LeRobot data set of demonstrations. What it holds depends on the options but not on the number of workers.
 */
export async function makeDemonstrations(options: DemoOptions): Promise<DemoSummary> {
  const { episodes, out, seed = 0, imageSize = 64, workers = 2, correct, clipSeconds } = options;
  const where = 'home demos';
  if (!Number.isSafeInteger(episodes) || episodes < 1 || episodes > SEED_SPAN / ATTEMPTS)
    throw new InputError(where, `the number of episodes must be an integer from 1 on (got ${episodes}).`);
  if (!Number.isSafeInteger(seed) || seed < 0 || seed > 1e6)
    throw new InputError(where, `the seed must be an integer from 0 to 1000000 (got ${seed}).`);
  if (!Number.isSafeInteger(workers) || workers < 1)
    throw new InputError(where, `the number of workers must be an integer from 1 on (got ${workers}).`);
  const chunkSeconds = HOUSEHOLD_ROBOT.horizon / HOUSEHOLD_ROBOT.rate;
  if (clipSeconds !== undefined && !(clipSeconds > chunkSeconds && clipSeconds <= 600))
    throw new InputError(
      where,
      `a clip must be longer than ${chunkSeconds} second, the length of a chunk (got ${clipSeconds}).`,
    );
  const tasks = options.tasks.map((name) => homeTask(name));
  const started = performance.now();
  const writer = await DatasetWriter.create(out, { imageSize, replace: options.replace });
  const chunk = writer.layout.info.chunks_size;
  const units = tasks
    .flatMap((task) => {
      const perUnit = correct === undefined ? 1 : Math.ceil((2 * task.meanExpertSteps) / CORRECTION_STEPS);
      return Array.from({ length: Math.ceil(episodes / perUnit) }, (_, i): DemoUnit & { share: number } => {
        const first = i * perUnit;
        const instance = INSTANCE_RANGES.train[0] + seed * SEED_SPAN + first * ATTEMPTS;
        return {
          task: task.name,
          episodeIndex: task.id * chunk + first,
          instances: Array.from({ length: ATTEMPTS }, (_, k) => instance + k),
          limit: Math.min(perUnit, episodes - first),
          share: first / episodes,
        };
      });
    })
    .sort((a, b) => a.share - b.share);
  const settings: DemoSettings = {
    folder: writer.folder,
    layout: writer.layout,
    imageSize,
    seed,
    clipSeconds,
    disturbance: options.disturbance ?? (clipSeconds === undefined ? 0 : 0.4),
    correct,
  };
  const progress = new Progress('demonstrations', units.length, { unit: 'scenes', silent: options.silent });
  const total = { frames: 0, failures: 0, scenes: 0, successes: 0 };
  const clients = Array.from({ length: Math.min(workers, units.length) }, () =>
    WorkerClient.start('home/demos/demos.worker'),
  );
  let next = 0;
  try {
    await Promise.all(
      clients.map(async (client) => {
        await client.call('open', settings);
        while (next < units.length) {
          const result = await client.call<DemoResult>('play', units[next++]);
          for (const episode of result.episodes) writer.addEncoded(episode);
          total.frames += result.frames;
          total.failures += result.failures;
          total.scenes++;
          if (result.policySuccess) total.successes++;
          progress.add(1, `${total.frames} frames`);
        }
      }),
    );
    await writer.finish();
  } catch (error) {
    next = units.length;
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
    ...(correct === undefined ? {} : { helpedSuccess: total.successes / Math.max(1, total.scenes) }),
    out,
  };
}
