import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { fakeEpisode } from '../../test/support/data.ts';
import { deltaChunk, readNormStats } from '../action/index.ts';
import { DatasetWriter } from '../data/index.ts';
import { CHALLENGE_ROBOT, stateOf } from '../robot/index.ts';
import { command } from './stats.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-stats-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, lengths: readonly number[], still = false) {
  const dir = join(folder, name);
  const writer = await DatasetWriter.create(dir, { imageSize: 16 });
  const episodes = lengths.map((length, seed) => fakeEpisode({ length, size: 16, seed, instance: 1_000_000 + seed }));
  // a base that never turns
  if (still) for (const { action } of episodes) for (let at = 0; at < action.length; at += 23) action[at] = 0;
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
      const at = stateOf(CHALLENGE_ROBOT, state.subarray(i * 256, (i + 1) * 256));
      sum += deltaChunk(action.slice(i * 23, (i + 30) * 23), at, CHALLENGE_ROBOT)[29 * 23 + 4]!;
    }
  expect(stats.perTimestep.mean[29 * 32 + 4]).toBeCloseTo(sum / 18, 8);
});

it('says what is wrong', async () => {
  const run = (...words: string[]) => command().exitOverride().parseAsync(words, { from: 'user' });
  const { dir } = await write('short', [25]);
  const out = join(folder, 'none');
  await expect(run(dir, '--out', out, '--quiet')).rejects.toThrow(/too few chunks \(got 0 from 25 frames/);
  await expect(run(join(folder, 'nowhere'), '--out', out)).rejects.toMatchObject({ kind: 'input' });
  const unreachable = /no Redis answers there/;
  await expect(run(dir, '--out', out, '--queue', 'redis://127.0.0.1:1')).rejects.toThrow(unreachable);
});

it('gives the same file with any number of workers, and says when quantiles come from counts', async () => {
  const { dir } = await write('several', [50, 33, 64, 41]);
  const print = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const run = async (name: string, ...words: string[]) => {
    await command().parseAsync([dir, '--out', join(folder, name), '--quiet', '--json', ...words], { from: 'user' });
    return JSON.parse(String(print.mock.calls.at(-1)![0]));
  };
  const one = await run('one', '--workers', '1');
  const three = await run('three', '--workers', '3');
  const counted = await run('counted', '--memory', '0');
  print.mockRestore();
  expect([one.quantiles, one.workers, three.workers]).toEqual(['exact', 1, 3]);
  const file = (name: string) => readFile(join(folder, name, 'norm_stats.json'));
  expect((await file('one')).equals(await file('three'))).toBe(true);
  expect(counted).toMatchObject({ quantiles: 'counts', quantileErrorRelative: 2 ** -7 });
  const [exact, rough] = await Promise.all(
    ['one', 'counted'].map((n) => readNormStats(join(folder, n, 'norm_stats.json'))),
  );
  expect(rough!.perTimestep.mean).toEqual(exact!.perTimestep.mean);
  exact!.perTimestep.q99.forEach((q, i) => {
    expect(Math.abs(rough!.perTimestep.q99[i]! - q)).toBeLessThanOrEqual(2 ** -7 * Math.abs(q) + 1e-12);
  });
  expect(await readdir(join(folder, 'one'))).toEqual(['norm_stats.json', 'robot.json']);
});

it("raises deviations to the robot's floors, unless told, and replaces no file unless told", async () => {
  const { dir } = await write('floors', [50, 33], true);
  const print = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const run = (name: string, ...words: string[]) =>
    command()
      .exitOverride()
      .parseAsync([dir, '--out', join(folder, name), '--quiet', '--json', ...words], { from: 'user' });
  const smallest = async (name: string) => {
    const { state, perTimestep, width } = await readNormStats(join(folder, name, 'norm_stats.json'));
    const used = [state.std, perTimestep.std].flatMap((std) =>
      [...std].filter((_, i) => i % width < CHALLENGE_ROBOT.width),
    );
    return Math.min(...used);
  };
  await run('by-robot');
  await run('exactly', '--min-std', '0');
  await run('half', '--min-std', '0.5');
  await expect(run('half')).rejects.toThrow(/norm_stats\.json: is there already.*--force/);
  expect(await smallest('half')).toBe(0.5);
  await run('half', '--force');
  print.mockRestore();
  expect(await smallest('by-robot')).toBe(0.01);
  expect(await smallest('exactly')).toBe(0);
  expect(await smallest('half')).toBe(0.01);
});

it('names the file of a damaged episode, and leaves nothing behind', async () => {
  const { dir } = await write('damaged', [40, 40]);
  const files = (await readdir(join(dir, 'data'), { recursive: true }))
    .filter((name) => name.endsWith('.parquet'))
    .sort();
  const path = join(dir, 'data', files[1]!);
  await writeFile(path, (await readFile(path)).subarray(0, 2000));
  const out = join(folder, 'damaged-out');
  const run = command().exitOverride().parseAsync([dir, '--out', out, '--quiet'], { from: 'user' });
  await expect(run).rejects.toThrow(new RegExp(`${files[1]!.split('/').at(-1)}.*cannot be read`));
  await expect(readdir(out)).rejects.toThrow(/ENOENT/);
});
