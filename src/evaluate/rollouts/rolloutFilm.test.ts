import { readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { decodeFrames, probeVideo } from '../../data/index.ts';
import { createExpert, openHousehold } from '../../home/index.ts';
import { rolloutFilm } from './rolloutFilm.ts';
import { RolloutRecorder } from './rolloutRecorder.ts';

const root = await temporaryFolder();

it('the film of a recording shows the room and the head camera, and is made anew only when that changes', async () => {
  const household = await openHousehold('turning_on_radio', { imageSize: 32 });
  const at = join(root, 'turning_on_radio_0_0');
  try {
    household.reset(0);
    const recorder = new RolloutRecorder(household);
    const expert = createExpert(household);
    recorder.start();
    for (let step = 0; step < 31; step++) {
      const action = expert.act();
      household.step(action);
      recorder.step(action, { stage: 0, planned: false });
    }
    recorder.end();
    expert.close();
    await recorder.write(at);
    const film = await rolloutFilm(at);
    // 31 steps at 30 a second: one picture for three of them, and the last one.
    expect(probeVideo(film)).toMatchObject({ width: 560, height: 248, frames: 12 });
    expect((await readFile(film)).includes('avc1')).toBe(true);
    const last = decodeFrames(film, [11], { fps: 10 }).frames[0] as Uint8Array;
    const part = (picture: Uint8Array, width: number, left: number, columns: number, rows: number) =>
      Array.from({ length: rows }, (_, y) => [
        ...picture.subarray(3 * (y * width + left), 3 * (y * width + left + columns)),
      ]).flat();
    for (const [camera, left, columns] of [
      ['overview', 0, 336],
      ['head', 336, 224],
    ] as const) {
      const seen = household.picture(camera, columns, 224).data;
      const shown = part(last, 560, left, columns, 224);
      const difference = shown.reduce((sum, value, i) => sum + Math.abs(value - (seen[i] as number)), 0) / shown.length;
      expect(difference, camera).toBeLessThan(4); // what H.264 at half the colour resolution loses
    }
    expect(Math.max(...part(last.subarray(3 * 560 * 224), 560, 0, 300, 24))).toBeGreaterThan(180); // the words
    const { ino } = await stat(film);
    expect((await stat(await rolloutFilm(at))).ino).toBe(ino);
    const later = new Date(Date.now() + 10_000);
    await utimes(join(at, 'track.bin'), later, later);
    expect((await stat(await rolloutFilm(at))).ino).not.toBe(ino);
  } finally {
    household.close();
  }
});

it('no film without a recording', async () => {
  await expect(rolloutFilm(join(root, 'nothing'))).rejects.toThrow(/scene\.json/);
});
