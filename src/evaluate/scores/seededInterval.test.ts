import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { scoreInterval, wilson } from './intervals.ts';
import { type SeededScore, seededInterval, studentQuantile, varianceOfMean } from './seededInterval.ts';

/** Scores 0, 1/3, 2/3, 1 whose chance differs by instance and by seed. */
function simulate(
  random: Random,
  { instances, seeds, level, instanceSpread, seedSpread }: Record<string, number>,
): SeededScore[] {
  const ofInstance = Array.from({ length: instances! }, () => instanceSpread! * random.normal());
  const ofSeed = Array.from({ length: seeds! }, () => seedSpread! * random.normal());
  return ofInstance.flatMap((a, instance) =>
    ofSeed.map((b, rollout) => ({ instance, rollout, q: score(random, level! + a + b) })),
  );
}

function score(random: Random, logit: number): number {
  const p = 1 / (1 + Math.exp(-logit));
  return [0, 1, 2].filter(() => random.uniform() < p).length / 3;
}

describe('seededInterval', () => {
  it.each([
    ['instances alone differ', { instances: 50, seeds: 5, level: 0.3, instanceSpread: 2, seedSpread: 0 }],
    ['everything is chance', { instances: 50, seeds: 5, level: 0.3, instanceSpread: 0, seedSpread: 0 }],
    ['seeds differ too', { instances: 50, seeds: 5, level: 0.3, instanceSpread: 1.5, seedSpread: 0.4 }],
    ['seeds differ most', { instances: 30, seeds: 5, level: 0, instanceSpread: 0.3, seedSpread: 0.8 }],
    ['nearly perfect', { instances: 50, seeds: 5, level: 3.5, instanceSpread: 1, seedSpread: 0 }],
    ['few instances', { instances: 12, seeds: 3, level: 0, instanceSpread: 1, seedSpread: 0.2 }],
  ])('covers the true mean about as often as it says: %s', (_name, world) => {
    const random = Random.of('seededInterval', _name);
    const many = simulate(random, { ...world, instances: 4000, seeds: 400 });
    const truth = many.reduce((sum, { q }) => sum + q, 0) / many.length;
    let covered = 0;
    for (let trial = 0; trial < 400; trial++) {
      const { low, high } = seededInterval(simulate(random, world), 's');
      if (low <= truth && truth <= high) covered++;
    }
    expect(covered / 400).toBeGreaterThanOrEqual(0.915); // 95 % less three standard errors
    expect(covered / 400).toBeLessThanOrEqual(0.995);
  });

  it('with one seed is the interval of its scores, and does not take more seeds for more instances', () => {
    const random = Random.of('one seed');
    const one = Array.from({ length: 40 }, (_, instance) => ({ instance, rollout: 0, q: score(random, 0) }));
    const alone = scoreInterval(
      one.map(({ q }) => q),
      's',
    );
    expect(seededInterval(one, 's')).toEqual(alone);
    const copies = [0, 1, 2, 3, 4].flatMap((rollout) => one.map((line) => ({ ...line, rollout })));
    const { low, high } = seededInterval(copies, 's');
    expect((high - low) / (alone.high - alone.low)).toBeGreaterThan(0.95);
  });

  it('claims no certainty where all scores are alike, and leaves out what is not whole only for the spread', () => {
    const perfect = [0, 1, 2].flatMap((rollout) => [0, 1, 2, 3].map((instance) => ({ instance, rollout, q: 1 })));
    expect(seededInterval(perfect, 's').low).toBeLessThanOrEqual(wilson(1, 4).low);
    expect(seededInterval(perfect, 's')).toMatchObject({ mean: 1, high: 1 });
    const torn = [...perfect.slice(1), { instance: 9, rollout: 1, q: 0 }];
    const { mean, low, high } = seededInterval(torn, 's');
    expect(mean).toBeCloseTo(11 / 12, 12);
    expect(low <= mean && mean <= high).toBe(true);
  });
});

it('the variance of a mean is that of the two-way model, written out', () => {
  // Instances alone: the variance of the instances' means over their number.
  const rows = [0.1, 0.4, 0.9].map((q) => [q, q]);
  const variance = (0.1344444444444 + 0.0044444444444 + 0.18777777777777) / 2 / 3;
  expect(varianceOfMean(rows)).toEqual({ variance: expect.closeTo(variance, 10), freedom: 2 });
  // Seeds alone: the variance of the seeds' means over their number.
  const columns = Array.from({ length: 5 }, () => [0.2, 0.8]);
  expect(varianceOfMean(columns)).toEqual({ variance: expect.closeTo(0.18 / 2, 10), freedom: expect.closeTo(1, 6) });
});

it("Student's quantiles are those of the tables", () => {
  for (const [freedom, value] of [
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [9, 2.262],
    [49, 2.01],
    [1e9, 1.96],
  ] as const)
    expect(Math.abs(studentQuantile(freedom) / value - 1)).toBeLessThan(0.01);
});
