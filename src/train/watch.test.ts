import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { smallTraining, writeFakeSet } from '../../test/support/training.ts';
import { writeNormStats } from '../action/index.ts';
import { Random } from '../base/index.ts';
import { datasetStatistics } from '../data/index.ts';
import { checkpointDigest, checkpointProvenance, readCheckpoint } from '../model/index.ts';
import type { TrainConfig } from './config.ts';
import type { RolloutPlayer } from './lookPlan.ts';
import type { TrainOptions } from './options.ts';
import { train } from './train.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

let folder: string;
let data: string;
let config: TrainConfig;
let stats: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-watch-'));
  data = join(folder, 'data');
  const tasks = ['turning_on_radio', 'picking_up_trash'];
  const episodes = Array.from({ length: 8 }, (_, seed) => ({ seed, taskIndex: Math.floor(seed / 4) }));
  await writeFakeSet(
    data,
    episodes.map((episode) => ({ ...episode, taskName: tasks[episode.taskIndex] ?? '' })),
  );
  config = await smallTraining({
    model: { useCorrelatedNoise: false },
    steps: 6,
    checkpointEvery: 3,
    keepCheckpoints: 1,
    validation: { share: 0.5, every: 2, batches: 1, chunks: 3 },
  });
  stats = join(folder, 'norm_stats.json');
  const { statistics } = await datasetStatistics([data], { horizon: 30, paddedWidth: config.model.actionDim ?? 32 });
  await writeNormStats(stats, statistics);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Scores that follow from the weights and the seed alone, after a while of its own: an episode's stand-in. */
const scoring = (
  delay: (look: number, signal: AbortSignal) => Promise<void>,
  onPlay: (checkpoint: string) => void = () => {},
) => {
  let looks = 0;
  return {
    tasks: async (_, ofData) => ofData,
    async play(checkpoint, { tasks, episodes, seed }, _out, signal) {
      onPlay(checkpoint);
      await delay(looks++, signal);
      if (signal.aborted) throw new Error('given up');
      const random = Random.of(await checkpointDigest(checkpoint), seed);
      return tasks.map((task) => {
        const qs = Array.from({ length: episodes }, () => random.uniform());
        const q = qs.reduce((a, b) => a + b, 0) / episodes;
        return { task, episodes, q, success: 0, qs, instances: qs.map((_q, i) => i), seeds: [seed] };
      });
    },
  } satisfies RolloutPlayer;
};
const soon = async () => {};
const plan = { every: 2, tasks: 'all', episodes: 2, seed: 'look' } as const;

/** Without held-out episodes. */
const unlooked = () => ({ ...config, validation: { ...config.validation, share: 0 } });
const run = (out: string, more: Partial<TrainOptions> = {}) =>
  train({
    config: more.rollouts || more.player ? unlooked() : config,
    stats,
    data: [data],
    out: join(folder, out),
    threads: 1,
    seed: 3,
    ...more,
  });
const lines = async (...path: string[]) =>
  (await readFile(join(folder, ...path), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const checkpoints = async (out: string) => (await readdir(join(folder, out, 'checkpoints'))).sort();
const cardOf = async (out: string, step: string) =>
  JSON.parse(await readFile(join(folder, out, 'checkpoints', step, 'card.json'), 'utf8'));

describe('rollouts while training', () => {
  it('come to the same however long they take, and when the run is interrupted', async () => {
    const quick = await run('quick', { rollouts: plan, player: scoring(soon), best: 'q' });
    const looks = await lines('quick', 'rollouts.jsonl');
    expect(looks.map(({ step, task }) => [step, task])).toEqual(
      [2, 4, 6].flatMap((step) => ['turning_on_radio', 'picking_up_trash'].map((task) => [step, task])),
    );
    expect(looks[0]).toMatchObject({ episodes: 2, seeds: ['look'], q: expect.any(Number), success: 0 });

    // The first look does not end before all updates are made: all others wait for it, and their checkpoints stay.
    let allMade = () => {};
    const made = new Promise<void>((resolve) => {
      allMade = resolve;
    });
    const there: string[][] = [];
    const slow = scoring(
      async (look) => (look === 0 ? made : undefined),
      () => void checkpoints('slow').then((names) => there.push(names)),
    );
    const onStep = (step: number) => void (step === 6 && setTimeout(allMade, 300));
    await run('slow', { rollouts: plan, player: slow, best: 'q', onStep });
    expect(await lines('slow', 'rollouts.jsonl')).toEqual(looks);

    // Ends while its first look is under way; what is open is played when the run goes on, which knows what to do.
    const stop = new AbortController();
    const never = scoring((_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())));
    const half = await run('halves', {
      ...{ rollouts: plan, player: never, best: 'q', signal: stop.signal },
      onStep: (step) => step === 4 && stop.abort(),
    });
    expect(half).toMatchObject({ step: 4, stopped: 'interrupted' });
    expect(await checkpoints('halves')).toEqual(['000002', '000004', 'latest']);
    const whole = await run('halves', { resume: true, player: scoring(soon) });
    expect(whole.best).toMatch(/\d{6}$/);
    expect(await lines('halves', 'rollouts.jsonl')).toEqual(looks);

    const best = await readlink(join(folder, 'quick', 'checkpoints', 'best'));
    expect(quick.best).toBe(join(folder, 'quick', 'checkpoints', best));
    const q = (step: number) => looks.filter((look) => look.step === step).reduce((sum, look) => sum + look.q / 2, 0);
    const values = [2, 4, 6].map(q);
    expect(Number(best)).toBe(2 + 2 * values.indexOf(Math.max(...values)));
    for (const out of ['slow', 'halves']) {
      expect(await readlink(join(folder, out, 'checkpoints', 'best'))).toBe(best);
      expect(await checkpoints(out)).toEqual(await checkpoints('quick'));
      expect(await checkpointDigest(join(folder, out, 'checkpoints', '000006'))).toBe(
        await checkpointDigest(join(folder, 'quick', 'checkpoints', '000006')),
      );
      expect((await cardOf(out, best)).selection).toBe((await cardOf('quick', best)).selection);
    }
  });

  it('say in the card of the best one how it was chosen, which results quote', async () => {
    const best = join(folder, 'quick', 'checkpoints', 'best');
    const { selection } = await checkpointProvenance(best);
    expect(selection).toMatch(
      new RegExp(
        '^while training: highest q of 3 looks in rollouts of 2 train instances of each of turning_on_radio, ' +
          'picking_up_trash, seed look \\(step 2: 0\\.\\d+, .*6: 0\\.\\d+\\)$',
      ),
    );
    expect((await readCheckpoint(best)).card).toMatchObject({ selection });
    const others = (await checkpoints('quick')).filter((name) => /^\d+$/.test(name));
    const chosen = await Promise.all(others.map((name) => cardOf('quick', name)));
    expect(chosen.filter((card) => card.selection !== undefined)).toHaveLength(1);
  });

  it('that fail are told, and the training goes on', async () => {
    const broken: RolloutPlayer = {
      tasks: async (_, ofData) => ofData,
      play: async () => {
        throw new Error('no floor');
      },
    };
    const said: string[] = [];
    const result = await run('broken', {
      config: { ...unlooked(), steps: 2 },
      rollouts: plan,
      player: broken,
      best: 'q',
      log: (line) => said.push(line),
    });
    expect(result).toMatchObject({ step: 2 });
    expect(result.best).toBeUndefined();
    expect(said.join('\n')).toMatch(/rollouts at step 2 failed: no floor/);
    expect(await lines('broken', 'rollouts.jsonl')).toEqual([{ step: 2, failed: 'no floor' }]);
  });
});

describe('validation', () => {
  it('tells each task by losses, error in the unit of the robot, and stages', async () => {
    await run('held', { best: 'validation/loss' });
    const looks = await lines('held', 'validation.jsonl');
    expect(looks.map(({ step }) => step)).toEqual([2, 4, 6]);
    const [first] = looks;
    expect(Object.keys(first.tasks)).toEqual(['turning_on_radio', 'picking_up_trash']);
    let [sum, samples] = [0, 0];
    for (const task of Object.values<(typeof first.tasks)[string]>(first.tasks)) {
      expect(task.error.base.units).toEqual(['m/s', 'm/s', 'rad/s']);
      expect(task.error.base.error).toHaveLength(3);
      expect(task.error.torso.error).toHaveLength(4);
      expect(Object.values<{ error: number[] }>(task.error).every(({ error }) => error.every((e) => e > 0))).toBe(true);
      const counted = task.stages.confusion.flat().reduce((a: number, b: number) => a + b, 0);
      expect(counted).toBe(3);
      const right = task.stages.confusion.reduce((a: number, row: number[], i: number) => a + (row[i] ?? 0), 0);
      expect(task.stages.accuracy).toBeCloseTo(right / 3, 9);
      sum += task.losses.loss * task.samples;
      samples += task.samples;
    }
    expect(first.loss).toBeCloseTo(sum / samples, 6);
    // The best is kept although no checkpoint is due at its step.
    const losses = looks.map(({ loss }) => loss);
    const best = looks[losses.indexOf(Math.min(...losses))].step;
    expect(Number(await readlink(join(folder, 'held', 'checkpoints', 'best')))).toBe(best);
    expect((await cardOf('held', String(best).padStart(6, '0'))).selection).toMatch(
      /^while training: lowest validation\/loss of 3 looks on held-out episodes \(step 2: /,
    );
  });

  it.each([
    ['validation/lose', {}, /Did you mean 'validation\/loss'/],
    ['q', {}, /measured by rollouts. Add --rollouts/],
    ['validation/loss', { share: 0 }, /measured on held-out episodes, and none are/],
  ])('refuses --best %s before anything is written', async (best, validation, message) => {
    const other = { ...config, validation: { ...config.validation, ...validation } };
    await expect(run('none', { best, config: other })).rejects.toThrow(message);
    await expect(readdir(join(folder, 'none'))).rejects.toThrow();
  });
});
