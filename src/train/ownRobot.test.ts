import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeRobotDataset } from '../../test/support/data.ts';
import { checkDataset, datasetStatistics, type EpisodeRecord, openDataset, stageTable } from '../data/index.ts';
import { readCheckpoint } from '../model/index.ts';
import { parseRobot, type Robot, robotNamed, robotRecord, sameRobot, stateOf } from '../robot/index.ts';
import { checkTrainConfig, type TrainConfig } from './config.ts';
import { loadTrainConfig } from './configFile.ts';
import { applySettings } from './settings.ts';
import { train } from './train.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** Seven numbers, two cameras, 20 control steps a second, short chunks. */
const arm = parseRobot({ ...robotRecord(robotNamed('single-arm')), name: 'table-arm', rate: 20, horizon: 8 });
const r1pro21 = robotNamed('r1pro-21');

let folder: string;
let config: TrainConfig;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-own-robot-'));
  const small = ['visionWidth=16', 'visionLayers=1', 'vlmWidth=32', 'vlmMlpDim=32', 'expertWidth=16', 'layers=2'];
  const settings = [
    ...small,
    'expertMlpDim=32',
    'visionMlpDim=32',
    'useFastAuxiliary=true',
    'maxFastTokens=16',
    'fastVocabSize=400',
  ];
  const dummy = applySettings(await loadTrainConfig('dummy'), [
    ...settings.map((setting) => `model.${setting}`),
    'steps=4',
  ]);
  config = checkTrainConfig(dummy);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Mean and deviation of each number of a chunk, over all chunks, written out. */
function slowStatistics(robot: Robot, records: readonly Pick<EpisodeRecord, 'state' | 'action'>[]) {
  const { width, horizon, deltaMask } = robot;
  const chunks: number[][] = [];
  for (const { state, action } of records) {
    const frames = action.length / width;
    const length = state.length / frames;
    for (let t = 0; t + horizon <= frames; t++) {
      const now = stateOf(robot, state.subarray(t * length, (t + 1) * length));
      const chunk = Array.from(action.subarray(t * width, (t + horizon) * width));
      chunks.push(chunk.map((x, i) => (deltaMask[i % width] ? Math.fround(x - now[i % width]!) : x)));
    }
  }
  const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  return Array.from({ length: horizon * width }, (_, i) => {
    const values = chunks.map((chunk) => chunk[i]!);
    const middle = mean(values);
    return { mean: middle, std: Math.sqrt(mean(values.map((x) => (x - middle) ** 2))) };
  });
}

describe.each([
  ['seven numbers, two cameras, 20 Hz', arm, undefined, 30],
  ['21 numbers, 61 of proprioception', r1pro21, 61, 40],
] as const)('a robot with %s', (_, robot, stateLength, frames) => {
  const data = () => join(folder, robot.name);
  let records: readonly Pick<EpisodeRecord, 'state' | 'action'>[];
  beforeAll(async () => {
    const options = { episodes: 3, frames, tasks: 3, ...(stateLength && { stateLength }) };
    records = await writeRobotDataset(data(), robot, options);
  });

  it('is known from its data set, which is sound', async () => {
    const dataset = await openDataset(data());
    expect(sameRobot(dataset.robot!, robot)).toBe(true);
    expect([dataset.fps, dataset.cameras]).toEqual([robot.rate, robot.cameraNames]);
    expect(await checkDataset(data())).toMatchObject({ ok: true, problems: [], episodes: 3 });
    expect(await stageTable([dataset], 'skills')).toEqual([2, 2, 2]);
  });

  it('has the statistics that counting slowly gives', async () => {
    const { statistics, chunks } = await datasetStatistics([data()], { workers: 1 });
    expect(chunks).toBe(3 * (frames - robot.horizon + 1));
    const { width, perTimestep } = statistics;
    for (const [i, { mean, std }] of slowStatistics(robot, records).entries()) {
      const at = Math.floor(i / robot.width) * width + (i % robot.width);
      expect(Math.abs(perTimestep.mean[at]! - mean), `mean ${i}`).toBeLessThan(1e-6);
      expect(Math.abs(perTimestep.std[at]! - std), `std ${i}`).toBeLessThan(1e-5);
    }
  });

  it('trains with FAST tokens, and the checkpoint says whose it is', async () => {
    const { checkpoint, step } = await train({
      config,
      data: [data()],
      out: join(folder, `${robot.name} run`),
      threads: 1,
    });
    expect(step).toBe(4);
    const file = JSON.parse(await readFile(join(checkpoint, 'config.json'), 'utf8'));
    expect(file.robot).toEqual(JSON.parse(JSON.stringify(robotRecord(robot))));
    const { model } = file;
    expect([model.cameras, model.actionHorizon, model.actionDim, model.taskNumStages]).toEqual([
      robot.cameraNames,
      robot.horizon,
      robot.paddedWidth,
      [2, 2, 2],
    ]);
    const { normStats } = await readCheckpoint(checkpoint);
    expect([normStats.horizon, normStats.width]).toEqual([robot.horizon, robot.paddedWidth]);
    const run = JSON.parse(await readFile(join(folder, `${robot.name} run`, 'run.json'), 'utf8'));
    expect(run.robot.name).toBe(robot.name);
  });
});

it(
  'refuses a checkpoint of another robot, data of two robots, and data of a robot that is not the ' + 'given one',
  async () => {
    const run = (more: object) => train({ config, data: [join(folder, arm.name)], out: join(folder, 'no'), ...more });
    const init = join(folder, 'r1pro-21 run', 'checkpoints', 'latest');
    await expect(run({ init })).rejects.toThrow(/drives another robot \(r1pro-21: 21 actions at 30 Hz/);
    const both = [arm, r1pro21].map(({ name }) => join(folder, name));
    await expect(run({ data: both })).rejects.toThrow(/is of another robot \(r1pro-21, 21 actions at 30 Hz\)/);
    await expect(run({ robot: r1pro21 })).rejects.toThrow(
      /not of the robot r1pro-21: its actions have 7 numbers, not 21/,
    );
  },
);

it('refuses tasks beyond a given table of stages, and takes a longer one', async () => {
  const run = (table: string, out: string) =>
    train({
      config: checkTrainConfig(applySettings(config, [`model.taskNumStages=${table}`, 'steps=1'])),
      data: [join(folder, arm.name)],
      out: join(folder, out),
      threads: 1,
    });
  await expect(run('[3,3]', 'short table')).rejects.toThrow(/is of task 2, the table of stages has tasks 0…1/);
  const { checkpoint } = await run('[3,3,4,5]', 'long table');
  expect((await readCheckpoint(checkpoint)).config.taskNumStages).toEqual([3, 3, 4, 5]);
});

it('takes the successors of stages from the data, and keeps those of the checkpoint that it starts from', async () => {
  const data = join(folder, 'branching');
  const successors = [[1, 2], [], []];
  await writeRobotDataset(data, arm, { episodes: 3, frames: 30, tasks: 3, stageSuccessors: { 1: successors } });
  expect(await stageTable([await openDataset(data)], 'skills')).toEqual([2, 3, 2]);
  const run = async (out: string, more: object) => {
    const settings = checkTrainConfig(applySettings(config, ['steps=1']));
    const options = { config: settings, data: [data], out: join(folder, out), threads: 1, ...more };
    return (await train(options)).checkpoint;
  };
  const first = await run('branching run', {});
  expect((await readCheckpoint(first)).config.stageSuccessors).toEqual({ 1: successors });
  const plain = await run('plain run', { init: first, data: [join(folder, arm.name)] });
  expect((await readCheckpoint(plain)).config.stageSuccessors).toEqual({ 1: successors });
});
