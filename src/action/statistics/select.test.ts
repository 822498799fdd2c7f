import { expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { select } from './select.ts';

it('finds the number that sorting puts at a place, with many equal ones and few, whatever the size', () => {
  const random = Random.of('select');
  for (const size of [1, 2, 7, 300, 5000])
    for (const kinds of [1, 3, 1e9]) {
      const numbers = Float32Array.from({ length: size }, () => Math.floor(random.uniform() * kinds));
      const sorted = numbers.toSorted();
      for (const part of [0, 0.01, 0.5, 0.99, 1]) {
        const place = Math.round(part * (size - 1));
        expect(select(numbers.slice(), place, 0, size - 1), `${size} ${kinds} ${place}`).toBe(sorted[place]);
      }
    }
});
