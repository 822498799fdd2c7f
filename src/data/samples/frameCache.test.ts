import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { fakeEpisode } from '../../../test/support/data.ts';
import { killedWhen } from '../../../test/support/killedWhen.ts';
import { openDataset } from '../lerobot/index.ts';
import { DatasetWriter } from '../lerobot/writer.ts';
import { openSamples } from './openSamples.ts';
import type { SampleSource } from './sampleSource.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const SIZE = 32;
/** Of an episode of 100 frames: 71 samples, two files for each of three cameras. */
const FILES = 6;
const FILE_BYTES = 64 * (SIZE * SIZE * 3 + 4);
const GIB = 2 ** 30;
const EPISODES = 2;

let folder: string;
let data: string;
let held: SampleSource;
const open: SampleSource[] = [];

async function write(name: string, episodes: number): Promise<string> {
  const dir = join(folder, name);
  const writer = await DatasetWriter.create(dir, { imageSize: SIZE });
  for (let seed = 0; seed < episodes; seed++)
    await writer.addEpisode(fakeEpisode({ length: 100, size: SIZE, seed: seed + name.length }));
  await writer.finish();
  return dir;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-frames-'));
  data = await write('data', EPISODES);
  held = await openSamples([data], { imageSize: SIZE, workers: 1, stream: 'never', log: () => undefined });
});
afterEach(async () => {
  for (const source of open.splice(0)) await source.close();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function streamed(cache: string, more: Partial<Parameters<typeof openSamples>[1]> = {}, dir = data) {
  const source = await openSamples([dir], {
    ...{ imageSize: SIZE, workers: 1, stream: 'always', log: () => undefined },
    frameCache: { dir: join(folder, cache), limit: GIB },
    ...more,
  });
  open.push(source);
  return source;
}

/** Every sample once; they must be those that are held in memory. `toEqual` would take seconds for so many numbers. */
async function expectAll(source: SampleSource): Promise<void> {
  for (let step = 0; step < EPISODES; step++) {
    const batch = await source.batch(step, 71, 'a', EPISODES);
    expect(batch.pictures.length, `step ${step}`).toBe(71 * 3 * SIZE * SIZE * 3);
    expect(isDeepStrictEqual(batch, await held.batch(step, 71, 'a')), `step ${step}`).toBe(true);
  }
}

async function filesOf(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
const contentOf = async (cache: string) => {
  const files = (await filesOf(join(folder, cache))).sort();
  return Promise.all(
    files.map(async (file) => [relative(join(folder, cache), file), (await readFile(file)).toString('base64')]),
  );
};
const sum = async (dir: string) =>
  (await Promise.all((await filesOf(dir)).map((file) => stat(file)))).reduce((bytes, { size }) => bytes + size, 0);

/** Other bytes of the same length, and the time of before: nothing tells but the content. */
async function garble(path: string): Promise<void> {
  const { size, atime, mtime } = await stat(path);
  await writeFile(path, new Uint8Array(size).fill(7));
  await utimes(path, atime, mtime);
}

/** Another process that fills a cache; it is killed without a word once `when` holds. @returns whether it was */
function filling(cache: string, when: (files: number) => boolean): Promise<boolean> {
  const code = `
    import { openSamples } from ${JSON.stringify(join(import.meta.dirname, 'openSamples.ts'))};
    const source = await openSamples([${JSON.stringify(data)}], {
      imageSize: ${SIZE}, workers: 1, stream: 'always', log: () => {},
      frameCache: { dir: ${JSON.stringify(join(folder, cache))}, limit: ${GIB} },
    });
    for (let step = 0; step < ${EPISODES}; step++) await source.batch(step, 71, 'a', ${EPISODES});
    await source.close();`;
  return killedWhen(code, async () => {
    const files = await filesOf(join(folder, cache));
    return when(files.filter((file) => file.endsWith('.frames')).length);
  });
}

describe('FrameCache', () => {
  it('gives the same pictures filled and full; once full, nothing is decoded', async () => {
    const set = await openDataset(data);
    const videos = set.episodes.flatMap((episode) => set.cameras.map((camera) => set.video(episode, camera).path));
    const second = new Date(1000 * Math.floor(Date.now() / 1000));
    for (const path of videos) await utimes(path, second, second);
    await expectAll(await streamed('whole'));
    expect(await filesOf(join(folder, 'whole/sets'))).toHaveLength(EPISODES * FILES);
    const before = await Promise.all(videos.map((path) => readFile(path)));
    for (const path of videos) await garble(path);
    try {
      await expectAll(await streamed('whole'));
    } finally {
      for (const [i, path] of videos.entries()) {
        await writeFile(path, before[i]!);
        await utimes(path, second, second);
      }
    }
  });

  it('takes no file that is cut or garbled, and mends it', async () => {
    await expectAll(await streamed('garbled'));
    const whole = await contentOf('garbled');
    const [first, second] = await filesOf(join(folder, 'garbled/sets'));
    await garble(first!);
    await writeFile(second!, (await readFile(second!)).subarray(0, 1000));
    await expectAll(await streamed('garbled'));
    expect(await contentOf('garbled')).toEqual(whole);
  });

  it('tells apart videos that changed, sizes of pictures and strides', async () => {
    const dir = await write('changing', 1);
    const first = await (await streamed('changes', {}, dir)).batch(0, 71, 1, 1);
    const count = async () => (await filesOf(join(folder, 'changes/sets'))).length;
    expect(await count()).toBe(FILES);
    await (await streamed('changes', { imageSize: 16 }, dir)).batch(0, 71, 1, 1);
    expect(await count()).toBe(2 * FILES);
    await (await streamed('changes', { frameStride: 5 }, dir)).batch(0, 15, 1, 1);
    expect(await count()).toBe(2 * FILES + 3);
    const other = await write('other', 1);
    const [changing, its] = await Promise.all([dir, other].map((one) => openDataset(one)));
    for (const camera of changing!.cameras) {
      const to = changing!.video(changing!.episodes[0]!, camera).path;
      await writeFile(to, await readFile(its!.video(its!.episodes[0]!, camera).path));
    }
    const now = await (await streamed('changes', {}, dir)).batch(0, 71, 1, 1);
    expect(now.pictures).not.toEqual(first.pictures);
    expect(now.state).toEqual(first.state);
  });

  it('keeps a part where not all has room, never more than its limit, and says so', async () => {
    const limit = 4 * FILE_BYTES;
    const said: string[] = [];
    const log = (line: string) => void said.push(line);
    const small = { frameCache: { dir: join(folder, 'small'), limit }, log };
    for (let i = 0; i < 2; i++) {
      await expectAll(await streamed('small', small));
      const bytes = await sum(join(folder, 'small/sets'));
      expect(bytes).toBeLessThanOrEqual(limit);
      expect(bytes).toBeGreaterThan(0);
    }
    expect(said[1]).toMatch(
      /^samples: decoded pictures are kept in \S+small \(at most .*; all take .*: a part of them/,
    );
    const tiny = { frameCache: { dir: join(folder, 'tiny'), limit: 1000 } };
    await expect(streamed('tiny', tiny)).rejects.toThrow(/tiny: may take .*--frame-cache DIR:SIZE/);
  });

  it('leaves the error of a damaged video as it is, and reads what is whole of it', async () => {
    const dir = await write('damaged', 1);
    const set = await openDataset(dir);
    const { path } = set.video(set.episodes[0]!, 'left_wrist');
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, Math.floor(bytes.length * 0.6)));
    const [cached, plain] = [await streamed('damaged', {}, dir), await streamed('', { frameCache: undefined }, dir)];
    const result = (source: SampleSource, sample: number) =>
      Promise.resolve(source.gather([sample])).catch((error: Error) => error.message);
    for (const sample of [0, 40, 70]) expect(await result(cached, sample)).toEqual(await result(plain, sample));
  });

  it('is good after a kill while it is filled, and is shared by processes', async () => {
    expect(await filling('killed', (count) => count >= 3)).toBe(true);
    const straight = await streamed('straight');
    await Promise.all([filling('straight', () => false), expectAll(straight), expectAll(await streamed('killed'))]);
    expect(await contentOf('killed')).toEqual(await contentOf('straight'));
    expect(await filesOf(join(folder, 'straight/sets'))).toHaveLength(EPISODES * FILES);
  });

  it('is given up where the disk is full; the samples are the same', async ({ skip }) => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'valet-test', disk], { stdio: 'ignore' });
    } catch {
      skip('only root may mount a small disk');
    }
    try {
      const told = new Set<string>();
      const notKept = (why: string) => void told.add(why);
      const source = await streamed('', { frameCache: { dir: join(disk, 'frames'), limit: GIB }, notKept });
      await expectAll(source);
      expect([...told]).toEqual([expect.stringMatching(/ENOSPC|the disk is full/)]);
      expect((await filesOf(disk)).filter((file) => /\.tmp$/.test(file))).toEqual([]);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
