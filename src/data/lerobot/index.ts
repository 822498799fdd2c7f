export { pictureFeatures } from './cameras.ts';
export {
  type CameraChoice,
  chooseOf,
  type DataChoice,
  type EpisodeRange,
  missingFiles,
  missingSentence,
  openPlaces,
  openSets,
  readTaskMap,
  type SetPlace,
  setPlace,
  type TaskConflict,
  threadPlace,
  usedFeatures,
  without,
} from './choice/index.ts';
export type { Dataset, Episode } from './dataset.ts';
export { encodeParquet } from './encodeParquet.ts';
export { type EncodedEpisode, type EpisodeLayout, encodeEpisode } from './episode.ts';
export type { EpisodeRecord } from './episodeRecord.ts';
export { type FeatureStats, featureStats } from './featureStats.ts';
export {
  type Annotation,
  EpisodeLine,
  EpisodeStatsLine,
  episodePaths,
  fillPath,
  type Info,
  InfoSchema,
  pictureSize,
  TaskLine,
} from './layout.ts';
export { eachRow, eachRowOfPages, type RowSink, readColumns } from './numericColumns.ts';
export { openDataset } from './open.ts';
export {
  type Column,
  columnName,
  copyParquet,
  footerWord,
  ParquetError,
  parquetOfLines,
  parquetSchema,
  prepareReader,
  queryColumns,
  queryParquet,
} from './parquet.ts';
export { proposeRobot, type RobotProposal } from './propose/index.ts';
export { holdSides } from './remoteSet.ts';
export { commonRobot, requireRobot } from './robotOf.ts';
export { sidePath } from './sideFiles.ts';
export { intervalsOf, isStage } from './stages.ts';
export { UnfinishedFolder } from './unfinishedFolder.ts';
export { type FinishedPart, UnfinishedSet } from './unfinishedSet.ts';
export { episodeExtras } from './v30Tables.ts';
export { WindowError } from './v30Videos.ts';
export { requireVideo, videoMisfit } from './videoFit.ts';
export { withFiles } from './withFiles.ts';
export { type DatasetOptions, DatasetWriter } from './writer.ts';
