import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goldenAccumulator, goldenRow, goldenTensors, largestError } from '../../../test/support/golden.ts';
import { Random } from '../../base/index.ts';
import { CHALLENGE_ROBOT } from '../../robot/index.ts';
import { deltaChunk } from '../transforms.ts';
import { StatisticsAccumulator } from './accumulator.ts';
import { type ChunkStatistics, raiseDeviations } from './chunkStatistics.ts';
import { readNormStats, writeNormStats } from './normStats.ts';

const exact = await goldenTensors('statistics-small/exact.safetensors');
const original = await goldenTensors('statistics-small/expected.safetensors');

describe('StatisticsAccumulator', () => {
  let stats: ChunkStatistics;
  beforeAll(async () => {
    stats = (await goldenAccumulator()).finish();
  });

  it.each(['mean', 'std', 'q01', 'q99'] as const)('computes the exact %s of states, actions and steps', (name) => {
    expect(largestError(stats.state[name], exact[`state_${name}`]!.data)).toBeLessThan(1e-12);
    expect(largestError(stats.actions[name], exact[`actions_${name}`]!.data)).toBeLessThan(1e-12);
    // Sums over chunks are of differences that were not rounded to float32.
    const tolerance = name === 'mean' || name === 'std' ? 5e-9 : 1e-12;
    expect(largestError(stats.perTimestep[name], exact[`actions_per_timestep_${name}`]!.data)).toBeLessThan(tolerance);
  });

  it('is within float32 rounding of what the original wrote', () => {
    for (const name of ['mean', 'std', 'q01', 'q99'] as const)
      expect(largestError(stats.perTimestep[name], original[`actions_per_timestep_${name}`]!.data)).toBeLessThan(2e-5);
  });

  it('computes the correlation', () => {
    const { cholesky, spatial, temporal } = stats.correlation!;
    expect(largestError(spatial, exact.spatial!.data)).toBeLessThan(1e-6);
    expect(largestError(temporal, exact.temporal!.data)).toBeLessThan(1e-6);
    original.cholesky_row_indices!.data.forEach((row, i) => {
      const error = largestError(cholesky.subarray(row * 960, (row + 1) * 960), goldenRow(original.cholesky_rows!, i));
      expect([row, error < 5e-6]).toEqual([row, true]);
    });
  });

  it('does not depend on how episodes were divided among accumulators', () => {
    const [a, b] = [
      new StatisticsAccumulator({ robot: CHALLENGE_ROBOT }),
      new StatisticsAccumulator({ robot: CHALLENGE_ROBOT }),
    ];
    const whole = new StatisticsAccumulator({ robot: CHALLENGE_ROBOT });
    for (let e = 0; e < 6; e++) {
      const episode = randomEpisode(40 + 10 * e, e);
      (e < 3 ? a : b).add(episode);
      whole.add(episode);
    }
    a.merge(b);
    expect([a.frames, a.chunks]).toEqual([whole.frames, whole.chunks]);
    const [x, y] = [a.finish(), whole.finish()];
    expect(largestError(x.correlation!.cholesky, y.correlation!.cholesky)).toBe(0);
    expect(x.perTimestep).toEqual(y.perTimestep);
  });

  it('raises deviations, and leaves padding and the rest alone', () => {
    const raised = raiseDeviations(stats, new Array(23).fill(0.05));
    expect([stats.actions.std[6], raised.actions.std[6], raised.actions.std[23]]).toEqual([0, 0.05, 0]);
    expect(
      raised.perTimestep.std.every((x, i) => (i % 32 < 23 ? x >= 0.05 && x >= stats.perTimestep.std[i]! : x === 0)),
    ).toBe(true);
    expect(raised.state.mean).toBe(stats.state.mean);
    expect(raised.correlation).toBe(stats.correlation);
  });

  it('says what is wrong with an episode', () => {
    const accumulator = new StatisticsAccumulator({ robot: CHALLENGE_ROBOT });
    const episode = randomEpisode(29, 1);
    accumulator.add(episode);
    expect(accumulator.chunks).toBe(0);
    expect(() => accumulator.finish()).toThrow(/too few chunks \(got 0 from 29 frames/);
    episode.actions[23 * 5 + 7] = Number.NaN;
    expect(() => accumulator.add(episode)).toThrow(/not finite \(got NaN at frame 5, dimension 7\)/);
    expect(() => accumulator.add({ ...episode, state: new Float32Array(7) })).toThrow(/do not fit/);
  });
});

/** A smooth random walk whose state lags behind its actions; the torso's last joint never moves. */
function randomEpisode(length: number, seed: number, step = 0.02): { state: Float32Array; actions: Float32Array } {
  const random = Random.of('episode', seed);
  const actions = new Float32Array(length * 23);
  const state = new Float32Array(length * 23);
  for (let d = 0; d < 23; d++) {
    let [x, v] = [random.normal(), 0];
    for (let i = 0; i < length; i++) {
      v = 0.9 * v + step * random.normal();
      x += v;
      actions[i * 23 + d] = d === 6 ? 0 : x;
      state[i * 23 + d] = d === 6 ? 0 : x - v + 0.1 * step * random.normal();
    }
  }
  return { state, actions };
}

describe('correlation', () => {
  it.each([0.02, 2e-5])('equals that of the chunks written out, also for movements of %f', (step) => {
    const accumulator = new StatisticsAccumulator({ robot: CHALLENGE_ROBOT });
    const chunks: Float32Array[] = [];
    for (let e = 0; e < 8; e++) {
      const { state, actions } = randomEpisode(200 + e, e, step);
      accumulator.add({ state, actions });
      for (let i = 0; i + 30 <= 200 + e; i++)
        chunks.push(
          deltaChunk(actions.slice(i * 23, (i + 30) * 23), state.subarray(i * 23, (i + 1) * 23), CHALLENGE_ROBOT),
        );
    }
    const { perTimestep, correlation } = accumulator.finish();
    // The factor times its transpose, and the slow obvious correlation, at some pairs of (step, dimension).
    const random = Random.of('pairs');
    for (let pair = 0; pair < 300; pair++) {
      const [t, d, u, e] = [random.integer(30), random.integer(23), random.integer(30), random.integer(23)];
      const [a, b] = [t * 32 + d, u * 32 + e];
      let product = 0;
      for (let k = 0; k <= Math.min(a, b); k++)
        product += correlation!.cholesky[a * 960 + k]! * correlation!.cholesky[b * 960 + k]!;
      let covariance = 0;
      for (const chunk of chunks)
        covariance += (chunk[t * 23 + d]! - perTimestep.mean[a]!) * (chunk[u * 23 + e]! - perTimestep.mean[b]!);
      const expected = covariance / chunks.length / (perTimestep.std[a]! * perTimestep.std[b]!);
      const constant = d === 6 || e === 6;
      const error = Math.abs(product - (constant ? Number(a === b) : expected) - (a === b ? 1e-6 : 0));
      // With tiny movements the float32 rounding of the chunks themselves is visible.
      expect([pair, error < (step < 1e-3 ? 1e-3 : 1e-6)]).toEqual([pair, true]);
    }
  });
});

describe('norm_stats.json', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'valet-stats-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('comes back as it was written, in the fields of the original', async () => {
    const accumulator = new StatisticsAccumulator({ robot: CHALLENGE_ROBOT });
    for (let e = 0; e < 10; e++) accumulator.add(randomEpisode(150, e));
    const stats = accumulator.finish();
    const path = join(folder, 'norm_stats.json');
    await writeNormStats(path, stats);
    const { correlation: read, ...rest } = await readNormStats(path);
    const { correlation: written, ...others } = stats;
    expect(rest).toEqual(others);
    for (const name of ['cholesky', 'spatial', 'temporal'] as const)
      expect(largestError(read![name], written![name])).toBe(0);
    const { norm_stats: file } = JSON.parse(await readFile(path, 'utf8'));
    expect([
      file.state.mean.length,
      file.actions.per_timestamp_q99.length,
      file.actions.action_correlation_cholesky[959].length,
    ]).toEqual([32, 30, 960]);
    expect(file.state.per_timestamp_mean).toBeNull();

    // The original writes null for the correlations of constant dimensions.
    file.actions.action_correlation_spatial[6][3] = null;
    await writeFile(path, JSON.stringify({ norm_stats: file }));
    expect((await readNormStats(path)).correlation!.spatial[6 * 32 + 3]).toBe(0);
    file.actions.per_timestamp_std[4][3] = null;
    await writeFile(path, JSON.stringify({ norm_stats: file }));
    await expect(readNormStats(path)).rejects.toThrow(
      /per_timestamp_std holds something that is no number \(null at 131\)/,
    );
    file.actions.per_timestamp_std.pop();
    await writeFile(path, JSON.stringify({ norm_stats: file }));
    await expect(readNormStats(path)).rejects.toThrow(
      /per_timestamp_std has the wrong shape \(got 29×32, expected 30×32\)/,
    );
  });
});
