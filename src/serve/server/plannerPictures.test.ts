import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodedJpeg, resizeWithPad } from '../../picture/index.ts';
import type { Picture } from '../../robot/index.ts';
import { plannerPictures } from './plannerPictures.ts';

const picture = (width: number, height: number, channels: 3 | 4): Picture => ({
  width,
  height,
  channels,
  data: Uint8Array.from({ length: width * height * channels }, (_, i) => (i * i + 31 * i) & 255),
});

describe('pictures on their way to a planner', () => {
  it('are those that the planner would make itself, and finds as they must be', async () => {
    const pictures = {
      same: picture(28, 28, 3),
      alpha: picture(28, 28, 4),
      wide: picture(90, 40, 4),
      small: picture(5, 9, 3),
    };
    const resized = await plannerPictures(pictures, 28);
    for (const [name, one] of Object.entries(resized)) {
      expect([one.width, one.height, one.channels]).toEqual([28, 28, 3]);
      expect([...one.data]).toEqual([...resizeWithPad(pictures[name as 'same'], 28)]);
      expect(resizeWithPad(one, 28), 'resized once').toBe(one.data);
    }
    const memory = new Set(Object.values(resized).map(({ data }) => data.buffer));
    expect([memory.size, [...memory][0]!.byteLength]).toEqual([1, 4 * 28 * 28 * 3]);
  });

  it('keep nothing of the memory they came in, JPEG files included', async () => {
    const file = new Uint8Array(
      await sharp({ create: { width: 40, height: 40, channels: 3, background: { r: 200, g: 200, b: 200 } } })
        .jpeg({ quality: 100 })
        .toBuffer(),
    );
    const raw = picture(60, 60, 3);
    const expected = [...resizeWithPad(raw, 16)];
    const resizing = plannerPictures({ raw, file: encodedJpeg(file) }, 16);
    // The message's memory is used again as soon as the call is made.
    raw.data.fill(0);
    file.fill(0);
    const resized = await resizing;
    expect([...resized['raw']!.data]).toEqual(expected);
    for (const level of resized['file']!.data) expect(Math.abs(level - 200)).toBeLessThan(3);
    await expect(plannerPictures({ broken: encodedJpeg(Uint8Array.of(255, 216, 255)) }, 16)).rejects.toThrow(
      /"broken" begins like a JPEG file/,
    );
  });
});
