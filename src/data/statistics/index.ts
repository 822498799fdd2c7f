export {
  type DatasetStatistics,
  type DatasetStatisticsOptions,
  datasetStatistics,
  decodeOnly,
  frameBytes,
} from './datasetStatistics.ts';
