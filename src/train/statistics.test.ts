import { access, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { smallTraining, writeFakeSet } from '../../test/support/training.ts';
import { readNormStats, writeNormStats } from '../action/index.ts';
import { readCheckpoint } from '../model/index.ts';
import type { TrainConfig } from './config.ts';
import type { TrainOptions } from './options.ts';
import { train } from './train.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const STATS = 'assets/household/norm_stats.json';

let folder: string;
let data: string;
let config: TrainConfig;
let first: string;
/** Statistics as the first run's, but for one number. */
let other: string;
/** The first run's checkpoint with those in the place of its own. */
let swapped: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-train-stats-'));
  data = at('data');
  await writeFakeSet(
    data,
    [0, 1].map((seed) => ({ length: 40 + seed, seed })),
  );
  config = await smallTraining({ model: { useCorrelatedNoise: false }, steps: 1, checkpointEvery: 1 });
  first = (await run('first')).checkpoint;
  other = at('other.json');
  const changed = await readNormStats(join(first, STATS));
  changed.state.mean[0]! += 0.001;
  await writeNormStats(other, changed);
  swapped = at('swapped');
  await cp(first, swapped, { recursive: true });
  await cp(other, join(swapped, STATS));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(out: string, more: Partial<TrainOptions> = {}) {
  const said: string[] = [];
  const log = (line: string) => void said.push(line);
  const { checkpoint } = await train({ config, data: [data], out: at(out), threads: 1, log, ...more });
  return { checkpoint, said: said.join('\n') };
}

const REFUSED = /holds other statistics than the checkpoint was trained with .*--other-statistics/;
const ANEW = /other statistics than those that .* was trained with; its weights have to learn them anew/;

describe('training from a checkpoint', () => {
  it('takes the statistics that it was trained with, and says when a file holds others', async () => {
    expect((await run('own', { init: first })).said).not.toMatch(/statistics/);
    expect((await run('same', { init: first, stats: join(first, STATS) })).said).not.toMatch(ANEW);
    const { said, checkpoint } = await run('anew', { init: first, stats: other });
    expect(said).toMatch(ANEW);
    expect((await readCheckpoint(checkpoint)).normStats).toEqual(await readNormStats(other));
  });

  it('refuses others in its folder, unless they are let through, or a file takes their place', async () => {
    await expect(run('none', { init: swapped })).rejects.toThrow(REFUSED);
    await expect(access(at('none'))).rejects.toThrow();
    const { said, checkpoint } = await run('let through', { init: swapped, otherStatistics: true });
    expect(said).toMatch(/other statistics than the checkpoint was trained with, as you allowed/);
    // What comes of it was trained with them.
    expect((await readCheckpoint(checkpoint)).normStats).toEqual(await readNormStats(other));
    expect((await run('put right', { init: swapped, stats: join(first, STATS) })).said).not.toMatch(ANEW);
  });

  it('that goes on has its statistics: another file is refused, the same one taken', async () => {
    const more = { resume: true, config: { ...config, steps: 2 } };
    await expect(run('first', { ...more, stats: other })).rejects.toThrow(/other statistics than the run in/);
    await expect(run('first', { ...more, minStd: 0.1 })).rejects.toThrow(/--min-std: has no effect: the run/);
    expect((await run('first', { ...more, stats: join(first, STATS) })).said).toMatch(/goes on after step 1/);
  });
});

it('--min-std raises what is computed, and is refused where nothing is', async () => {
  const deviations = async (minStd?: number) => {
    const { checkpoint } = await run(`min ${minStd}`, minStd === undefined ? {} : { minStd });
    return [...(await readCheckpoint(checkpoint)).normStats.actions.std.subarray(0, 23)];
  };
  const [exact, floors, raised] = [await deviations(0), await deviations(), await deviations(0.75)];
  expect(raised).toEqual(exact.map((x) => Math.max(x, 0.75)));
  expect(raised).not.toEqual(exact);
  expect(floors.every((x, i) => x >= exact[i]! && x > 0)).toBe(true);
  const idle = /--min-std: has no effect on the statistics of/;
  await expect(run('none', { stats: other, minStd: 0.1 })).rejects.toThrow(idle);
  await expect(run('none', { init: first, minStd: 0.1 })).rejects.toThrow(idle);
});
