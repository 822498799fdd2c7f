import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { deltaChunk, readNormStats, stateFromProprioception } from '../action/index.ts';
import { DatasetWriter } from '../data/index.ts';
import { fakeEpisode } from '../data/testing.ts';
import { command } from './stats.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-stats-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, lengths: readonly number[]) {
  const dir = join(folder, name);
  const writer = await DatasetWriter.create(dir, { imageSize: 16 });
  const episodes = lengths.map((length, seed) => fakeEpisode({ length, size: 16, seed, instance: 1_000_000 + seed }));
  for (const episode of episodes) await writer.addEpisode(episode);
  await writer.finish();
  return { dir, episodes };
}

it('counts every chunk of a data set, and prints one JSON object', async () => {
  const { dir, episodes } = await write('demos', [45, 20, 31]);
  const out = join(folder, 'statistics');
  const print = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await command().parseAsync([dir, '--out', out, '--json'], { from: 'user' });
  const lines = print.mock.calls.map(([text]) => String(text));
  print.mockRestore();
  expect(lines.length).toBe(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({ frames: 96, chunks: 16 + 2, out });

  // The mean of step 29 of the second torso joint, over the 18 chunks.
  const stats = await readNormStats(join(out, 'norm_stats.json'));
  let sum = 0;
  for (const { state, action } of episodes)
    for (let i = 0; i + 30 <= action.length / 23; i++) {
      const at = stateFromProprioception(state.subarray(i * 256, (i + 1) * 256));
      sum += deltaChunk(action.slice(i * 23, (i + 30) * 23), at)[29 * 23 + 4]!;
    }
  expect(stats.perTimestep.mean[29 * 32 + 4]).toBeCloseTo(sum / 18, 10);
});

it('says what is wrong', async () => {
  const run = (...words: string[]) => command().exitOverride().parseAsync(words, { from: 'user' });
  const { dir } = await write('short', [25]);
  const out = join(folder, 'none');
  await expect(run(dir, '--out', out, '--quiet')).rejects.toThrow(/no episode is longer than a chunk \(got 25 frames/);
  await expect(run(join(folder, 'nowhere'), '--out', out)).rejects.toMatchObject({ kind: 'input' });
  await expect(run(dir, '--out', out, '--queue', 'redis://x')).rejects.toThrow(/not built yet/);
});
