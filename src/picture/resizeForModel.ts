import { InputError } from '../base/index.ts';
import type { Picture } from '../robot/index.ts';

/** For each output position, the first input position and the weights of the inputs from there on. */
interface Taps {
  readonly first: Int32Array;
  readonly weights: readonly Float64Array[];
}

/** Triangle filter with antialiasing in floating point (jax.image.resize's `linear`). */
function taps(inputSize: number, outputSize: number): Taps {
  const scale = inputSize / outputSize;
  const support = Math.max(scale, 1);
  const first = new Int32Array(outputSize);
  const weights: Float64Array[] = [];
  for (let i = 0; i < outputSize; i++) {
    const centre = (i + 0.5) * scale - 0.5;
    const start = Math.max(0, Math.ceil(centre - support));
    const end = Math.min(inputSize - 1, Math.floor(centre + support));
    const raw = Float64Array.from({ length: end - start + 1 }, (_, k) =>
      Math.max(0, 1 - Math.abs(start + k - centre) / support),
    );
    const total = raw.reduce((sum, w) => sum + w, 0);
    first[i] = start;
    weights.push(raw.map((w) => w / total));
  }
  return { first, weights };
}

/**
 * RGB of a picture, each level through `value`, scaled to fit into size × size; float64 [h, w, 3] and where it stands.
 */
function scaled({ width, height, channels, data }: Picture, size: number, value: (level: number) => number) {
  if (!(width > 0 && height > 0) || data.length !== width * height * channels)
    throw new InputError(
      'resizeForModel',
      `the picture's bytes do not fill its shape (got ${data.length}, expected ${height}×${width}×${channels}).`,
    );
  const ratio = Math.max(width / size, height / size);
  const [w, h] = [Math.max(1, Math.trunc(width / ratio)), Math.max(1, Math.trunc(height / ratio))];
  const levels = Float64Array.from({ length: 256 }, (_, level) => value(level));
  const [across, down] = [taps(width, w), taps(height, h)];
  const rows = new Float64Array(height * w * 3);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < w; x++)
      for (let c = 0; c < 3; c++, at++) {
        const from = (y * width + across.first[x]!) * channels + c;
        let sum = 0;
        across.weights[x]!.forEach((weight, k) => {
          sum += weight * levels[data[from + k * channels]!]!;
        });
        rows[at] = sum;
      }
  const pixels = new Float64Array(h * w * 3);
  for (let y = 0; y < h; y++)
    down.weights[y]!.forEach((weight, k) => {
      const from = (down.first[y]! + k) * w * 3;
      for (let i = 0; i < w * 3; i++) pixels[y * w * 3 + i]! += weight * rows[from + i]!;
    });
  return { pixels, w, h, top: Math.floor((size - h) / 2), left: Math.floor((size - w) / 2) };
}

/**
 * A picture as the original's *model* resizes it (training pictures; its client differs by one level in a tenth of the
 * values): triangle filter with antialiasing, one rounding half to even, centred on black; uint8 [size, size, 3].
 */
export function resizeForModel(picture: Picture, size: number): Uint8Array {
  const { pixels, w, h, top, left } = scaled(picture, size, (level) => level);
  const out = new Uint8ClampedArray(size * size * 3); // rounds half to even, and clips
  for (let y = 0; y < h; y++) out.set(pixels.subarray(y * w * 3, (y + 1) * w * 3), ((top + y) * size + left) * 3);
  return new Uint8Array(out.buffer);
}

/** The same of a picture in [-1, 1] (x/255·2 − 1): clipped to [-1, 1], centred on -1; float32 [size, size, 3]. */
export function resizeFloatForModel(picture: Picture, size: number): Float32Array {
  const { fround } = Math;
  const { pixels, w, h, top, left } = scaled(picture, size, (level) => fround(fround(level / 255) * 2) - 1);
  const out = new Float32Array(size * size * 3).fill(-1);
  for (let y = 0; y < h; y++)
    for (let i = 0; i < w * 3; i++)
      out[((top + y) * size + left) * 3 + i] = Math.min(1, Math.max(-1, pixels[y * w * 3 + i]!));
  return out;
}
