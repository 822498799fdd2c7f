import { InputError } from '../base/index.ts';
import type { Picture } from '../robot/index.ts';
import { dropAlpha } from './dropAlpha.ts';
import { resample } from './resample.ts';

/**
 * A picture as the network gets it: RGB uint8 [size, size, 3], scaled to fit (triangle filter with antialiasing, each
 * pass rounded to 8 bits), centred on black; alpha is dropped, not blended. A picture that fits already is passed on
 * (RGB: the same bytes, not a copy). Equal bit for bit to `resize_with_pad` of the original's client (golden cases
 * transforms, policy-input).
 */
export function resizeWithPad(picture: Picture, size: number): Uint8Array {
  const { width, height, channels, data } = picture;
  if (!(width > 0 && height > 0) || data.length !== width * height * channels)
    throw new InputError(
      'resizeWithPad',
      `the picture's bytes do not fill its shape (got ${data.length}, expected ${height}×${width}×${channels}).`,
    );
  if (width === size && height === size) return channels === 3 ? data : dropAlpha(data);
  const ratio = Math.max(width / size, height / size);
  const w = Math.max(1, Math.trunc(width / ratio));
  const h = Math.max(1, Math.trunc(height / ratio));
  const scaled = resample(picture, w, h);
  if (w === size && h === size) return scaled;
  const out = new Uint8Array(size * size * 3);
  const top = Math.trunc((size - h) / 2);
  const left = Math.trunc((size - w) / 2);
  for (let y = 0; y < h; y++) out.set(scaled.subarray(y * w * 3, (y + 1) * w * 3), ((top + y) * size + left) * 3);
  return out;
}

/** A level 0…255 as the network sees it: x/255·2 − 1 in float32. */
export const PIXEL_TO_FLOAT: Float32Array = Float32Array.from({ length: 256 }, (_, level) => {
  const { fround } = Math;
  return fround(fround(level / 255) * 2) - 1;
});
