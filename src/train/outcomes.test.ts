import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { fakeEpisode } from '../../test/support/data.ts';
import { smallParts } from '../../test/support/model.ts';
import { smallTraining } from '../../test/support/training.ts';
import { DatasetWriter, openSets } from '../data/index.ts';
import { createPlanner, readCheckpoint } from '../model/index.ts';
import { CHALLENGE_ROBOT, fakeObservation } from '../robot/index.ts';
import type { TrainConfig } from './config.ts';
import { Outcomes } from './outcomes.ts';
import { train } from './train.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const size = smallParts.imageSize;
const LENGTH = 40;
let folder: string;
let rollouts: string;
let demos: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-outcomes-'));
  [rollouts, demos] = [join(folder, 'rollouts'), join(folder, 'demos')];
  const played = await DatasetWriter.create(rollouts, { imageSize: size });
  for (const [seed, success] of [true, false].entries()) {
    const rewards = new Float32Array(LENGTH);
    if (success) rewards[LENGTH - 1] = 1;
    const heads = { predictedSuccess: rewards.map(() => 0.5), predictedProgress: rewards.map((_, t) => t / LENGTH) };
    const episode = fakeEpisode({ length: LENGTH, size, seed });
    await played.addEpisode({ ...episode, outcome: { rewards, success, ...heads } });
  }
  await played.finish();
  const shown = await DatasetWriter.create(demos, { imageSize: size });
  await shown.addEpisode(fakeEpisode({ length: LENGTH, size, seed: 3, clip: { start: 20, fullLength: 100 } }));
  const correction = fakeEpisode({ length: LENGTH, size, seed: 4 });
  await shown.addEpisode({ ...correction, meta: { ...correction.meta, source: 'correction' } });
  await shown.finish();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const configured = async (model: Partial<TrainConfig['model']>, advantage: Partial<TrainConfig['advantage']> = {}) => {
  const config = await smallTraining({ model, steps: 2, checkpointEvery: 2 });
  return { ...config, advantage: { ...config.advantage, ...advantage } };
};
const read = async (config: TrainConfig, ...folders: string[]) => {
  const { sets } = await openSets(folders, { pictures: true, tasks: 'refused' });
  const model = { ...config.model, actionHorizon: CHALLENGE_ROBOT.horizon };
  return Outcomes.read(sets, { advantage: config.advantage, model } as Parameters<typeof Outcomes.read>[1], () => {});
};

it('asks nothing of the data while nothing is asked for', async () => {
  expect(await read(await configured({}), rollouts)).toBeUndefined();
});

it('weighs rollouts against the mean of their task and stage, to a mean of 1; demonstrations count 1', async () => {
  const outcomes = (await read(await configured({}, { baseline: 'stage', discount: 1 }), demos, rollouts))!;
  // Return to go 1 and 0, mean 0.5: advantages 0.5 and -0.5, clipped at 2 temperatures of 0.25.
  const [good, bad] = [Math.E ** 2, Math.E ** -2].map((weight) => (2 * weight) / (Math.E ** 2 + Math.E ** -2));
  expect(outcomes.at(1, 0, 3).weight).toBeCloseTo(good!, 6);
  expect(outcomes.at(1, 1, 3).weight).toBeCloseTo(bad!, 6);
  expect(outcomes.at(0, 0, 3).weight).toBe(1);
  expect([outcomes.at(1, 0, 0).success, outcomes.at(1, 1, 0).success]).toEqual([true, false]);
  expect(outcomes.at(0, 0, 0).success).toBeUndefined();
});

it('weighs them against what the heads expected', async () => {
  const outcomes = (await read(await configured({}, { baseline: 'head', discount: 1 }), rollouts))!;
  expect(outcomes.at(0, 0, 3).weight / outcomes.at(0, 1, 3).weight).toBeCloseTo(Math.E ** 4, 4);
});

it('knows the progress of successes and demonstrations, not of failures and corrections', async () => {
  const outcomes = (await read(await configured({ progressLossWeight: 1 }), demos, rollouts))!;
  expect(outcomes.at(0, 0, 10).progress).toBeCloseTo(0.3, 12);
  expect(outcomes.at(0, 1, 10).progress).toBeUndefined();
  expect(outcomes.at(1, 0, 10).progress).toBeCloseTo(10 / LENGTH, 12);
  expect(outcomes.at(1, 1, 10).progress).toBeUndefined();
});

it('refuses advantages and success of data without outcomes', async () => {
  await expect(read(await configured({}, { baseline: 'stage' }), demos)).rejects.toThrow(
    /no data set tells what became.*--record-data/,
  );
  await expect(read(await configured({ successLossWeight: 1 }), demos)).rejects.toThrow(/no data set tells/);
});

it('trains with weights and heads, and the policy tells success and progress at every plan', async () => {
  const config = await configured({ successLossWeight: 0.1, progressLossWeight: 0.1 }, { baseline: 'stage' });
  const out = join(folder, 'run');
  const { checkpoint } = await train({ config, data: [demos, rollouts], out, threads: 1, seed: 3 });
  const [line] = (await readFile(join(out, 'metrics.jsonl'), 'utf8')).split('\n');
  expect(JSON.parse(line ?? '')).toMatchObject({
    'loss/success': expect.any(Number),
    'loss/progress': expect.any(Number),
  });
  const planner = await createPlanner(await readCheckpoint(checkpoint), { threads: 1 });
  const { pictures } = fakeObservation(CHALLENGE_ROBOT);
  const state = new Float32Array(CHALLENGE_ROBOT.width);
  const [plan] = await planner.plan([{ taskId: 0, stage: 0, state, pictures, seed: 's' }]);
  await planner.close();
  for (const value of [plan?.heads?.success, plan?.heads?.progress]) {
    expect(value).toBeGreaterThan(0);
    expect(value).toBeLessThan(1);
  }
});
