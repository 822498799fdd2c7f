import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import type { Picture } from '../robot/index.ts';
import { resizeFloatForModel, resizeForModel } from './resizeForModel.ts';
import { resizeWithPad } from './resizeWithPad.ts';

/**
 * Weights of one output position over all inputs: a triangle as wide as the larger pixel, cut at the border, summing to
 * 1.
 */
function weights(i: number, from: number, to: number): number[] {
  const scale = from / to;
  const reach = Math.max(scale, 1);
  const centre = (i + 0.5) * scale;
  const all = Array.from({ length: from }, (_, k) => Math.max(0, 1 - Math.abs((k + 0.5 - centre) / reach)));
  const total = all.reduce((a, b) => a + b, 0);
  return all.map((w) => w / total);
}

/** The obvious way in floating point: every output pixel from every input pixel; NaN outside of the scaled picture. */
function slowly({ width, height, channels, data }: Picture, size: number): Float64Array {
  const ratio = Math.max(width / size, height / size);
  const [w, h] = [Math.max(1, Math.floor(width / ratio)), Math.max(1, Math.floor(height / ratio))];
  const [top, left] = [Math.floor((size - h) / 2), Math.floor((size - w) / 2)];
  const out = new Float64Array(size * size * 3).fill(Number.NaN);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const [down, across] = [weights(y, height, h), weights(x, width, w)];
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let j = 0; j < height; j++)
          for (let i = 0; i < width; i++) sum += down[j]! * across[i]! * data[(j * width + i) * channels + c]!;
        out[((top + y) * size + left + x) * 3 + c] = sum;
      }
    }
  return out;
}

const picture = fc
  .record({
    width: fc.integer({ min: 1, max: 24 }),
    height: fc.integer({ min: 1, max: 24 }),
    channels: fc.constantFrom(3 as const, 4 as const),
    seed: fc.nat(),
  })
  .map(({ width, height, channels, seed }): Picture => {
    const random = Random.of('picture', seed);
    const length = width * height * channels;
    return { width, height, channels, data: Uint8Array.from({ length }, () => Math.floor(random.between(0, 256))) };
  });

/** One side as Pillow does it: weights as whole numbers of 2⁻²², half a level added, the rest cut. */
function wholeNumbers(values: readonly number[], to: number): number[] {
  if (to === values.length) return [...values];
  return Array.from({ length: to }, (_, i) => {
    const sum = weights(i, values.length, to).reduce((s, w, k) => s + Math.trunc(0.5 + w * 2 ** 22) * values[k]!, 0);
    return Math.min(255, Math.floor((sum + 2 ** 21) / 2 ** 22));
  });
}

describe('resizing, against the obvious way', () => {
  it('gives the same bytes as whole-number passes, rows first, whatever the size of the picture before', () => {
    const side = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(side, side, fc.constantFrom(3 as const, 4 as const), fc.nat(), (side, size, channels, seed) => {
        // A ratio whose rounding leaves a pixel of black has other numbers of rows.
        fc.pre(Math.trunc(side / (side / size)) === size);
        const random = Random.of('square', seed);
        const data = Uint8Array.from({ length: side * side * channels }, () => Math.floor(random.between(0, 256)));
        const got = resizeWithPad({ width: side, height: side, channels, data }, size);
        for (let c = 0; c < 3; c++) {
          const rows = Array.from({ length: side }, (_, y) =>
            wholeNumbers(
              Array.from({ length: side }, (_, x) => data[(y * side + x) * channels + c]!),
              size,
            ),
          );
          for (let x = 0; x < size; x++) {
            const column = wholeNumbers(
              rows.map((row) => row[x]!),
              size,
            );
            for (let y = 0; y < size; y++) expect(got[(y * size + x) * 3 + c]).toBe(column[y]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is right for any size and shape, shrinking and growing, one-pixel sides, with and without alpha', () => {
    fc.assert(
      fc.property(picture, fc.integer({ min: 1, max: 20 }), (one, size) => {
        const expected = slowly(one, size);
        const [client, model, float] = [
          resizeWithPad(one, size),
          resizeForModel(one, size),
          resizeFloatForModel(one, size),
        ];
        expect([client.length, model.length, float.length]).toEqual([
          size * size * 3,
          size * size * 3,
          size * size * 3,
        ]);
        expected.forEach((value, i) => {
          if (Number.isNaN(value)) expect([client[i], model[i], float[i]]).toEqual([0, 0, -1]);
          else {
            // Two roundings to 8 bits, one, and none.
            expect(Math.abs(client[i]! - value)).toBeLessThan(1.01);
            expect(Math.abs(model[i]! - value)).toBeLessThan(0.5001);
            expect(Math.abs(float[i]! - (value / 127.5 - 1))).toBeLessThan(1e-5);
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  it('shrinks the height first where it shrinks by more than twice as many pixels', () => {
    // 1 level apart from rows first; numbers from Pillow 13.
    const data = Uint8Array.from({ length: 11 * 3 * 3 }, (_, i) => (i * i * 7 + 31 * i) % 256);
    const tall: Picture = { width: 3, height: 11, channels: 3, data };
    expect([...resizeWithPad(tall, 5)].filter((_, i) => i % 15 >= 6 && i % 15 < 9)).toEqual(TALL);
  });
});

/** `Image.fromarray(a).resize((1, 5), BILINEAR)` of the picture above. */
const TALL = [126, 139, 113, 111, 136, 144, 146, 116, 103, 119, 120, 136, 123, 146, 125];
