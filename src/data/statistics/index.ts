export {
  type DatasetStatistics,
  type DatasetStatisticsOptions,
  datasetStatistics,
  decodeOnly,
} from './datasetStatistics.ts';
