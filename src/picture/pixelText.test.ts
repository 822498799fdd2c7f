import { expect, it } from 'vitest';
import { pixelText } from './pixelText.ts';

it('letters are drawn without any font, and differ', () => {
  const one = pixelText('step 12', 2);
  expect([one.width, one.height]).toEqual([(7 * 6 - 1) * 2, 16]);
  expect(one.data.some((value) => value > 0)).toBe(true);
  expect(pixelText('step 13', 2).data).not.toEqual(one.data);
  expect(pixelText('§').data.every((value) => value === 0)).toBe(true);
});
