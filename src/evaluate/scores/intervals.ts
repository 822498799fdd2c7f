/** A mean with the bounds of its 95 % interval. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** The normal quantile of a two-sided 95 % interval. */
const Z = 1.959963984540054;

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

/** The p-quantile of sorted values by linear interpolation (numpy's default). */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  const at = p * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(sorted.length - 1, below + 1);
  const [low, high] = [sorted[below] as number, sorted[above] as number];
  return low + (at - below) * (high - low);
}
