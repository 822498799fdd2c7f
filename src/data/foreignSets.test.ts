import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDataset } from './check/index.ts';
import { contactSheet } from './contactSheet.ts';
import { openDataset } from './lerobot/index.ts';
import { SampleStore } from './samples/index.ts';
import { datasetStatistics } from './statistics/index.ts';
import { decodeFrames, probeVideo } from './video/index.ts';

const CASES = join(import.meta.dirname, '../../test/cases');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-foreign-'));
  for (const name of ['two-tasks', 'v30', 'windows'])
    execFileSync('tar', ['xzf', join(CASES, `${name}.tgz`), '-C', folder]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a set of 2026', () => {
  const dir = () => join(folder, 'two-tasks');

  it('has the robot and its cameras under their own names, and trains', async () => {
    const dataset = await openDataset(dir());
    expect(dataset.robot?.name).toBe('r1pro');
    expect(dataset.cameraFeature('head')).toBe('observation.rgb.zed_link_camera_0');
    expect(dataset.cameraFeature('left_wrist')).toBe('observation.rgb.left_realsense_link_camera_0');
    expect(await checkDataset(dir())).toMatchObject({ ok: true, problems: [] });
    const store = await SampleStore.load([dir()], { imageSize: 32, workers: 1, frameStride: 15 });
    const { pictures } = store.gather([0]);
    expect(new Set(pictures).size).toBeGreaterThan(20);
  });

  it('is not all right without its videos', async () => {
    const without = join(folder, 'without-videos');
    await cp(dir(), without, { recursive: true });
    await rm(join(without, 'videos'), { recursive: true });
    const { ok, problems } = await checkDataset(without);
    expect(ok).toBe(false);
    expect(problems.filter(({ code }) => code === 'video-missing')).toHaveLength(9);
  });

  it('is read through strays and a folder whose name is a pattern', async () => {
    const odd = join(folder, 'a[b]*c?', 'two-tasks');
    await cp(dir(), odd, { recursive: true });
    await cp(dir(), join(folder, 'ab-c!', 'two-tasks'), { recursive: true });
    for (const part of ['data', 'meta/episodes']) await writeFile(join(odd, part, '.DS_Store'), 'x');
    await writeFile(join(odd, 'data/chunk-000/._file-000.parquet'), 'x');
    expect(await checkDataset(odd)).toMatchObject({ ok: true, problems: [] });
    expect((await datasetStatistics([odd], { workers: 1 })).frames).toBe(175);
  });
});

describe('pictures inside the tables', () => {
  it('are checked, shown, trained on, and no obstacle to statistics', async () => {
    const dir = join(folder, 'img30');
    expect(await checkDataset(dir)).toMatchObject({ ok: true, problems: [] });
    expect((await datasetStatistics([dir], { workers: 1 })).frames).toBe(95);
    const dataset = await openDataset(dir);
    const sheet = await contactSheet(dataset, dataset.episodes[1]!, 3);
    // The pictures are flat: the head's background of episode 1 holds 60 and 140, the right wrist's 60 and 100.
    for (const value of [60, 100, 140]) expect(sheet.data).toContain(value);
    const store = await SampleStore.load([dir], { imageSize: 32, workers: 1, frameStride: 15 });
    for (const value of [60, 100, 140]) expect(store.gather([store.size - 1]).pictures).toContain(value);
  });
});

it('names episodes whose window in a video is of another length', async () => {
  const { ok, problems } = await checkDataset(join(folder, 'two-at-one-place'));
  expect(ok).toBe(false);
  expect(problems[0]).toMatchObject({
    code: 'video-frames',
    message: expect.stringContaining('episode 1 has 50 frames, its window 60.00'),
  });
});

it('knows the size of pictures of the codec mp4v', () => {
  const probe = probeVideo(join(CASES, 'episode_00000010.mp4'));
  const { width, height, frames } = decodeFrames(join(CASES, 'episode_00000010.mp4'), [0], { fps: 30 });
  expect(probe).toMatchObject({ width, height });
  expect(frames).toHaveLength(1);
});
