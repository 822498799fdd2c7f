export type { Dataset, Episode } from './dataset.ts';
export { type EncodedEpisode, type EpisodeLayout, type EpisodeRecord, encodeEpisode } from './episode.ts';
export { cameraKey, EpisodeStatsLine, readJsonLines } from './layout.ts';
export { openDataset } from './open.ts';
export { PageReader, type RowRange, type TakeRows } from './pages/pageReader.ts';
export { type Column, encodeParquet, episodeRows, ParquetError, prepareReader, readColumns } from './parquet.ts';
export { sidePath } from './sideFiles.ts';
export { intervalsOf } from './stages.ts';
export { type DatasetOptions, DatasetWriter } from './writer.ts';
