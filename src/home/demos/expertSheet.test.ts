import sharp from 'sharp';
import { expect, it } from 'vitest';
import { expertSheet } from './expertSheet.ts';

it('pictures above 256 pixels are shown whole, with names and times beside them', { timeout: 120_000 }, async () => {
  const { bytes } = await expertSheet('turning_on_radio', 0, { moments: 2, imageSize: 300 });
  const { width, height } = await sharp(bytes).metadata();
  expect([width, height]).toEqual([120 + 450 + 3 * 300, 32 + 2 * 300]);
  const lit = async (left: number, top: number, w: number, h: number) => {
    const { channels } = await sharp(bytes).extract({ left, top, width: w, height: h }).stats();
    return channels[0]!.max > 200;
  };
  // The cameras' names above, the times at the left of both rows.
  for (const [left, top] of [
    [128, 0],
    [578, 0],
    [878, 0],
    [0, 40],
    [0, 340],
  ] as const)
    expect(await lit(left, top, 100, 28), `${left} ${top}`).toBe(true);
  await expect(expertSheet('turning_on_radio', 0, { imageSize: 2000 })).rejects.toThrow(/at most 1024 pixels/);
});
