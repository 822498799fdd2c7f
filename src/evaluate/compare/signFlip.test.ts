import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { holm, signFlipTest } from './signFlip.ts';

describe('signFlipTest', () => {
  it('with equal differences is the sign test', () => {
    // Nine of ten pairs better: 2 (1 + 10) / 2^10.
    expect(signFlipTest([[...new Array(9).fill(0.5), -0.5]], 's')).toBe(22 / 1024);
    expect(signFlipTest([[0, 0, 0]], 's')).toBe(1);
    expect(signFlipTest([], 's')).toBe(1);
  });

  it('ties change nothing but the weight of a task', () => {
    expect(signFlipTest([[0.3, 0.2, -0.1, 0, 0]], 's')).toBe(signFlipTest([[0.3, 0.2, -0.1]], 's'));
    expect(
      signFlipTest(
        [
          [1, 1],
          [-1, 0, 0, 0],
        ],
        's',
      ),
    ).not.toBe(signFlipTest([[1, 1, -1, 0, 0, 0]], 's'));
  });

  it('drawn signs agree with all signs', () => {
    const random = Random.of('drawn');
    const differences = Array.from({ length: 16 }, () => random.between(-0.4, 0.6));
    const exact = signFlipTest([differences], 's');
    // One difference too many to try all, too small to matter.
    expect(Math.abs(signFlipTest([[...differences, 1e-9]], 's') - exact)).toBeLessThan(0.01);
  });

  it('errs at its level: about 5 of 100 studies of equal policies', () => {
    const random = Random.of('level');
    let rejected = 0;
    for (let study = 0; study < 1000; study++) {
      const pair = () => (random.uniform() < 0.5 ? 0 : Math.round(3 * (random.uniform() - random.uniform())) / 3);
      if (signFlipTest([Array.from({ length: 14 }, pair), Array.from({ length: 9 }, pair)].map(few), 's') < 0.05)
        rejected++;
    }
    expect(rejected).toBeGreaterThan(15);
    expect(rejected).toBeLessThan(70);
  });
});

/** At most eight that are not 0, so that all signs are tried. */
const few = (differences: number[]): number[] => {
  let left = 8;
  return differences.filter((difference) => difference === 0 || left-- > 0);
};

it('holm corrects the smallest p most, and keeps their order', () => {
  expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06]);
  expect(holm([0.5, 0.9])).toEqual([1, 1]);
  expect(holm([])).toEqual([]);
});
