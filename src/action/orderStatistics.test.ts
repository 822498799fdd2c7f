import fc from 'fast-check';
import { expect, it } from 'vitest';
import { interpolatePair, OrderStatistics, quantilePair } from './orderStatistics.ts';

it('finds the same order statistics as sorting, in any mixture of numbers', () => {
  const order = new OrderStatistics();
  const number = fc.oneof(
    fc.float({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(0, 1, -1, 1.0000001, -1e-30),
  );
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 3 }), (list, shows) => {
      const values = Float32Array.from(list);
      const bits = new Int32Array(values.buffer);
      const pair = quantilePair(values.length * shows, 0.01, 0.99);
      order.clear();
      for (let i = 0; i < shows; i++) order.count(bits, values.length);
      order.locate(pair.ranks);
      for (let i = 0; i < shows; i++) order.refine(bits, values.length);
      const sorted = Float32Array.from(Array.from({ length: shows }, () => list).flat()).sort();
      for (let i = 0; i < 4; i++) expect(order.value(i) === sorted[pair.ranks[i]!]).toBe(true);
      const [low, high] = interpolatePair(pair, (i) => order.value(i));
      expect(low).toBeLessThanOrEqual(high);
    }),
    { numRuns: 60 },
  );
});

it('interpolates as numpy does', () => {
  const values = [1, 2, 4, 8, 16];
  const pair = quantilePair(5, 0.1, 0.9);
  expect(interpolatePair(pair, (i) => values[pair.ranks[i]!]!)).toEqual([1.4, 12.8]);
});
