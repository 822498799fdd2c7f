/** Episodes on disk and in memory: LeRobot data sets written, read and checked; samples for training. */
export { checkDataset } from './check.ts';
export { contactSheet } from './contactSheet.ts';
export {
  type Dataset,
  DatasetWriter,
  type EncodedEpisode,
  type Episode,
  type EpisodeLayout,
  type EpisodeRecord,
  encodeEpisode,
  encodeParquet,
  openDataset,
  readColumns,
} from './lerobot/index.ts';
export { parseDataFolder, type RawBatch, SampleStore } from './samples/index.ts';
export { datasetStatistics, decodeOnly } from './statistics/index.ts';
export { checkVideo, decodeFrames, probeVideo } from './video/index.ts';
