/** Episodes on disk and in memory: LeRobot data sets written, read and checked; samples for training. */
export * from './check.ts';
export * from './contactSheet.ts';
export type * from './dataset.ts';
export type { EncodedEpisode, EpisodeLayout, EpisodeRecord } from './episode.ts';
export { encodeEpisode } from './episode.ts';
export type { Annotation, Info } from './layout.ts';
export { cameraKey } from './layout.ts';
export { openDataset } from './open.ts';
export { type Column, encodeParquet, ParquetError, readColumns } from './parquet.ts';
export * from './sampleStore.ts';
export { stagesFromSkills } from './stages.ts';
export * from './statistics.ts';
export {
  type DecodedFrames,
  decodeFrames,
  encodeVideo,
  probeVideo,
  readFrames,
  VideoError,
  type VideoOptions,
} from './video.ts';
export * from './writer.ts';
