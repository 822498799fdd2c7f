import sharp from 'sharp';
import { expect, it } from 'vitest';
import type { TrainingBatch } from '../batch.ts';
import { batchPictures } from './batchPictures.ts';

it('shows the cameras of the first samples, magnified, with task and stage', async () => {
  const [count, side] = [9, 16];
  const bytes = side * side * 3;
  const images = new Uint8Array(count * 2 * bytes);
  for (let b = 0; b < count; b++) images.fill(20 * b, (2 * b + 1) * bytes, (2 * b + 2) * bytes);
  const ids = (values: number) => new Int32Array(count).fill(values);
  const batch = { images, task: ids(4), stage: ids(1), toldStage: ids(2) } as unknown as TrainingBatch;
  const words = { cameras: ['head', 'wrist'], taskNames: new Map([[4, 'turning_on_radio']]) };
  const shown = await batchPictures(batch, words);
  expect(Object.keys(shown)).toEqual(Array.from({ length: 8 }, (_, b) => `first_batch/sample_${b}`));
  const { png, width, height } = shown['first_batch/sample_3']!;
  const picture = sharp(png);
  expect(await picture.metadata()).toMatchObject({ format: 'png', width, height, channels: 3 });
  expect(width).toBe(2 * 128);
  const { data } = await picture.raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => data[(y * width + x) * 3];
  expect([at(60, 80), at(190, 80)]).toEqual([0, 60]);
  // The words are there, and say which stage the network is told.
  const lit = (y: number) => data.subarray(y * width * 3, (y + 20) * width * 3).some((value) => value > 200);
  expect([lit(0), lit(22 + 128), lit(22 + 128 + 22)]).toEqual([true, true, true]);
  const same = await batchPictures({ ...batch, toldStage: ids(1) }, words);
  expect(same['first_batch/sample_3']!.png).not.toEqual(png);
});
