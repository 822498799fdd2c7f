import { expect, it } from 'vitest';
import { fromFloat16, toFloat16 } from './float16.ts';

it('every half-precision number comes back', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const numbers = fromFloat16(all);
  const back = toFloat16(numbers);
  for (let i = 0; i < 65536; i++)
    if (Number.isNaN(numbers[i]!)) expect(back[i]! & 0x7fff).toBeGreaterThan(0x7c00);
    else if (back[i] !== i) expect([i, back[i]]).toEqual([i, i]);
});

it('rounds to the nearest number, ties to even', () => {
  const positive = fromFloat16(Uint16Array.from({ length: 0x7c00 }, (_, i) => i));
  for (let i = 0; i + 1 < positive.length; i++) {
    const [a, b] = [positive[i]!, positive[i + 1]!];
    const middle = (a + b) / 2;
    const [tie, above, below] = toFloat16([-middle, middle + (b - a) / 64, middle - (b - a) / 64]);
    if (tie !== (0x8000 | (i % 2 === 0 ? i : i + 1)) || above !== i + 1 || below !== i)
      expect([a, tie, above, below]).toEqual([a, 0x8000 | (i % 2 === 0 ? i : i + 1), i + 1, i]);
  }
  expect([...toFloat16([65504, 65519.99, 65520, 1e9, -1e9, 2 ** -25, 2 ** -24])]).toEqual([
    0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00, 0, 1,
  ]);
});
