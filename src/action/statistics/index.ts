export {
  LARGEST_NUMBER,
  StatisticsAccumulator,
  type StatisticsOptions,
  type StatisticsProgress,
  type StatisticsState,
} from './accumulator.ts';
export {
  type ChunkStatistics,
  type Moments,
  QUANTILE_ERROR,
  type QuantileMethod,
  raiseDeviations,
} from './chunkStatistics.ts';
export type { FrameSource } from './exactQuantiles.ts';
export { normStatsText, parseNormStats, readNormStats, writeNormStats } from './normStats.ts';
export type { TailBounds, Tails } from './tails.ts';
