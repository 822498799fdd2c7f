import { InputError, lockFolder, Progress, packageVersion, ValetError, WorkerClient } from '../../base/index.ts';
import { DatasetWriter, type EncodedEpisode, type FinishedPart, UnfinishedSet } from '../../data/index.ts';
import { checkpointDigest } from '../../model/index.ts';
import { homeTask } from '../tasks/index.ts';
import { INSTANCE_RANGES, MUJOCO_VERSION, SCENE_VERSION } from '../world/index.ts';
import { checkDemoOptions, type DemoOptions, type DemoSummary } from './demoOptions.ts';
import type { DemoPlayed, DemoSettings, DemoUnit } from './demos.worker.ts';
import { type Scene, SceneQueue } from './sceneQueue.ts';

/** Instances set aside for one seed; the second half of them for corrections. */
const SEED_SPAN = 100_000_000;
/** Instances for one scene: the next is tried when the expert fails. */
const ATTEMPTS = 8;

/** A scene whose episodes are on disk. */
interface FinishedScene extends FinishedPart {
  readonly task: number;
  readonly scene: number;
  readonly played: DemoPlayed;
}

const SCENES = {
  name: 'demos',
  parts: 'scenes',
  keyOf: ({ task, scene }: Pick<FinishedScene, 'task' | 'scene'>) => `${task}/${scene}`,
};

/**
 * Makes a LeRobot data set of demonstrations. What it holds depends on the options but not on the number of workers.
 */
export async function makeDemonstrations(options: DemoOptions): Promise<DemoSummary> {
  checkDemoOptions(options);
  const lock = await lockFolder(options.out, 'valet home demos');
  try {
    return await make(options);
  } finally {
    await lock.release();
  }
}

async function make(options: DemoOptions): Promise<DemoSummary> {
  const { episodes, out, seed = 0, imageSize = 64, workers = 2, correct, clipSeconds } = options;
  const tasks = options.tasks.map((name) => homeTask(name));
  const started = performance.now();
  const identity = await identityOf(options);
  const first = INSTANCE_RANGES.train[0] + seed * SEED_SPAN + (correct === undefined ? 0 : SEED_SPAN / 2);
  const queue = new SceneQueue(tasks.length, episodes, correct === undefined ? episodes : Number.POSITIVE_INFINITY);
  const folder = UnfinishedSet.folderOf(out);
  const unfinished = await UnfinishedSet.open<FinishedScene>(out, SCENES, identity, options);
  const writer = await openWriter(options, folder).catch(async (error: unknown) => {
    await unfinished.close();
    throw error;
  });
  const most = writer.layout.info.chunks_size;
  const settings: DemoSettings = {
    folder,
    layout: writer.layout,
    imageSize,
    seed,
    clipSeconds,
    disturbance: disturbanceOf(options),
    late: options.late ?? 0,
    until: options.until,
    picturesEvery: options.picturesEvery,
    correct,
    otherStatistics: options.otherStatistics,
  };
  const progress = new Progress('demonstrations', episodes * tasks.length, {
    unit: 'episodes',
    silent: options.silent,
  });
  const total = { frames: 0, failures: 0, scenes: 0, successes: 0 };
  const clients = Array.from({ length: Math.min(workers, episodes * tasks.length) }, () =>
    WorkerClient.start('home/demos/demos.worker'),
  );
  const end = () => Promise.all(clients.map((client) => client.close()));
  const play = async (client: WorkerClient, scene: Scene): Promise<FinishedScene | undefined> => {
    const task = tasks[scene.task] as (typeof tasks)[number];
    const past = unfinished.past(SCENES.keyOf({ task: scene.task, scene: scene.number }));
    const instances = Array.from({ length: ATTEMPTS }, (_, k) => first + scene.number * ATTEMPTS + k);
    const unit: DemoUnit = { task: task.name, instances };
    const played = past?.played ?? (await client.call<DemoPlayed>('play', unit));
    const room = await scene.place(played.episodes);
    if (!room || past) return room && past;
    const place = { first: task.id * most + room.from, count: room.count };
    const written = await client.call<EncodedEpisode[]>('write', place);
    const done = { task: scene.task, scene: scene.number, played, written };
    await unfinished.append(done);
    return done;
  };
  let failed = false;
  const work = async (client: WorkerClient): Promise<void> => {
    await client.call('open', settings);
    for (let scene = queue.take(); scene && !failed; scene = queue.take()) {
      const done = await play(client, scene);
      if (!done) continue; // beyond what was asked for
      total.failures += done.played.failures;
      total.scenes++;
      if (done.played.policySuccess) total.successes++;
      for (const episode of done.written) {
        writer.addEncoded(episode);
        total.frames += episode.length;
      }
      progress.add(done.written.length, `${total.frames} frames`);
    }
  };
  try {
    await Promise.race([Promise.all(clients.map(work)), interruption(options.signal)]);
    await writer.finish();
    await unfinished.finish(out);
  } catch (error) {
    failed = true;
    await end();
    await unfinished.close();
    if (!options.signal?.aborted) throw error;
    const kept = unfinished.episodes > 0 ? 'Go on with --resume.' : 'Nothing was left behind.';
    throw new ValetError(
      out,
      `interrupted with ${unfinished.episodes} of ${episodes * tasks.length} episodes done. ${kept}`,
      'interrupted',
    );
  }
  progress.end(`${total.frames} frames`);
  await end();
  return {
    episodes: writer.episodeCount,
    frames: total.frames,
    seconds: (performance.now() - started) / 1000,
    expertFailures: total.failures,
    scenes: total.scenes,
    ...missing(tasks, queue),
    ...(correct === undefined || options.until !== undefined
      ? {}
      : { helpedSuccess: total.successes / Math.max(1, total.scenes) }),
    out,
  };
}

async function openWriter(options: DemoOptions, folder: string) {
  const { out, imageSize = 64, replace, episodes, tasks, picturesEvery } = options;
  const stageSuccessors = Object.fromEntries(
    tasks.map(homeTask).flatMap((task) => (task.stageSuccessors ? [[task.id, task.stageSuccessors]] : [])),
  );
  const writer = await DatasetWriter.create(out, { imageSize, replace, folder, stageSuccessors, picturesEvery });
  const most = writer.layout.info.chunks_size;
  if (episodes > most)
    throw new InputError('home demos', `a data set holds at most ${most} episodes of a task (got ${episodes}).`);
  return writer;
}

const disturbanceOf = ({ disturbance, clipSeconds }: DemoOptions): number =>
  disturbance ?? (clipSeconds === undefined ? 0 : 0.4);

/** All that the episodes follow from. */
async function identityOf(options: DemoOptions): Promise<Readonly<Record<string, unknown>>> {
  const { tasks, episodes, seed = 0, imageSize = 64, clipSeconds = null, correct } = options;
  return {
    tasks,
    episodes,
    seed,
    imageSize,
    clipSeconds,
    disturbance: disturbanceOf(options),
    late: options.late ?? 0,
    ...(options.until !== undefined && { until: options.until }),
    ...(options.picturesEvery !== undefined && { picturesEvery: options.picturesEvery }),
    correct: correct === undefined ? null : await checkpointDigest(correct),
    versions: { valet: packageVersion(), mujoco: MUJOCO_VERSION, scenes: SCENE_VERSION },
  };
}

/** Never settles in any other way than by failing when the signal comes. */
function interruption(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function missing(tasks: readonly { readonly name: string }[], queue: SceneQueue): { missing?: Record<string, number> } {
  const short = tasks.map(({ name }, i) => [name, queue.missing(i)] as const).filter(([, count]) => count > 0);
  return short.length === 0 ? {} : { missing: Object.fromEntries(short) };
}
