import { Random } from '../base/index.ts';

/** A mean with the bounds of its 95 % interval. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** The normal quantile of a two-sided 95 % interval. */
const Z = 1.959963984540054;
const RESAMPLES = 10_000;

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Wilson's score interval (1927) of a share. A score in [0, 1] never varies more than a coin of the same mean, so it also
 * bounds (widely) the mean of such scores. @param share successes / count
 */
export function wilson(share: number, count: number): Interval {
  if (count === 0) return { mean: Number.NaN, low: 0, high: 1 };
  const z2 = Z * Z;
  const centre = (share + z2 / (2 * count)) / (1 + z2 / count);
  const half = (Z / (1 + z2 / count)) * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count * count));
  return {
    mean: share,
    low: Math.max(0, Math.min(share, centre - half)),
    high: Math.min(1, Math.max(share, centre + half)),
  };
}

/**
 * The mean over groups (tasks) of the groups' mean scores, with a percentile bootstrap (Efron 1979) that resamples episodes
 * within each group. Where all scores of every group are alike the bootstrap would claim certainty; then Wilson's bounds are
 * given instead. Scores lie in [0, 1]. The same seed gives the same bounds.
 */
export function scoreInterval(groups: readonly (readonly number[])[], seed: string): Interval {
  const filled = groups.filter((group) => group.length > 0);
  if (filled.length === 0) return { mean: Number.NaN, low: 0, high: 1 };
  const average = mean(filled.map(mean));
  if (filled.every((group) => group.every((value) => value === group[0])))
    return wilson(
      average,
      filled.reduce((sum, group) => sum + group.length, 0),
    );
  const random = Random.of('bootstrap', seed);
  const means = new Float64Array(RESAMPLES);
  for (let r = 0; r < RESAMPLES; r++) {
    let sum = 0;
    for (const group of filled) {
      let groupSum = 0;
      for (let i = 0; i < group.length; i++) groupSum += group[random.integer(group.length)];
      sum += groupSum / group.length;
    }
    means[r] = sum / filled.length;
  }
  means.sort();
  return { mean: average, low: quantile(means, 0.025), high: quantile(means, 0.975) };
}

/** The p-quantile of sorted values by linear interpolation (numpy's default). */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  const at = p * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}
