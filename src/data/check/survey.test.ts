import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeEpisode, fakeEpisode } from '../../../test/support/data.ts';
import { CHALLENGE_ROBOT, stateOf } from '../../robot/index.ts';
import { DatasetWriter } from '../lerobot/writer.ts';
import { checkDataset } from './checkDataset.ts';
import { isOff } from './fit.ts';
import { setReference } from './setReference.ts';
import { Survey } from './survey.ts';

const robot = CHALLENGE_ROBOT;
const { width } = robot;
const STATE = robot.proprioception.layouts[0]!.length;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-survey-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Two episodes of noise that moves in every dimension, each number within its robot's ways, and then changed. */
async function written(name: string, change: (episode: FakeEpisode, i: number) => void = () => {}): Promise<string> {
  const dir = join(folder, name);
  const writer = await DatasetWriter.create(dir, { imageSize: 16 });
  for (const i of [0, 1]) {
    const episode = fakeEpisode({ length: 40, size: 16, seed: i + 1, instance: i });
    const own = { ...episode, state: episode.state.slice(), action: episode.action.slice() };
    for (let k = 0; k < own.action.length; k++) own.action[k] = 0.3 * Math.sin(k * 0.7 + i + Math.floor(k / width));
    for (let k = 0; k < own.state.length; k++) own.state[k] = 0.2 * Math.sin(k * 0.3 + i + Math.floor(k / STATE));
    // Grippers of which the state is made of two fingers.
    for (const source of robot.proprioception.layouts[0]!.state)
      if ('sum' in source)
        for (let t = 0; t < 40; t++)
          for (const at of source.sum) {
            const wanted = 0.9 * Math.sin(t + i);
            own.state[t * STATE + at] = (((wanted - source.add) / source.multiply) * source.divide) / source.sum.length;
          }
    for (const { column, closed, open } of robot.grippers)
      for (let t = 0; t < 40; t++) own.action[t * width + column] = t % 20 < 10 ? closed : open;
    change(own, i);
    await writer.addEpisode(own);
  }
  await writer.finish();
  return dir;
}
const notesOf = async (dir: string) =>
  ((await checkDataset(dir, { endsOnly: true })).notes ?? []).map(({ code, message }) => `${code}: ${message}`);
const column = (part: string) => robot.parts.find(({ name }) => name === part)!.columns[0];
const each = (values: Float32Array, place: number, change: (x: number, t: number) => number) => {
  for (let t = 0; t * width < values.length; t++) values[t * width + place] = change(values[t * width + place]!, t);
};

describe('what shows in all numbers together', () => {
  it('says nothing of a set in which nothing is odd', async () => {
    const dir = await written('sound');
    expect(await notesOf(dir)).toEqual([]);
    expect(await checkDataset(dir, { endsOnly: true })).not.toHaveProperty('fit');
  });

  it.for<[string, (episode: FakeEpisode, i: number) => void, RegExp]>([
    ['still actions', ({ action }) => each(action, column('torso'), () => 0.5), /^still: in 80 frames .*: torso 0\.$/],
    [
      'a gripper of another convention',
      ({ action }) => {
        const { column: at, open } = robot.grippers[0]!;
        each(action, at, (_, t) => (t % 2 ? open : 0));
      },
      /^gripper: .*uses half of its way/,
    ],
    [
      'a gripper beyond its way',
      ({ action }) => each(action, robot.grippers[1]!.column, (x) => 100 * x),
      /^gripper: .*goes from -100 to 100 .*beyond its way/,
    ],
    [
      'degrees',
      ({ action }) => each(action, column('rightArm') + 2, (_, t) => 90 + t),
      /^limits: .*rightArm 2.*degrees/,
    ],
    ['a fast base', ({ action }) => each(action, column('base'), (_, t) => 20 + t), /^limits: .*m\/s.*base 0/],
  ])('%s', async ([name, change, expected]) => {
    expect(await notesOf(await written(name.replaceAll(' ', '-'), change))).toContainEqual(
      expect.stringMatching(expected),
    );
  });

  it('equal episodes', async () => {
    const dir = await written('equal', ({ state, action }) => {
      for (const values of [state, action]) for (let k = 0; k < values.length; k++) values[k] = 0.3 * Math.sin(k);
    });
    expect(await notesOf(dir)).toContain('equal-episodes: episodes hold the same numbers: 0 and 1.');
  });

  it('a base whose state stands while it is driven', async () => {
    const dir = await written('standing', ({ state }) => {
      const [source] = robot.proprioception.layouts[0]!.state;
      const at = source && 'columns' in source ? source.columns[0] : 0;
      for (let t = 0; t < 40; t++) for (let k = 0; k < 3; k++) state[t * STATE + at + k] = 1e-4 * Math.sin(t + k);
    });
    expect(await notesOf(dir)).toEqual([expect.stringMatching(/^base-velocity: .*base 0, base 1, base 2\. .*--mask/)]);
  });

  it('a joint that is commanded far from where it is', async () => {
    const place = column('leftArm') + 1;
    const dir = await written('apart', ({ action }) => each(action, place, (x) => x + 0.9));
    expect(await notesOf(dir)).toEqual([
      expect.stringMatching(/^limits: commanded 0.5 rad or more .*leftArm 1.*order\?$/),
    ]);
  });
});

it('means, deviations and ranges are those of the plain formulas', () => {
  const { state, action } = fakeEpisode({ length: 50, size: 16, seed: 3 });
  const survey = new Survey(robot);
  const columns = {
    action: { rows: 50, width, data: action },
    'observation.state': { rows: 50, width: STATE, data: state },
  };
  survey.add({ index: 0, taskIndex: 0, instruction: '', length: 50 }, columns);
  const numbers = survey.numbers()!;
  const rows = Array.from({ length: 50 }, (_, t) => {
    const own = stateOf(robot, state.subarray(t * STATE, (t + 1) * STATE));
    return Array.from({ length: width }, (_, d) => action[t * width + d]! - (robot.deltaMask[d] ? own[d]! : 0));
  });
  for (let d = 0; d < width; d++) {
    const values = rows.map((row) => row[d]!);
    const mean = values.reduce((a, b) => a + b) / 50;
    expect(numbers.delta.mean[d]).toBeCloseTo(mean, 10);
    expect(numbers.delta.std[d]).toBeCloseTo(Math.sqrt(values.reduce((s, x) => s + (x - mean) ** 2, 0) / 50), 10);
    expect([numbers.delta.min[d], numbers.delta.max[d]]).toEqual([Math.min(...values), Math.max(...values)]);
  }
});

it('how a set fits another: nothing is off in itself; a moved and a wider dimension are told first', async () => {
  const dir = await written('one');
  const reference = await setReference(dir);
  const same = (await checkDataset(dir, { endsOnly: true, reference })).fit!;
  expect(same).toHaveLength(2 * width);
  expect(same.filter(isOff)).toEqual([]);
  for (const { shift, spread } of same) expect([shift, spread]).toEqual([0, 1]);
  const place = column('rightArm') + 3;
  const other = await written('other', ({ action }) => {
    each(action, place, (x) => x + 0.4);
    each(action, column('base'), (x) => 5 * x);
  });
  const fit = (await checkDataset(other, { endsOnly: true, reference })).fit!;
  expect(fit.filter(isOff).map(({ of, name }) => `${of} ${name}`)).toEqual(['action rightArm 3', 'action base 0']);
  const base = fit.find(({ of, name }) => of === 'action' && name === 'base 0')!;
  expect(base.spread).toBeCloseTo(5, 5);
  const arm = fit.find(({ of, name }) => of === 'action' && name === 'rightArm 3')!;
  expect(arm.shift).toBeCloseTo(0.4 / reference.delta.std[place]!, 4);
});
