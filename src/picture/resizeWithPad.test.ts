import { describe, expect, it } from 'vitest';
import { goldenPicture, goldenTensors, largestError } from '../../test/support/golden.ts';
import type { Picture } from '../robot/index.ts';
import { PIXEL_TO_FLOAT, resizeWithPad } from './resizeWithPad.ts';

describe('resizeWithPad', () => {
  it.each([
    ['transforms/image_100x37.png', 'transforms/client_100x37.png', 3],
    ['policy-input/sample2_head.png', 'policy-input/sample2_head_224.png', 4],
    ['policy-input/sample2_left_wrist.png', 'policy-input/sample2_left_wrist_224.png', 4],
  ] as const)("makes the original client's pixels, every bit, from %s", async (from, to, channels) => {
    const resized = resizeWithPad(await goldenPicture(from, channels), 224);
    expect(largestError(resized, (await goldenPicture(to)).data)).toBe(0);
  });

  it('passes on what fits and drops alpha without blending', () => {
    const rgb: Picture = { width: 2, height: 2, channels: 3, data: Uint8Array.from({ length: 12 }, (_, i) => i) };
    expect(resizeWithPad(rgb, 2)).toBe(rgb.data);
    const rgba: Picture = { width: 1, height: 1, channels: 4, data: Uint8Array.of(10, 20, 30, 0) };
    expect([...resizeWithPad(rgba, 1)]).toEqual([10, 20, 30]);
  });

  it('pads with black, centred', () => {
    const wide: Picture = { width: 4, height: 2, channels: 3, data: new Uint8Array(24).fill(200) };
    const out = resizeWithPad(wide, 4);
    expect(Array.from({ length: 4 }, (_, y) => out[y * 12])).toEqual([0, 200, 200, 0]);
  });

  it('refuses bytes that do not fill the shape', () => {
    expect(() => resizeWithPad({ width: 2, height: 2, channels: 3, data: new Uint8Array(11) }, 2)).toThrow(
      /got 11, expected 2×2×3/,
    );
  });
});

it('PIXEL_TO_FLOAT is x/255·2 − 1 in float32', async () => {
  expect(
    largestError(PIXEL_TO_FLOAT, (await goldenTensors('transforms/images.safetensors')).pixel_to_float!.data),
  ).toBe(0);
});
