import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largestError } from '../../../test/support/golden.ts';
import { Random } from '../../base/index.ts';
import { CHALLENGE_ROBOT } from '../../robot/index.ts';
import { Inpainter } from '../inpaint.ts';
import { cholesky, gram } from '../linear.ts';
import { CorrelatedNoise } from '../noise.ts';
import { StatisticsAccumulator } from './accumulator.ts';
import { QUANTILE_ERROR } from './chunkStatistics.ts';

const RUNS = { numRuns: 12, seed: 7 };

/** A small space: 4 dimensions, of which two are relative; chunks of any length. */
const MASK = [true, false, false, true];
const options = { robot: CHALLENGE_ROBOT, deltaMask: MASK, paddedWidth: 5 };
interface Episode {
  readonly state: Float32Array;
  readonly actions: Float32Array;
}

function episode(seed: number, length: number, still = false): Episode {
  const random = Random.of('walk', seed);
  const make = (from?: Float32Array) => {
    const out = new Float32Array(length * 4);
    for (let d = 0; d < 4; d++) {
      let x = random.normal();
      for (let i = 0; i < length; i++) {
        x += 0.1 * random.normal();
        out[i * 4 + d] = still && d === 2 ? 0.75 : from ? from[i * 4 + d]! + 0.03 * random.normal() : x;
      }
    }
    return out;
  };
  const actions = make();
  return { actions, state: make(actions) };
}

const accumulate = (episodes: readonly Episode[], horizon: number, memory?: number) => {
  const out = new StatisticsAccumulator({ ...options, horizon, ...(memory !== undefined && { memory }) });
  for (const e of episodes) out.add(e);
  return out;
};
const lengths = fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 2, maxLength: 6 });

describe('statistics', () => {
  it('are the same to the last bit in whatever order and grouping episodes are added', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 9 }), fc.integer(), (sizes, horizon, seed) => {
        const episodes = [...sizes, 30].map((length, i) => episode(seed + i, length));
        const whole = accumulate(episodes, horizon).finish();
        const random = Random.of('order', seed);
        const shuffled = episodes
          .map((e) => ({ e, key: random.uniform() }))
          .sort((a, b) => a.key - b.key)
          .map(({ e }) => e);
        const cut = random.integer(shuffled.length + 1);
        const other = accumulate(shuffled.slice(0, cut), horizon);
        const parts = accumulate(shuffled.slice(cut), horizon);
        parts.merge(other);
        expect(parts.finish()).toEqual(whole);
      }),
      RUNS,
    );
  });

  it('equal those of the chunks written out', () => {
    fc.assert(
      fc.property(
        lengths,
        fc.integer({ min: 1, max: 9 }),
        fc.integer(),
        fc.boolean(),
        (sizes, horizon, seed, still) => {
          const episodes = [...sizes, 60].map((length, i) => episode(seed + i, length, still));
          const { perTimestep, actions, correlation } = accumulate(episodes, horizon).finish();
          const rows: number[][] = [];
          for (const { state, actions: a } of episodes)
            for (let i = 0; i + horizon <= a.length / 4; i++)
              rows.push(
                Array.from({ length: 4 * horizon }, (_, k) =>
                  MASK[k % 4] ? Math.fround(a[i * 4 + k]! - state[i * 4 + (k % 4)]!) : a[i * 4 + k]!,
                ),
              );
          const n = rows.length;
          const mean = (k: number) => rows.reduce((sum, row) => sum + row[k]!, 0) / n;
          const means = Array.from({ length: 4 * horizon }, (_, k) => mean(k));
          const covariance = (k: number, l: number) =>
            rows.reduce((sum, row) => sum + (row[k]! - means[k]!) * (row[l]! - means[l]!), 0) / n;
          const quantile = (values: number[], p: number) => {
            const sorted = values.sort((a, b) => a - b);
            const at = (sorted.length - 1) * p;
            const low = sorted[Math.floor(at)]!;
            return low + ((sorted[Math.floor(at) + 1] ?? low) - low) * (at - Math.floor(at));
          };
          const product = gram(correlation!.cholesky, 5 * horizon);
          for (let k = 0; k < 4 * horizon; k++) {
            const to = Math.floor(k / 4) * 5 + (k % 4);
            const std = Math.sqrt(covariance(k, k));
            expect(Math.abs(perTimestep.mean[to]! - means[k]!)).toBeLessThan(1e-8);
            expect(Math.abs(perTimestep.std[to]! - std)).toBeLessThan(1e-8);
            expect(
              Math.abs(
                perTimestep.q01[to]! -
                  quantile(
                    rows.map((r) => r[k]!),
                    0.01,
                  ),
              ),
            ).toBeLessThan(1e-12);
            expect(
              Math.abs(
                perTimestep.q99[to]! -
                  quantile(
                    rows.map((r) => r[k]!),
                    0.99,
                  ),
              ),
            ).toBeLessThan(1e-12);
            if (still && k % 4 === 2) expect([perTimestep.mean[to], perTimestep.std[to]]).toEqual([0.75, 0]);
            for (let l = 0; l < k; l++) {
              const other = Math.sqrt(covariance(l, l));
              const constant = still && (k % 4 === 2 || l % 4 === 2);
              const expected = constant ? 0 : covariance(k, l) / (std * other);
              const got = product[to * 5 * horizon + Math.floor(l / 4) * 5 + (l % 4)]!;
              expect(Math.abs(got - expected)).toBeLessThan(1e-6);
            }
          }
          for (let d = 0; d < 4; d++) {
            const all = rows.flatMap((row) => row.filter((_, k) => k % 4 === d));
            expect(Math.abs(actions.q01[d]! - quantile(all, 0.01))).toBeLessThan(1e-12);
          }
        },
      ),
      RUNS,
    );
  });

  it('from counts keep their bound, need no columns, and do not depend on order either', () => {
    fc.assert(
      fc.property(lengths, fc.integer(), fc.double({ min: 1e-4, max: 900, noNaN: true }), (sizes, seed, scale) => {
        const episodes = [...sizes, 40].map((length, i) => {
          const { state, actions } = episode(seed + i, length);
          return { state: state.map((x) => x * scale), actions: actions.map((x) => x * scale) };
        });
        const exact = accumulate(episodes, 5).finish();
        const counted = accumulate(episodes, 5, 0);
        expect([counted.quantiles, counted.state().episodes]).toEqual(['counts', undefined]);
        const rough = counted.finish();
        expect(accumulate([...episodes].reverse(), 5, 0).finish()).toEqual(rough);
        for (const name of ['q01', 'q99'] as const)
          for (const part of ['perTimestep', 'actions'] as const)
            exact[part][name].forEach((q, i) => {
              // The quantile lies between two ranks; each of the two is within its bucket.
              const size = Math.abs(q) + Math.abs(exact[part].std[i]! * 0.02);
              expect(Math.abs(rough[part][name][i]! - q)).toBeLessThanOrEqual(QUANTILE_ERROR * size + 1e-12);
            });
        expect(rough.perTimestep.mean).toEqual(exact.perTimestep.mean);
        exact.perTimestep.q01.forEach((q, i) => {
          expect(q).toBeLessThanOrEqual(exact.perTimestep.q99[i]!);
          expect(rough.perTimestep.q01[i]!).toBeLessThanOrEqual(rough.perTimestep.q99[i]!);
        });
      }),
      RUNS,
    );
  });

  it('refuse numbers that could not be added exactly', () => {
    const huge = episode(1, 40);
    huge.actions[5] = 1e6;
    expect(() => accumulate([huge], 4)).toThrow(
      /an action is far too large \(expected at most 4096\).*frame 1, dimension 1/,
    );
  });
});

describe('long episodes', () => {
  it('are cut into batches that agree with the chunks written out', () => {
    const long = episode(3, 21_000);
    const { perTimestep } = accumulate([long, episode(4, 500)], 6).finish();
    const values: number[] = [];
    for (const { state, actions } of [long, episode(4, 500)])
      for (let i = 0; i + 6 <= actions.length / 4; i++)
        values.push(Math.fround(actions[(i + 5) * 4 + 3]! - state[i * 4 + 3]!));
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    expect(Math.abs(perTimestep.mean[5 * 5 + 3]! - mean)).toBeLessThan(1e-9);
    expect(Math.abs(perTimestep.std[5 * 5 + 3]! - Math.sqrt(variance))).toBeLessThan(1e-9);
    values.sort((a, b) => a - b);
    const at = (values.length - 1) * 0.99;
    const low = values[Math.floor(at)]!;
    const expected = low + (values[Math.floor(at) + 1]! - low) * (at - Math.floor(at));
    expect(Math.abs(perTimestep.q99[5 * 5 + 3]! - expected)).toBeLessThan(1e-12);
  });
});

describe('noise and inpainting', () => {
  it('Cholesky gives back any positive definite matrix', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), fc.integer(), (n, seed) => {
        const random = Random.of('spd', seed);
        const root = Float64Array.from({ length: n * n }, () => random.normal());
        const matrix = new Float64Array(n * n);
        for (let i = 0; i < n; i++)
          for (let j = 0; j < n; j++) {
            for (let k = 0; k < n; k++) matrix[i * n + j]! += root[i * n + k]! * root[j * n + k]!;
            if (i === j) matrix[i * n + j]! += 1e-3;
          }
        expect(largestError(gram(cholesky(matrix, n), n), matrix)).toBeLessThan(1e-10);
      }),
      { ...RUNS, numRuns: 60 },
    );
  });

  it('a promise is kept down to the threshold, for any kept steps, columns and beta', () => {
    const episodes = Array.from({ length: 6 }, (_, i) => episode(i, 120));
    const horizon = 6;
    const stats = accumulate(episodes, horizon).finish();
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: horizon }),
        fc.subarray([0, 1, 2, 3, 4], { minLength: 1 }),
        fc.constantFrom(0, 0.3, 0.5, 0.9),
        fc.integer(),
        (keepRows, columns, beta, seed) => {
          const noise = new CorrelatedNoise(stats, { beta });
          const inpainter = new Inpainter(noise, { keepRows, columns });
          const random = Random.of('promise', seed);
          const start = noise.sample(random, 2);
          const given = Float32Array.from({ length: 2 * inpainter.kept.length }, () => 0.5 * random.normal());
          const x = start.slice();
          const steps = 10;
          let last = 1;
          for (let s = 1; s <= steps; s++) {
            const time = Math.fround(1 - s / steps);
            for (let i = 0; i < x.length; i++) x[i] = x[i]! + 0.3 * random.normal();
            if (!inpainter.apply(x, given, start, time).enforced) break;
            last = time;
          }
          // What is left of the noise at the last enforced time is all that separates the kept part from the promise.
          expect(last).toBeGreaterThan(0.3);
          const n = horizon * 5;
          for (let b = 0; b < 2; b++) {
            const again = x.slice();
            inpainter.apply(again, given, start, last);
            inpainter.kept.forEach((k, j) => {
              const want = (1 - last) * given[b * inpainter.kept.length + j]! + last * start[b * n + k]!;
              expect(Math.abs(again[b * n + k]! - want)).toBeLessThan(1e-6);
            });
          }
        },
      ),
      { ...RUNS, numRuns: 40 },
    );
  });
});
