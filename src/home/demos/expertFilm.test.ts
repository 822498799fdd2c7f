import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeFrames, probeVideo } from '../../data/index.ts';
import { expertFilm } from './expertFilm.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'film-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('a film shows room, head camera and a line of text at twice the speed', { timeout: 120_000 }, async () => {
  const path = join(folder, 'radio.mp4');
  const { steps, success } = await expertFilm('turning_on_radio', 0, path, { imageSize: 32 });
  expect(success).toBe(true);
  expect(await readdir(folder)).toEqual(['radio.mp4']);
  const film = probeVideo(path);
  expect([film.width, film.height]).toEqual([80, 56]);
  const frames = Math.ceil(steps / 4) + 15;
  expect(film.frames).toBe(frames);
  expect(film.seconds).toBeCloseTo(frames / 15, 2);
  expect((await readFile(path)).includes('avc1')).toBe(true);
  const [first] = decodeFrames(path, [0], { fps: 15 }).frames;
  const lit = (top: number, bottom: number) => first!.subarray(3 * 80 * top, 3 * 80 * bottom).some((v) => v > 150);
  expect([lit(0, 32), lit(36, 52)]).toEqual([true, true]);
});

it('refuses pictures that 4:2:0 cannot hold, and leaves nothing behind', async () => {
  const path = join(folder, 'odd.mp4');
  await expect(expertFilm('turning_on_radio', 0, path, { imageSize: 33 })).rejects.toThrow(/a multiple of 4 wide/);
  expect(await readdir(folder)).not.toContain('odd.mp4');
});
