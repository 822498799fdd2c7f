import { describe, expect, it } from 'vitest';
import { goldenPicture, largestError } from '../../test/support/golden.ts';
import type { Picture } from '../robot/index.ts';
import { resizeFloatForModel, resizeForModel } from './resizeForModel.ts';
import { resizeWithPad } from './resizeWithPad.ts';

describe('pictures as the model resizes them', () => {
  it('differ from the client by one level at most, in some values', async () => {
    const picture = await goldenPicture('transforms/image_100x37.png');
    const [model, client] = [resizeForModel(picture, 224), resizeWithPad(picture, 224)];
    expect(largestError(model, client)).toBe(1);
    expect(model.filter((x, i) => x !== client[i]).length / model.length).toBeLessThan(0.2);
    const float = resizeFloatForModel(picture, 224);
    expect(
      largestError(
        float,
        Array.from(model, (x) => (x / 255) * 2 - 1),
      ),
    ).toBeLessThan(1.01 / 255);
  });

  it('average when they shrink, and are centred on black', () => {
    const wide: Picture = { width: 8, height: 4, channels: 3, data: new Uint8Array(96).fill(200) };
    expect(Array.from({ length: 4 }, (_, y) => resizeForModel(wide, 4)[y * 12])).toEqual([0, 200, 200, 0]);
    expect(resizeFloatForModel(wide, 4)[0]).toBe(-1);
    expect(() => resizeForModel({ ...wide, width: 7 }, 4)).toThrow(/got 96, expected 4×7×3/);
  });
});
