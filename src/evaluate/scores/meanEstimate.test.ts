import { describe, expect, it } from 'vitest';
import { type ScoreShape, scoreStudies } from '../../../test/support/studies.ts';
import { Random } from '../../base/index.ts';
import { wilson } from './intervals.ts';
import { combinedInterval, estimateMean, intervalOf, type SeededScore, varianceOfMean } from './meanEstimate.ts';

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

const interval = (scores: readonly SeededScore[]) => intervalOf(estimateMean(scores));

describe('the interval of a task', () => {
  it.each([
    ['instances alone differ', { instances: 50, seeds: 5, level: 0.3, instanceSpread: 2, seedSpread: 0 }],
    ['everything is chance', { instances: 50, seeds: 5, level: 0.3, instanceSpread: 0, seedSpread: 0 }],
    ['seeds differ too', { instances: 50, seeds: 5, level: 0.3, instanceSpread: 1.5, seedSpread: 0.4 }],
    ['seeds differ most', { instances: 30, seeds: 5, level: 0, instanceSpread: 0.3, seedSpread: 0.8 }],
    ['nearly perfect', { instances: 50, seeds: 5, level: 3.5, instanceSpread: 1, seedSpread: 0 }],
    ['few instances', { instances: 12, seeds: 3, level: 0, instanceSpread: 1, seedSpread: 0.2 }],
  ])('covers the true mean about as often as it says: %s', (_name, world) => {
    const random = Random.of('seeds', _name);
    const many = simulate(random, { ...world, instances: 4000, seeds: 400 });
    const truth = many.reduce((sum, { q }) => sum + q, 0) / many.length;
    let covered = 0;
    for (let trial = 0; trial < 400; trial++) {
      const { low, high } = interval(simulate(random, world));
      if (low <= truth && truth <= high) covered++;
    }
    expect(covered / 400).toBeGreaterThanOrEqual(0.915); // 95 % less three standard errors
    expect(covered / 400).toBeLessThanOrEqual(0.995);
  });

  it('with one seed has the variance of its scores, and does not take more seeds for more instances', () => {
    const random = Random.of('one seed');
    const one = Array.from({ length: 40 }, (_, instance) => ({ instance, rollout: 0, q: score(random, 0) }));
    const mean = one.reduce((sum, { q }) => sum + q, 0) / 40;
    const variance = one.reduce((sum, { q }) => sum + (q - mean) ** 2, 0) / 39 / 40;
    expect(estimateMean(one)).toEqual({
      ...{ mean, freedom: 39 },
      count: expect.closeTo((mean * (1 - mean)) / variance, 8),
    });
    const copies = [0, 1, 2, 3, 4].flatMap((rollout) => one.map((line) => ({ ...line, rollout })));
    const [many, alone] = [interval(copies), interval(one)];
    expect((many.high - many.low) / (alone.high - alone.low)).toBeGreaterThan(0.95);
  });

  it("of scores that are alike, or vary as a coin would, is a share's", () => {
    const scores = (values: readonly number[]) => values.map((q, instance) => ({ instance, rollout: 0, q }));
    expect(interval(scores([0, 0, 0]))).toEqual(wilson(0, 3));
    expect(interval(scores(new Array(30).fill(1)))).toEqual(wilson(1, 30));
    expect(interval(scores([0.4]))).toEqual(wilson(0.4, 1));
    expect(estimateMean(scores([1, 1, 1, 0, 1])).count).toBe(5);
    expect(interval([])).toEqual({ mean: Number.NaN, low: 0, high: 1 });
  });

  it('claims no certainty where all scores are alike, and leaves out what is not whole only for the spread', () => {
    const perfect = [0, 1, 2].flatMap((rollout) => [0, 1, 2, 3].map((instance) => ({ instance, rollout, q: 1 })));
    expect(interval(perfect).low).toBeLessThanOrEqual(wilson(1, 4).low);
    expect(interval(perfect)).toMatchObject({ mean: 1, high: 1 });
    const torn = [...perfect.slice(1), { instance: 9, rollout: 1, q: 0 }];
    const { mean, low, high } = interval(torn);
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

describe('the interval of several tasks', () => {
  it('is the only one of one task; equal ones narrow by the root of their number', () => {
    const part = { mean: 0.5, count: 40, freedom: 39 };
    expect(combinedInterval([part])).toEqual(intervalOf(part));
    const four = combinedInterval([part, part, part, part]);
    const one = intervalOf({ ...part, freedom: 4 * 39 });
    expect(four.mean).toBe(0.5);
    expect(four.high - four.low).toBeCloseTo((one.high - one.low) / 2, 12);
    expect(combinedInterval([])).toEqual({ mean: Number.NaN, low: 0, high: 1 });
  });
});

describe('scores of the 2025 winner, drawn again', () => {
  // 10,000 studies of each: npx tsx scripts/studies.ts
  const shapes: ScoreShape[] = [
    { tasks: 1, episodes: 10 },
    { tasks: 1, episodes: 50 },
    { tasks: 9, episodes: 30 },
    { tasks: 50, episodes: 10 },
  ];
  it.each(shapes)('the interval covers the true mean in 93 to 97 of 100 studies: %o', (shape) => {
    let covered = 0;
    const count = 1000;
    for (const { tasks, truth } of scoreStudies(shape, count, Random.of('covered', JSON.stringify(shape)))) {
      const { low, high } = combinedInterval(tasks.map(estimateMean));
      if (low <= truth + 1e-12 && truth - 1e-12 <= high) covered++;
    }
    // Three standard errors of 1,000 studies: 2 %.
    expect(covered / count).toBeGreaterThanOrEqual(0.92);
    expect(covered / count).toBeLessThanOrEqual(0.985);
  });
});
