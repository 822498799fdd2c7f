import { describe, expect, it } from 'vitest';
import { quantile, wilson } from './intervals.ts';

describe('wilson', () => {
  it('is the share p for which the observed share lies 1.96 standard errors away', () => {
    for (const [successes, count] of [
      [0, 5],
      [3, 10],
      [10, 10],
      [37, 80],
    ] as const) {
      const share = successes / count;
      const { low, high } = wilson(share, count);
      for (const bound of [low, high]) {
        if (bound === 0 || bound === 1) continue; // a bound at the end of the range
        const deviation = Math.abs(share - bound) / Math.sqrt((bound * (1 - bound)) / count);
        expect(deviation).toBeCloseTo(1.959964, 5);
      }
      expect(low).toBeLessThanOrEqual(share);
      expect(high).toBeGreaterThanOrEqual(share);
    }
  });

  it('agrees with published values', () => {
    // Newcombe (1998), Statistics in Medicine 17, table I: 81/263, 15/148, 0/20.
    expect(wilson(81 / 263, 263)).toMatchObject({ low: expect.closeTo(0.2553, 4), high: expect.closeTo(0.3662, 4) });
    expect(wilson(15 / 148, 148)).toMatchObject({ low: expect.closeTo(0.0624, 4), high: expect.closeTo(0.1605, 4) });
    expect(wilson(0, 20)).toMatchObject({ low: 0, high: expect.closeTo(0.1611, 4) });
  });
});

it('quantile interpolates as numpy does', () => {
  expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75);
  expect(quantile([5], 0.9)).toBe(5);
  expect(quantile([0, 10], 1)).toBe(10);
});
