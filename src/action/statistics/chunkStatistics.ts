/** Mean, standard deviation (population), and low and high quantiles of every dimension. */
export interface Moments {
  readonly mean: Float64Array;
  readonly std: Float64Array;
  readonly q01: Float64Array;
  readonly q99: Float64Array;
}

/**
 * Whether quantiles are true order statistics, or come from counts of the upper 16 bits of float32 numbers (within
 * 2⁻⁷ of the value).
 */
export type QuantileMethod = 'exact' | 'counts';
/**
 * A quantile from counts is at most this part of its value off: the width of a bucket of float32 numbers with the
 * same upper 16 bits.
 */
export const QUANTILE_ERROR = 2 ** -7;

/**
 * What a data set's chunks look like: the content of the original `norm_stats.json`. All padded with zeros to `width`
 * dimensions.
 * A flat index is step·width + dimension.
 */
export interface ChunkStatistics {
  readonly horizon: number;
  readonly width: number;
  /** [width] over frames; here q01 and q99 are the minimum and maximum, as in the original. */
  readonly state: Moments;
  /** [width] mean and std of each frame's action relative to its own state; q01, q99 over the rows of all chunks. */
  readonly actions: Moments;
  /** [horizon, width] of delta chunks, for each step of the chunk. */
  readonly perTimestep: Moments;
  /** Of the delta chunks' correlation; absent in files that have none. */
  readonly correlation?: Correlation;
}

export interface Correlation {
  /**
   * [horizon·width, horizon·width] lower Cholesky factor, row-major; rows of constant and padded dimensions are
   * diagonal.
   */
  readonly cholesky: Float64Array;
  /** [width, width] correlation between dimensions, mean over the steps. */
  readonly spatial: Float64Array;
  /** [horizon, horizon] correlation between steps, mean over the dimensions that are not constant. */
  readonly temporal: Float64Array;
}

/**
 * Statistics in which no standard deviation of a dimension is smaller than its floor (in the dimension's own unit;
 * dimensions beyond the floors are padding). Where a data set hardly moves a joint, dividing by its tiny
 * deviation
 * would make a touch of that joint look like thousands of deviations to the network; original files stay as they are.
 */
export function raiseDeviations(stats: ChunkStatistics, floors: readonly number[]): ChunkStatistics {
  const raise = (m: Moments): Moments => ({
    ...m,
    std: m.std.map((std, i) => Math.max(std, floors[i % stats.width] ?? 0)),
  });
  return { ...stats, state: raise(stats.state), actions: raise(stats.actions), perTimestep: raise(stats.perTimestep) };
}
