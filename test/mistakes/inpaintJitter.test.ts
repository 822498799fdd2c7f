import { expect, it } from 'vitest';
import { CorrelatedNoise, Inpainter } from '../../src/action/index.ts';

it('two kept numbers that are one: the correction has its ε, and exists', () => {
  // x1 = x0, and x2 has correlation c with both: Σ_OO is singular, C = c / (2 + ε) for each.
  const c = 0.6;
  const cholesky = Float64Array.from([1, 0, 0, 1, 0, 0, c, 0, Math.sqrt(1 - c * c)]);
  const zeros = (n: number) => new Float64Array(n);
  const moments = (n: number) => ({ mean: zeros(n), std: zeros(n), q01: zeros(n), q99: zeros(n) });
  const correlation = { cholesky, spatial: zeros(1), temporal: zeros(9) };
  const statistics = {
    horizon: 3,
    width: 1,
    state: moments(1),
    actions: moments(1),
    perTimestep: moments(3),
    correlation,
  };
  const { correction } = new Inpainter(new CorrelatedNoise(statistics, { beta: 1 }), { keepRows: 2 });
  for (const value of correction) expect(value).toBeCloseTo(c / (2 + 1e-6), 9);
});
