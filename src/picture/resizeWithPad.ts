import { InputError } from '../base/index.ts';
import type { Picture } from '../robot/index.ts';

/** Fractional bits of the filter coefficients, as in PIL. */
const BITS = 22;

/** For each output pixel: the first input pixel, and the coefficients from there on. */
interface Filter {
  readonly first: Int32Array;
  readonly weights: Int32Array[];
}

/** Triangle filter with antialiasing, coefficients normalised in double and rounded to 22 bits (PIL's BILINEAR). */
function triangle(inputSize: number, outputSize: number): Filter {
  const scale = inputSize / outputSize;
  const support = Math.max(scale, 1);
  const perPixel = 1 / support; // multiplied by, as PIL does: a quotient could round the other way
  const first = new Int32Array(outputSize);
  const weights: Int32Array[] = [];
  for (let i = 0; i < outputSize; i++) {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(inputSize, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: end - start }, (_, k) =>
      Math.max(0, 1 - Math.abs((k + start - centre + 0.5) * perPixel)),
    );
    const total = raw.reduce((sum, w) => sum + w, 0);
    first[i] = start;
    weights.push(Int32Array.from(raw, (w) => Math.trunc(0.5 + (w / total) * 2 ** BITS)));
  }
  return { first, weights };
}

const filters = new Map<string, Filter>();
function filterFor(inputSize: number, outputSize: number): Filter {
  const key = `${inputSize} ${outputSize}`;
  let filter = filters.get(key);
  if (!filter) {
    if (filters.size > 64) filters.clear();
    filter = triangle(inputSize, outputSize);
    filters.set(key, filter);
  }
  return filter;
}

const clip = (sum: number) => (sum < 0 ? 0 : Math.min(255, sum >> BITS));

/** Resamples the rows of `data` [height, width, channels] to [height, to, 3]; alpha is dropped. */
function resampleRows(data: Uint8Array, height: number, width: number, channels: number, to: number): Uint8Array {
  const { first, weights } = filterFor(width, to);
  const out = new Uint8Array(height * to * 3);
  let at = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < to; x++) {
      const w = weights[x]!;
      let from = (y * width + first[x]!) * channels;
      let [r, g, b] = [1 << (BITS - 1), 1 << (BITS - 1), 1 << (BITS - 1)];
      for (let k = 0; k < w.length; k++, from += channels) {
        r += data[from]! * w[k]!;
        g += data[from + 1]! * w[k]!;
        b += data[from + 2]! * w[k]!;
      }
      out[at++] = clip(r);
      out[at++] = clip(g);
      out[at++] = clip(b);
    }
  return out;
}

/** Resamples the columns of `data` [height, width, channels] to [to, width, channels]. */
function resampleColumns(data: Uint8Array, height: number, width: number, channels: number, to: number): Uint8Array {
  const { first, weights } = filterFor(height, to);
  const row = width * channels;
  const out = new Uint8Array(to * row);
  const sums = new Int32Array(row);
  for (let y = 0; y < to; y++) {
    sums.fill(1 << (BITS - 1));
    const w = weights[y]!;
    for (let k = 0; k < w.length; k++) {
      const from = (first[y]! + k) * row;
      const weight = w[k]!;
      for (let x = 0; x < row; x++) sums[x]! += data[from + x]! * weight;
    }
    for (let x = 0; x < row; x++) out[y * row + x] = clip(sums[x]!);
  }
  return out;
}

/**
 * RGB [h, w, 3] of a picture, each pass rounded to 8 bits; a side that keeps its size is not resampled. As in Pillow
 * 13, the rows come first unless the
 * height shrinks by more than twice as many pixels as the width (then the columns do; earlier versions never did
 * that, 1 level apart in some values).
 */
function resample({ width, height, channels, data }: Picture, w: number, h: number): Uint8Array {
  if (h < height && height - h > 2 * (width - w) && w !== width)
    return resampleRows(resampleColumns(data, height, width, channels, h), h, width, channels, w);
  const rows = w !== width ? resampleRows(data, height, width, channels, w) : channels === 3 ? data : dropAlpha(data);
  return h === height ? rows : resampleColumns(rows, height, w, 3, h);
}

/**
 * A picture as the network gets it: RGB uint8 [size, size, 3], scaled to fit (triangle filter with antialiasing, each
 * pass rounded to 8
 * bits), centred on black; alpha is dropped, not blended. A picture that fits already is passed on (RGB: the same
 * bytes, not a copy).
 * Equal bit for bit to `resize_with_pad` of the original's client (golden cases transforms, policy-input).
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

function dropAlpha(data: Uint8Array): Uint8Array {
  const out = new Uint8Array((data.length / 4) * 3);
  for (let i = 0, o = 0; i < data.length; i += 4) {
    out[o++] = data[i]!;
    out[o++] = data[i + 1]!;
    out[o++] = data[i + 2]!;
  }
  return out;
}

/** A level 0…255 as the network sees it: x/255·2 − 1 in float32. */
export const PIXEL_TO_FLOAT: Float32Array = Float32Array.from({ length: 256 }, (_, level) => {
  const { fround } = Math;
  return fround(fround(level / 255) * 2) - 1;
});
