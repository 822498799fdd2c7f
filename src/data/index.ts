/** Episodes on disk and in memory: LeRobot data sets written, read and checked; samples for training. */
export { BadFiles } from './badFiles.ts';
export { checkDataset, type FitReference, type FitRow, isOff, referenceOf, setReference } from './check/index.ts';
export { contactSheet } from './contactSheet.ts';
export {
  annotatedStages,
  type Edited,
  type EpisodeFilter,
  type KeptEpisode,
  mergedEpisodes,
  readStageMapping,
  type SetPart,
  selectEpisodes,
  splitEpisodes,
  trimmedEpisodes,
  type WriteSetOptions,
  writeSet,
} from './edit/index.ts';
export { dataFingerprint } from './fingerprint.ts';
export {
  type CameraChoice,
  commonRobot,
  type DataChoice,
  type Dataset,
  type DatasetOptions,
  DatasetWriter,
  type EncodedEpisode,
  type Episode,
  type EpisodeLayout,
  type EpisodeRange,
  type EpisodeRecord,
  encodeEpisode,
  encodeParquet,
  type FinishedPart,
  openDataset,
  openSets,
  ParquetError,
  pictureSize,
  proposeRobot,
  type RobotProposal,
  readColumns,
  readTaskMap,
  requireRobot,
  UnfinishedSet,
} from './lerobot/index.ts';
export { type ActionMotion, motionOf } from './motion.ts';
export { type FolderLimit, isAddress, parseFolderLimit, shownPlaces } from './remote/index.ts';
export {
  type BadNumber,
  chunkCount,
  demonstrationOf,
  openSamples,
  parseDataFolder,
  type RawBatch,
  type RowShare,
  type SampleScan,
  type SampleSource,
  SampleStore,
  SampleStream,
  type SampleVisitor,
  type StreamChoice,
  stageTable,
  successorTable,
  WHOLE_BATCH,
} from './samples/index.ts';
export {
  type DatasetStatistics,
  type DatasetStatisticsOptions,
  datasetStatistics,
  decodeOnly,
  frameBytes,
  STATISTICS_JOB,
  statisticsHandler,
} from './statistics/index.ts';
export { checkVideo, decodeFrames, encodeVideo, probeVideo, readFrames, VideoError, writeFilm } from './video/index.ts';
