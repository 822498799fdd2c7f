import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ChunkStatistics, writeNormStats } from '../src/action/index.ts';
import { importCheckpoint } from '../src/model/index.ts';
import { CHALLENGE_ROBOT } from '../src/robot/index.ts';
import { serveCheckpoint } from '../src/serve/index.ts';
import { train } from '../src/train/index.ts';
import { flatStatistics, tinyStatistics, writeTinyPolicy } from './support/model.ts';
import { smallTraining, writeFakeSet } from './support/training.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const { width } = CHALLENGE_ROBOT;
const spoilt = (change: (stats: ChunkStatistics) => void): ChunkStatistics => {
  const stats = tinyStatistics();
  change(stats);
  return stats;
};
/** What is wrong with statistics for a robot of 23 numbers and chunks of 30×32, and what is said of it. */
const UNFIT: Record<string, [ChunkStatistics, RegExp]> = {
  'of another width': [flatStatistics(30, 24, width), /is of chunks of 30×24 \(expected 30×32, the network's\)/],
  'of another horizon': [flatStatistics(16, 32, width), /is of chunks of 16×32 \(expected 30×32, the network's\)/],
  'of another robot': [flatStatistics(30, 32, width + 5), /28 of its 32 columns are in use, and .* has 23/],
  'with a negative deviation': [spoilt(({ actions }) => void (actions.std[3] = -1)), /actions: std is negative/],
  'with swapped quantiles': [spoilt(({ state }) => void state.q01.fill(2)), /state: q01 lies above q99/],
};

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-unfit-'));
  await writeFakeSet(at('data'), [{}]);
  await writeTinyPolicy(at('policy'));
  for (const [name, [stats]] of Object.entries(UNFIT)) await writeNormStats(at(`${name}.json`), stats);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(Object.entries(UNFIT))('statistics %s', (name, [, message]) => {
  const file = () => at(`${name}.json`);

  it('are refused where a checkpoint is imported', async () => {
    await expect(importCheckpoint(at('policy'), at('imported'), { normStats: file() })).rejects.toThrow(message);
  });

  it('are refused where a policy is trained', async () => {
    const config = await smallTraining({ model: { useCorrelatedNoise: false }, steps: 1 });
    const training = train({ config, data: [at('data')], out: at('run'), threads: 1, stats: file() });
    await expect(training).rejects.toThrow(message);
  });

  it('are refused where a checkpoint is served', async () => {
    const served = at(`served ${name}`);
    await cp(at('policy'), served, { recursive: true });
    await cp(file(), join(served, 'assets/household/norm_stats.json'));
    const serving = serveCheckpoint({ checkpoint: served, planner: { otherStatistics: true } });
    await expect(serving).rejects.toThrow(message);
  });
});
