import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FakeEpisode, fakeEpisode } from '../../test/support/data.ts';
import { smallTraining } from '../../test/support/training.ts';
import { writeNormStats } from '../action/index.ts';
import { DatasetWriter, datasetStatistics } from '../data/index.ts';
import type { TrainConfig } from './config.ts';
import type { TrainOptions } from './options.ts';
import { train } from './train.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

let folder: string;
let stats: string;
let config: TrainConfig;

async function dataset(name: string, change: (episode: FakeEpisode) => FakeEpisode): Promise<string> {
  const dir = join(folder, name);
  const writer = await DatasetWriter.create(dir, { imageSize: 32 });
  for (const seed of [0, 1]) await writer.addEpisode(change(fakeEpisode({ length: 40, size: 32, seed })));
  await writer.finish();
  return dir;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-guard-'));
  config = await smallTraining({
    model: { useCorrelatedNoise: false },
    ...{ steps: 12, checkpointEvery: 6, keepCheckpoints: 1 },
  });
  const sound = await dataset('sound', (episode) => episode);
  stats = join(folder, 'norm_stats.json');
  const { statistics } = await datasetStatistics([sound], { horizon: 30, paddedWidth: 32 });
  await writeNormStats(stats, statistics);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (out: string, guard: Partial<TrainConfig['guard']>, more: Partial<TrainOptions> = {}) =>
  train({
    config: { ...config, guard: { ...config.guard, ...guard } },
    ...{ data: [join(folder, 'sound')], out: join(folder, out), threads: 1, seed: 3, stats },
    ...more,
  });
const text = (...path: string[]) => readFile(join(folder, ...path), 'utf8');
const lines = async (...path: string[]) =>
  (await text(...path))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

// Every norm above the running median counts as an explosion.
const STRICT = { factor: 1, window: 4, mostSkipped: 12 };

describe('the guard', () => {
  it('passes over updates whose norm explodes, names and shows their samples, also in a resumed run', async () => {
    const result = await run('straight', STRICT);
    const skipped = await lines('straight', 'skipped.jsonl');
    expect(result.skippedUpdates).toBeGreaterThan(0);
    expect(skipped).toHaveLength(result.skippedUpdates);
    const [first] = skipped;
    expect(first.reason).toMatch(/^the norm of the gradient is [\d.]+, above 1 × [\d.]+, the running median$/);
    expect(first.samples).toHaveLength(4);
    const page = await text('straight', first.page);
    for (const name of first.samples) expect(page).toContain(name);
    expect(page.match(/data:image\/png;base64,/g)).toHaveLength(4 * 3);
    expect(page).toMatch(/state \w+ \d<\/td>|action \w+ \d, \d+ steps ahead<\/td>/);

    const stop = new AbortController();
    await run('halves', STRICT, { signal: stop.signal, onStep: (step) => step === 7 && stop.abort() });
    await run('halves', STRICT, { resume: true });
    expect(await lines('halves', 'skipped.jsonl')).toEqual(skipped);
    const weights = (out: string) => readFile(join(folder, out, 'checkpoints', '000012', 'train.safetensors'));
    expect((await weights('halves')).equals(await weights('straight'))).toBe(true);
  });

  it('stops a run when that is the rule', async () => {
    await expect(run('stopped', { ...STRICT, explosion: 'stop' })).rejects.toThrow(
      /stopped at step \d+: the norm of the gradient .* shows its samples\. Lower schedule\.peak/,
    );
    expect(await readdir(join(folder, 'stopped', 'guard'))).toHaveLength(1);
  });

  it('tells data that never change', async () => {
    const dead = await dataset('dead', (episode) => {
      const [, wrist = ''] = Object.keys(episode.pictures);
      const black = episode.pictures[wrist]?.map((picture) => new Uint8Array(picture.length)) ?? [];
      const action = episode.action.map((x, i) => (i % 23 === 22 ? 1 : x));
      return { ...episode, action, pictures: { ...episode.pictures, [wrist]: black } };
    });
    const said: string[] = [];
    const short = { ...config, steps: 4, guard: { ...config.guard, window: 4 } };
    await run('told', {}, { config: short, data: [dead], log: (line) => said.push(line) });
    expect(said.join('\n')).toMatch(/constant over 4 batches: action rightGripper 0 \(1\), camera left_wrist\./);
    expect(await readdir(join(folder, 'told', 'guard'))).toEqual(['dead-000003.html']);
    const stop = { ...short, guard: { ...short.guard, deadData: 'stop' as const } };
    await expect(run('dead stop', {}, { config: stop, data: [dead] })).rejects.toThrow(
      /constant over 4 batches.* episode \d frame \d+.*set guard\.deadData to tell/,
    );
  });

  it('names samples far outside the statistics, and leaves them out or shows them', async () => {
    // Only chunks that begin late reach it.
    const data = await dataset('far', (episode) => ({
      ...episode,
      action: episode.action.map((x, i) => (i === 37 * 23 + 5 ? 900 : x)),
    }));
    const short = { ...config, steps: 1 };
    await expect(run('refused', {}, { config: short, data: [data] })).rejects.toThrow(
      /action \w+ \d: up to \d+ deviations .* at \S*far episode \d frame \d+, .*--skip-far/,
    );
    await run('allowed', {}, { config: short, data: [data], allowFar: true });
    expect(await text('allowed', 'guard', 'far.html')).toMatch(/Far outside the statistics in \d+ dimensions/);
    const result = await run('skipped', {}, { config: short, data: [data], skipFar: true });
    const left = await lines('skipped', 'left-out.jsonl');
    expect(left).toHaveLength(result.leftOutSamples);
    expect(left[0]).toMatchObject({
      data,
      reason: expect.stringMatching(/^action \w+ \d is \d+ deviations from the mean/),
    });
    expect(JSON.parse(await text('skipped', 'run.json')).skipFar).toBe(true);
  });
});
