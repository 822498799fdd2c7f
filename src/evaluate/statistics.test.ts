import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { quantile, scoreInterval, wilson } from './statistics.ts';

describe('wilson', () => {
  it('is the share p for which the observed share lies 1.96 standard errors away', () => {
    for (const [successes, count] of [
      [0, 5],
      [3, 10],
      [10, 10],
      [37, 80],
    ]) {
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

describe('scoreInterval', () => {
  it('is the mean over tasks of the mean over episodes', () => {
    expect(
      scoreInterval(
        [
          [1, 0, 0, 0],
          [1, 1],
        ],
        's',
      ).mean,
    ).toBe((0.25 + 1) / 2);
  });

  it('agrees with all resamples, written out', () => {
    const scores = [0, 0.5, 0.5, 1];
    const means: number[] = [];
    for (const a of scores)
      for (const b of scores) for (const c of scores) for (const d of scores) means.push((a + b + c + d) / 4);
    means.sort((x, y) => x - y);
    const { low, high } = scoreInterval([scores], 'exact');
    expect(low).toBeCloseTo(quantile(means, 0.025), 6);
    expect(high).toBeCloseTo(quantile(means, 0.975), 6);
  });

  it('covers the true mean about as often as it says', () => {
    const random = Random.of('coverage');
    let covered = 0;
    for (let trial = 0; trial < 40; trial++) {
      const scores = Array.from({ length: 30 }, () => random.uniform() ** 2); // mean 1/3
      const { low, high } = scoreInterval([scores], `trial ${trial}`);
      if (low <= 1 / 3 && 1 / 3 <= high) covered++;
    }
    expect(covered).toBeGreaterThanOrEqual(33); // 95 % of 40 is 38; below 33 has a chance of 1 in 1000
  });

  it('claims no certainty when all scores are alike', () => {
    expect(scoreInterval([[0, 0, 0]], 's')).toEqual(wilson(0, 3));
    expect(
      scoreInterval(
        [
          [0, 0, 0],
          [1, 1],
        ],
        's',
      ),
    ).toEqual(wilson(0.5, 5));
    expect(scoreInterval([], 's').mean).toBeNaN();
  });

  it('gives the same bounds for the same seed', () => {
    const scores = [[0, 0.2, 0.4, 1, 1]];
    expect(scoreInterval(scores, 'a')).toEqual(scoreInterval(scores, 'a'));
  });
});

it('quantile interpolates as numpy does', () => {
  expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75);
  expect(quantile([5], 0.9)).toBe(5);
  expect(quantile([0, 10], 1)).toBe(10);
});
