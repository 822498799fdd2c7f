import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeJpeg, decodePictures, encodedJpeg, isEncoded, isJpeg } from './jpeg.ts';

const jpeg = async (side: number, shade: number) =>
  new Uint8Array(
    await sharp({ create: { width: side, height: side, channels: 3, background: { r: shade, g: shade, b: shade } } })
      .jpeg({ quality: 100 })
      .toBuffer(),
  );

describe('JPEG files', () => {
  it('become pictures of their size and shade', async () => {
    const file = await jpeg(16, 90);
    expect([isJpeg(file), isJpeg(new Uint8Array(8))]).toEqual([true, false]);
    const picture = await decodeJpeg(file);
    expect([picture.width, picture.height, picture.channels, picture.data.length]).toEqual([16, 16, 3, 768]);
    for (const byte of picture.data) expect(Math.abs(byte - 90)).toBeLessThanOrEqual(2);
  });

  it('that are cut off, or vast as pixels, are refused by the name of their camera', async () => {
    const file = await jpeg(64, 10);
    await expect(decodeJpeg(file.subarray(0, 40), { name: 'head' })).rejects.toThrow(/"head" begins like a JPEG/);
    await expect(decodeJpeg(file, { maxBytes: 64 * 64 * 3 - 3 })).rejects.toThrow(/too large/);
  });

  it('are opened among pictures of pixels, which stay as they are', async () => {
    const raw = { width: 1, height: 1, channels: 3 as const, data: Uint8Array.of(1, 2, 3) };
    expect(await decodePictures({ raw })).toEqual({ raw });
    const both = await decodePictures({ raw, file: encodedJpeg(await jpeg(8, 50)) });
    expect(both['raw']).toBe(raw);
    expect(Object.values(both).some(isEncoded)).toBe(false);
  });
});
