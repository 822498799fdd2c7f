import { describe, expect, it } from 'vitest';
import { type ChunkStatistics, CorrelatedNoise } from '../action/index.ts';
import { Random } from '../base/index.ts';
import { flowTimes } from './batch.ts';

/** Bounds are five standard errors: with seeds fixed, a right program passes always and a wrong one hardly ever. */
describe('flow times', () => {
  const count = 200_000;
  const times = flowTimes(Random.of('flow times'), count);

  it('are 0.001 + 0.999·Beta(1.5, 1): mean, variance and third moment', () => {
    const beta = Array.from(times, (t) => (t - 0.001) / 0.999);
    // E[x^k] = 1.5 / (1.5 + k)
    for (const k of [1, 2, 3]) {
      const mean = beta.reduce((sum, x) => sum + x ** k, 0) / count;
      const [first, second] = [1.5 / (1.5 + k), 1.5 / (1.5 + 2 * k)];
      expect(Math.abs(mean - first)).toBeLessThan(5 * Math.sqrt((second - first ** 2) / count));
    }
    expect(Math.min(...beta.slice(0, 1000))).toBeGreaterThan(0);
    expect(times.every((t) => t > 0.001 && t <= 1)).toBe(true);
  });

  it('have the distribution function x^1.5 (Kolmogorov–Smirnov)', () => {
    const sorted = Float64Array.from(times, (t) => (t - 0.001) / 0.999).sort();
    let distance = 0;
    for (let i = 0; i < count; i++) distance = Math.max(distance, Math.abs((i + 0.5) / count - sorted[i]! ** 1.5));
    expect(distance * Math.sqrt(count)).toBeLessThan(1.95); // the 0.1 % point
  });
});

describe('correlated noise', () => {
  const [horizon, width] = [3, 2];
  const n = horizon * width;
  const cholesky = Random.of('factor').fillNormal(new Float64Array(n * n));
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) cholesky[i * n + j] = 0;
    let norm = 0;
    for (let j = 0; j <= i; j++) norm += cholesky[i * n + j]! ** 2;
    for (let j = 0; j <= i; j++) cholesky[i * n + j]! /= Math.sqrt(norm); // a correlation: unit diagonal
  }
  const statistics = { horizon, width, correlation: { cholesky } } as unknown as ChunkStatistics;

  it.each([0, 0.5, 0.9])('has mean 0 and covariance βΣ + (1 − β)I, β = %f', (beta) => {
    const count = 60_000;
    const draws = new CorrelatedNoise(statistics, { beta }).sample(Random.of('draws', beta), count);
    for (let i = 0; i < n; i++) {
      let mean = 0;
      for (let s = 0; s < count; s++) mean += draws[s * n + i]! / count;
      expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(count));
      for (let j = 0; j <= i; j++) {
        let product = 0;
        for (let s = 0; s < count; s++) product += (draws[s * n + i]! * draws[s * n + j]!) / count;
        let sigma = 0;
        for (let k = 0; k < n; k++) sigma += cholesky[i * n + k]! * cholesky[j * n + k]!;
        const target = beta * sigma + (i === j ? 1 - beta : 0);
        expect(Math.abs(product - target)).toBeLessThan(5 * Math.sqrt((1 + target ** 2) / count));
      }
    }
  });

  it('and flow times come from one generator, which goes on where its written state left off', () => {
    const noise = new CorrelatedNoise(statistics, { beta: 0.5 });
    const random = Random.of('one generator');
    const draw = (from: Random) => [...noise.sample(from, 3), ...flowTimes(from, 5), ...noise.sample(from, 2)];
    draw(random);
    const state = JSON.stringify(random.state());
    const next = draw(random);
    expect(draw(Random.restore(JSON.parse(state)))).toEqual(next);
    expect(draw(random)).not.toEqual(next);
  });
});
