import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { bootstrap, combineIntervals, quantile, scoreInterval, wilson } from './intervals.ts';

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

describe('bootstrap', () => {
  it('agrees with all resamples, written out', () => {
    const scores = [0, 0.5, 0.5, 1];
    const means: number[] = [];
    for (const a of scores)
      for (const b of scores) for (const c of scores) for (const d of scores) means.push((a + b + c + d) / 4);
    means.sort((x, y) => x - y);
    const { low, high } = bootstrap(scores, 'exact');
    expect(low).toBeCloseTo(quantile(means, 0.025), 6);
    expect(high).toBeCloseTo(quantile(means, 0.975), 6);
  });

  it('gives the same bounds for the same seed', () => {
    const scores = [0, 0.2, 0.4, 1, 1];
    expect(bootstrap(scores, 'a')).toEqual(bootstrap(scores, 'a'));
  });
});

describe('scoreInterval', () => {
  it('claims no certainty where scores are few or all alike', () => {
    expect(scoreInterval([0, 0, 0], 's')).toEqual(wilson(0, 3));
    expect(scoreInterval(new Array(30).fill(1), 's')).toEqual(wilson(1, 30));
    expect(scoreInterval([1, 1, 1, 0, 1], 's')).toEqual(wilson(0.8, 5));
    expect(scoreInterval([], 's').mean).toBeNaN();
  });

  it('covers the true mean about as often as it says', () => {
    const random = Random.of('coverage');
    let covered = 0;
    for (let trial = 0; trial < 40; trial++) {
      const scores = Array.from({ length: 30 }, () => random.uniform() ** 2); // mean 1/3
      const { low, high } = scoreInterval(scores, `trial ${trial}`);
      if (low <= 1 / 3 && 1 / 3 <= high) covered++;
    }
    expect(covered).toBeGreaterThanOrEqual(33); // 95 % of 40 is 38; below 33 has a chance of 1 in 1000
  });
});

describe('combineIntervals', () => {
  it('one part is itself; equal parts narrow by the root of their number', () => {
    const part = { mean: 0.5, low: 0.3, high: 0.8 };
    expect(combineIntervals([part])).toEqual({ mean: 0.5, low: 0.3, high: 0.8 });
    const four = combineIntervals([part, part, part, part]);
    expect(four).toEqual({ mean: 0.5, low: expect.closeTo(0.4, 12), high: expect.closeTo(0.65, 12) });
  });

  it('covers the mean of the true means about as often as it says, few episodes a task', () => {
    const random = Random.of('combineIntervals');
    const truth = [0.9, 0.2];
    let covered = 0;
    for (let trial = 0; trial < 300; trial++) {
      const parts = truth.map((p) =>
        scoreInterval(
          Array.from({ length: 5 }, () => (random.uniform() < p ? 1 : 0)),
          's',
        ),
      );
      const { low, high } = combineIntervals(parts);
      if (low <= 0.55 && 0.55 <= high) covered++;
    }
    expect(covered).toBeGreaterThanOrEqual(270); // at least 90 %
  });
});

it('quantile interpolates as numpy does', () => {
  expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75);
  expect(quantile([5], 0.9)).toBe(5);
  expect(quantile([0, 10], 1)).toBe(10);
});

it('of thousands of scores the bounds are those of a bootstrap, without resampling', () => {
  const random = Random.of('many scores');
  const scores = Array.from({ length: 2001 }, () => [0, 0, 0, 1 / 3, 1][random.integer(5)] as number);
  const [many, resampled] = [scoreInterval(scores, 's'), bootstrap(scores, 's')];
  expect(many.mean).toBe(resampled.mean);
  expect(Math.abs(many.low - resampled.low)).toBeLessThan(1e-3);
  expect(Math.abs(many.high - resampled.high)).toBeLessThan(1e-3);
  expect(scoreInterval(scores.slice(1), 's')).toEqual(bootstrap(scores.slice(1), 's'));
});
