import { describe, expect, it } from 'vitest';
import { type Shape, studies } from '../../../test/support/studies.ts';
import { Random } from '../../base/index.ts';
import { differenceInterval, pairsNeeded, smallestDifference } from './differenceInterval.ts';

describe('differenceInterval', () => {
  it("of paired shares is Bonett and Price's, with Student's quantile", () => {
    // 20 pairs: 9 better, 3 worse, 8 alike. Adjusted shares 10/22 and 4/22.
    const [up, down] = [10 / 22, 4 / 22];
    const { mean, low, high, error } = differenceInterval([
      [...new Array(9).fill(1), ...new Array(3).fill(-1), ...new Array(8).fill(0)],
    ]);
    expect(error).toBeCloseTo(Math.sqrt((up + down - (up - down) ** 2) / 22), 12);
    expect(mean).toBeCloseTo(6 / 20, 12);
    expect((low + high) / 2).toBeCloseTo(up - down, 12);
    expect((high - low) / 2 / error).toBeCloseTo(2.093, 2); // 19 degrees of freedom
  });

  it('claims no certainty where all differences are alike', () => {
    const { low, high } = differenceInterval([new Array(10).fill(0)]);
    expect(low).toBeLessThan(-0.15);
    expect(high).toBeGreaterThan(0.15);
    expect(differenceInterval([[0.5, 0.5, 0.5]])).toMatchObject({ mean: 0.5, low: expect.closeTo(-0.47, 2) });
    expect(differenceInterval([[], []]).mean).toBeNaN();
  });

  it.each<Shape>([
    { tasks: 50, pairs: 10, ties: 0.5, apart: true },
    { tasks: 5, pairs: 10, ties: 0, apart: false },
    { tasks: 2, pairs: 30, ties: 0.5, apart: true },
    { tasks: 1, pairs: 50, ties: 0, apart: true },
  ])('covers the true difference about as often as it says, of scores with many zeros: %j', (shape) => {
    const random = Random.of('coverage', JSON.stringify(shape));
    const count = 1000;
    let covered = 0;
    for (const { differences, truth } of studies(shape, count, random)) {
      const { low, high } = differenceInterval(differences);
      if (low <= truth && truth <= high) covered++;
    }
    expect(covered / count).toBeGreaterThan(0.925); // 95 % less three standard errors and a little
    expect(covered / count).toBeLessThan(0.985);
  });
});

describe('how many', () => {
  it('four times the pairs find half the difference', () => {
    const pairs = (n: number) => differenceInterval([Array.from({ length: n }, (_, i) => (i % 4) / 4 - 0.3)]);
    const [few, many] = [smallestDifference(pairs(100)), smallestDifference(pairs(400))];
    expect(few / many).toBeCloseTo(2, 1);
    expect(pairsNeeded(pairs(100), 100)).toBeCloseTo(100 * (few / 0.075) ** 2, -1);
    expect(pairsNeeded(differenceInterval([[1, -1]]), 2)).toBe(Number.POSITIVE_INFINITY);
  });

  it('80 of 100 studies find the smallest difference', () => {
    const random = Random.of('power');
    const study = (shift: number) =>
      differenceInterval([Array.from({ length: 60 }, () => Math.max(-1, Math.min(1, shift + 0.3 * random.normal())))]);
    const smallest = smallestDifference(study(0));
    let found = 0;
    for (let i = 0; i < 500; i++) if (study(smallest).low > 0) found++;
    expect(found / 500).toBeGreaterThan(0.7);
    expect(found / 500).toBeLessThan(0.9);
  });
});
