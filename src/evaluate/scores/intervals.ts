import { present, Random } from '../../base/index.ts';

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
 * Wilson's score interval (1927) of a share. A score in [0, 1] never varies more than a coin of the same mean, so it
 * also bounds (widely) the mean of such scores. @param share successes / count @param quantile of its 95 %
 */
export function wilson(share: number, count: number, quantile = Z): Interval {
  if (count === 0) return { mean: Number.NaN, low: 0, high: 1 };
  const z2 = quantile * quantile;
  const centre = (share + z2 / (2 * count)) / (1 + z2 / count);
  const half = (quantile / (1 + z2 / count)) * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count * count));
  return {
    mean: share,
    low: Math.max(0, Math.min(share, centre - half)),
    high: Math.min(1, Math.max(share, centre + half)),
  };
}

/** With fewer scores than this, or scores that are all alike, a bootstrap would claim more than it knows. */
const ENOUGH = 10;
/** With more scores the mean is normally distributed as far as anybody can see, and resampling takes minutes. */
const MANY = 2000;

/**
 * The mean of scores in [0, 1] with its 95 % interval: a percentile bootstrap where there are enough scores and they
 * differ, Wilson's wider bounds otherwise; of more than 2,000 scores the normal bounds. The same seed gives the same
 * bounds.
 */
export function scoreInterval(scores: readonly number[], seed: string): Interval {
  if (scores.length === 0) return { mean: Number.NaN, low: 0, high: 1 };
  const alike = scores.every((score) => score === scores[0]);
  if (alike || scores.length < ENOUGH) return wilson(mean(scores), scores.length);
  return scores.length > MANY ? normal(scores) : bootstrap(scores, seed);
}

function normal(scores: readonly number[]): Interval {
  const average = mean(scores);
  const variance = scores.reduce((sum, score) => sum + (score - average) ** 2, 0) / (scores.length - 1);
  const half = Z * Math.sqrt(variance / scores.length);
  return { mean: average, low: Math.max(0, average - half), high: Math.min(1, average + half) };
}

/** Percentile bootstrap (Efron 1979) of the mean. */
export function bootstrap(scores: readonly number[], seed: string): Interval {
  const random = Random.of('bootstrap', seed);
  const means = new Float64Array(RESAMPLES);
  for (let r = 0; r < RESAMPLES; r++) {
    let sum = 0;
    for (let i = 0; i < scores.length; i++)
      sum += present(scores[random.integer(scores.length)], 'scores[random.integer(scores.length)]');
    means[r] = sum / scores.length;
  }
  means.sort();
  return { mean: mean(scores), low: quantile(means, 0.025), high: quantile(means, 0.975) };
}

/**
 * The mean of independent means (of the tasks) with its interval from theirs: squared distances of the bounds from the
 * means add up (MOVER: Zou & Donner 2008, Statistics in Medicine 27).
 */
export function combineIntervals(parts: readonly Interval[]): Interval {
  if (parts.length === 0) return { mean: Number.NaN, low: 0, high: 1 };
  const average = mean(parts.map((part) => part.mean));
  const below = Math.hypot(...parts.map((part) => part.mean - part.low)) / parts.length;
  const above = Math.hypot(...parts.map((part) => part.high - part.mean)) / parts.length;
  return { mean: average, low: Math.max(0, average - below), high: Math.min(1, average + above) };
}

/** The p-quantile of sorted values by linear interpolation (numpy's default). */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  const at = p * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(sorted.length - 1, below + 1);
  const [low, high] = [sorted[below] as number, sorted[above] as number];
  return low + (at - below) * (high - low);
}
