import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { PictureAugmenter, type PictureChanges, type PictureDraws } from './augmenter.ts';
import { changeColours } from './changeColours.ts';
import { cropAndTurn } from './cropAndTurn.ts';

const ORIGINAL: PictureChanges = {
  ...{ colour: 'hsv', crop: 0.95, rotate: 5, colourShare: 0.5 },
  ...{ brightness: 0.3, contrast: 0.4, hue: 0.1, noise: 0 },
};

interface GoldenCase {
  readonly side: number;
  readonly wrist: boolean;
  readonly pixels: string;
  readonly levels: string;
  readonly draws: PictureDraws;
}

const noisy = (side: number, seed = 0): Uint8Array => {
  const random = Random.of('picture', seed);
  return Uint8Array.from({ length: 3 * side * side }, () => random.integer(256));
};

describe('PictureAugmenter', () => {
  it("makes augmax's pictures of its draws, within rounding", async () => {
    const file = join(import.meta.dirname, '../../test/golden/augmentation/cases.json');
    const { cases } = JSON.parse(await readFile(file, 'utf8')) as { cases: GoldenCase[] };
    expect(cases.map(({ draws }) => `${!!draws.placement} ${!!draws.colours}`)).toEqual(
      expect.arrayContaining(['true true', 'true false', 'false true']),
    );
    const augmenter = new PictureAugmenter(ORIGINAL, Random.of('noise'));
    for (const { side, pixels, levels, draws } of cases) {
      const picture = new Uint8Array(Buffer.from(pixels, 'base64'));
      const bytes = Buffer.from(levels, 'base64');
      // The library draws a saturation and does not use it.
      const colours = draws.colours ? { ...draws.colours, saturation: 0 } : undefined;
      augmenter.replay(picture, side, { placement: draws.placement ?? undefined, colours });
      const off = Array.from(picture, (level, i) => Math.abs(level - bytes.readUInt16LE(2 * i) / 256));
      expect(Math.max(...off)).toBeLessThan(0.52);
    }
  });

  it('crops, scales and turns as a slow one does that looks at every pixel', () => {
    const side = 16;
    const pixels = noisy(side);
    const placement = { kept: 15, dx: 0.4, dy: -0.3, angle: 0.08 };
    const out = new Float64Array(pixels.length);
    cropAndTurn(pixels, side, placement, out);
    const rotate = (y: number, x: number, a: number) => [
      y * Math.cos(a) + x * Math.sin(a),
      x * Math.cos(a) - y * Math.sin(a),
    ];
    for (let row = 0; row < side; row++)
      for (let column = 0; column < side; column++)
        for (let channel = 0; channel < 3; channel++) {
          const [y, x] = rotate(row - 7.5, column - 7.5, 0.08) as [number, number];
          const [fromY, fromX] = [(y * 15) / 16 - 0.3 + 7.5, (x * 15) / 16 + 0.4 + 7.5];
          let sum = 0;
          for (let r = 0; r < side; r++)
            for (let c = 0; c < side; c++) {
              const near = Math.max(0, 1 - Math.abs(r - fromY)) * Math.max(0, 1 - Math.abs(c - fromX));
              sum += near * (pixels[3 * (r * side + c) + channel] as number);
            }
          expect(out[3 * (row * side + column) + channel]).toBeCloseTo(sum, 9);
        }
  });

  it('leaves a picture alone where nothing is cut off and nothing turns; a right angle moves whole pixels', () => {
    const pixels = noisy(9);
    const out = new Float64Array(pixels.length);
    cropAndTurn(pixels, 9, { kept: 9, dx: 0, dy: 0, angle: 0 }, out);
    expect(Array.from(out)).toEqual(Array.from(pixels));
    cropAndTurn(pixels, 9, { kept: 9, dx: 0, dy: 0, angle: Math.PI / 2 }, out);
    for (let r = 0; r < 9; r++)
      for (let c = 0; c < 9; c++) expect(out[3 * (9 * r + c)]).toBeCloseTo(pixels[3 * (9 * c + 8 - r)] as number, 9);
  });

  it('turns colours around the circle, to grey, and keeps greys grey', () => {
    const change = (pixel: number[], by: object) => {
      const levels = Float64Array.from(pixel);
      changeColours(levels, { brightness: 0, contrast: 0, hue: 0, saturation: 0, ...by });
      return Array.from(levels, (level) => Math.round(level));
    };
    expect(change([200, 100, 50], {})).toEqual([200, 100, 50]);
    expect(change([255, 0, 0], { hue: 1 / 3 })).toEqual([0, 255, 0]);
    expect(change([255, 0, 0], { hue: -1 / 3 })).toEqual([0, 0, 255]);
    expect(change([200, 100, 50], { saturation: -0.5 })).toEqual([200, 150, 125]);
    expect(change([200, 100, 50], { brightness: -0.5 })).toEqual([100, 50, 25]);
    expect(change([90, 90, 90], { brightness: 0.2, hue: 0.4 })).toEqual([123, 123, 123]);
    expect(change([255, 255, 255], { contrast: 0.4 })).toEqual([255, 255, 255]);
    expect(change([0, 0, 0], { contrast: 0.4 })).toEqual([0, 0, 0]);
  });

  it('draws within its limits, moves no wrist camera, and changes the colours of its share', () => {
    const augmenter = new PictureAugmenter(ORIGINAL, Random.of('noise'));
    const all = Array.from({ length: 400 }, (_, i) => augmenter.draw(Random.of('draw', i), 224, true));
    const most = (of: (draws: PictureDraws) => number | undefined) =>
      Math.max(...all.map((draws) => Math.abs(of(draws) ?? 0)));
    expect(most(({ placement }) => placement?.dx)).toBeGreaterThan(5.7);
    expect(most(({ placement }) => placement?.dx)).toBeLessThanOrEqual(6);
    expect(most(({ placement }) => placement?.angle)).toBeGreaterThan(0.084);
    expect(most(({ placement }) => placement?.angle)).toBeLessThanOrEqual((5 * Math.PI) / 180);
    expect(most(({ colours }) => colours?.contrast)).toBeLessThanOrEqual(0.4);
    expect(most(({ colours }) => colours?.saturation)).toBe(0);
    expect(all.every(({ placement }) => placement?.kept === 212)).toBe(true);
    const coloured = all.filter(({ colours }) => colours).length;
    expect(coloured).toBeGreaterThan(160);
    expect(coloured).toBeLessThan(240);
    expect(augmenter.draw(Random.of('draw', 0), 224, false)).toEqual({ ...all[0], placement: undefined });
  });
});
