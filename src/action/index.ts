/** A chunk of actions as one object: delta, normalisation, correlation, noise, inpainting, compression. */
export { type CompressionOptions, compressChunk, GRIPPER_CHANGE } from './compression.ts';
export {
  ByteLevelBpe,
  type ColumnRanges,
  FAST_MAX_TOKENS,
  FastFitter,
  FastTokenizer,
  fastChunk,
  fastColumns,
  parseColumns,
  readTokenizerFile,
  requireVocabularyFit,
  splitPieces,
  trainBpe,
  WordCounter,
  widthOf,
} from './fast/index.ts';
export { Inpainter, type InpainterOptions } from './inpaint.ts';
export { CorrelatedNoise, type NoiseOptions } from './noise.ts';
export {
  type ChunkStatistics,
  type FrameSource,
  LARGEST_NUMBER,
  type Moments,
  normStatsText,
  parseNormStats,
  QUANTILE_ERROR,
  type QuantileMethod,
  raiseDeviations,
  readNormStats,
  StatisticsAccumulator,
  type StatisticsOptions,
  type StatisticsProgress,
  type StatisticsState,
  type TailBounds,
  type Tails,
  writeNormStats,
} from './statistics/index.ts';
export {
  actionsFromModel,
  deltaChunk,
  denormaliseActions,
  denormaliseState,
  normaliseActions,
  normaliseState,
  prefixForModel,
  STD_FLOOR,
} from './transforms.ts';
