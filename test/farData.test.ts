import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { raiseDeviations, writeNormStats } from '../src/action/index.ts';
import { DatasetWriter, datasetStatistics } from '../src/data/index.ts';
import { deviationFloors, robotNamed } from '../src/robot/index.ts';
import { train } from '../src/train/index.ts';
import { fakeEpisode } from './support/data.ts';
import { smallTraining } from './support/training.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** Six joints and a gripper. */
const robot = robotNamed('single-arm');
const { width } = robot;
const [STILL, LAST, GRIPPER] = [2, 5, 6];
let folder: string;
const at = (...names: string[]) => join(folder, ...names);

/** What a recording holds in the place of a number: of a column, in a frame. */
type Recorded = (usual: number, column: number, frame: number) => number;

/** A set of which states and actions hold other numbers than usual; one joint stands at 0. */
async function record(name: string, change: Recorded = (usual) => usual): Promise<string> {
  const writer = await DatasetWriter.create(at(name), { robot, imageSize: 32 });
  const { cameraPoses: _, taskInfo: __, taskInfoKeys: ___, ...episode } = fakeEpisode({ robot, length: 45, size: 32 });
  for (const numbers of [episode.state, episode.action])
    numbers.forEach((x, i) => {
      const column = i % width;
      numbers[i] = change(column === STILL ? 0 : x, column, Math.floor(i / width));
    });
  await writer.addEpisode(episode);
  await writer.finish();
  return at(name);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-far-'));
  const usual = await record('usual');
  const { statistics } = await datasetStatistics([usual], { workers: 1 });
  await writeNormStats(at('exact.json'), statistics);
  await writeNormStats(at('floors.json'), raiseDeviations(statistics, deviationFloors(robot)));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Trains for one step. @returns what was said of numbers far outside the statistics */
async function trained(data: string, stats: string, allowFar = false): Promise<{ message: string }> {
  const said: string[] = [];
  const out = at(`run-${data.slice(folder.length + 1)}-${stats}-${allowFar}`);
  const log = (line: string) => void said.push(line);
  const config = await smallTraining({ model: { useCorrelatedNoise: false }, steps: 1 });
  await train({ config, data: [data], out, threads: 1, stats: at(stats), allowFar, log });
  return { message: said.filter((line) => line.startsWith('far outside')).join() };
}

describe('data far outside given statistics are named before the first update, and refused:', () => {
  it.each<[string, Recorded, string, RegExp]>([
    [
      'a joint that stands where the statistics saw another place',
      (x, column) => (column === STILL ? 0.02 : x),
      'exact.json',
      /exact\.json: .* in 1 dimensions: state arm 2: up to 20000 deviations \(0\.02; the statistics saw 0 ± 0\)/,
    ],
    [
      'joints in degrees',
      (x, column) => (column !== GRIPPER ? x * 57.2958 : x),
      'floors.json',
      /floors\.json: .* in 10 dimensions: (state|action) arm \d: up to [\d.]+ deviations .*; and 4 more/,
    ],
    [
      'a gripper that opens by 1000',
      (x, column) => (column === GRIPPER ? 500 * (x + 1) : x),
      'floors.json',
      /in 2 dimensions: (state|action) gripper 0: .*; (state|action) gripper 0: .*\. Compute statistics/,
    ],
    [
      'one frame whose sensor failed',
      (x, column, frame) => (column === LAST && frame === 9 ? 4096 : x),
      'floors.json',
      /(state|action) arm 5: up to \d+ deviations \(-?4\d\d0; the statistics saw /,
    ],
  ])('%s', async (name, change, stats, message) => {
    const data = await record(name, change);
    const { message: said } = await trained(data, stats).catch((error: Error) => error);
    expect(said).toMatch(message);
    expect(said).toMatch(/valet stats.*--allow-far/);
  });

  it('unless that is said, and not where deviations have the robot’s floors', async () => {
    const data = at('a joint that stands where the statistics saw another place');
    const { message } = await trained(data, 'exact.json', true);
    expect(message).toMatch(/^far outside the statistics in 1 dimensions: state arm 2/);
    expect(await trained(data, 'floors.json')).toEqual({ message: '' });
  });
});
