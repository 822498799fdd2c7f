import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { StatisticsAccumulator } from '../../action/index.ts';
import { CHALLENGE_ROBOT } from '../../robot/index.ts';
import { openDataset } from '../lerobot/open.ts';
import { datasetStatistics, decodeOnly, frameBytes } from './datasetStatistics.ts';

const golden = new URL('../../../test/golden/', import.meta.url).pathname;

it(
  'are those of the columns that the ordinary reader reads, of episodes in files of their own and ' +
    'several in a file',
  async () => {
    // The second set's index names the wrong file for some episodes.
    const names = ['dataset-v21/dataset', 'dataset-v30/converted'];
    const folders = names.map((name) => join(golden, name));
    const plain = new StatisticsAccumulator({ robot: CHALLENGE_ROBOT });
    for (const folder of folders) {
      const dataset = await openDataset(folder);
      for (const episode of dataset.episodes) {
        const { 'observation.state': state, action } = await dataset.columns(episode, ['observation.state', 'action']);
        plain.add({ state: Float32Array.from(state.data), actions: Float32Array.from(action.data) });
      }
    }
    const { statistics, frames } = await datasetStatistics(folders, { workers: 2 });
    expect(frames).toBe(plain.frames);
    expect(statistics).toEqual(plain.finish());
  },
);

it('takes numbers from pages wherever it is known where they are', async () => {
  const frames = async (name: string) => {
    const folder = join(golden, name);
    const { episodes } = await openDataset(folder);
    const picked = await decodeOnly([folder], { workers: 1, how: 'pick' });
    return episodes.reduce((sum, { length }) => sum + length, 0) - picked.frames;
  };
  expect(await frames('dataset-v21/dataset')).toBe(0);
  // Its index names wrong files, which is found when it is opened.
  expect(await frames('dataset-v30/converted')).toBe(0);
});

it.each(['exact', 'counts'] as const)(
  'a run that ended before its result is gone on with, to the same numbers (%s)',
  async (quantiles) => {
    const folder = await mkdtemp(join(tmpdir(), 'valet-statistics-'));
    try {
      const sets = [join(golden, 'dataset-v21/dataset')];
      const result = join(folder, 'norm_stats.json');
      const part = join(folder, '.norm_stats.json.part');
      const options = { workers: 2, memory: quantiles === 'exact' ? 2 ** 30 : 0 };
      const straight = await datasetStatistics(sets, options);
      const killed = () => {
        throw new Error('killed');
      };
      const saved = { ...options, result, saveEveryMs: 0 };
      await expect(datasetStatistics(sets, { ...saved, computing: killed })).rejects.toThrow('killed');
      const { done } = JSON.parse(await readFile(part, 'utf8'));
      expect(done.length).toBeGreaterThan(0);
      const { statistics, frames, chunks, quantiles: how } = await datasetStatistics(sets, saved);
      expect([how, frames, chunks]).toEqual([quantiles, straight.frames, straight.chunks]);
      expect(statistics).toEqual(straight.statistics);
      expect(existsSync(part)).toBe(false);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);

it('the page on statistics says what a frame takes', async () => {
  const page = await readFile(new URL('../../../docs/statistics.md', import.meta.url), 'utf8');
  expect(page).toContain(`${frameBytes(CHALLENGE_ROBOT)} bytes a frame`);
});
