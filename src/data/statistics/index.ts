export {
  type DatasetStatistics,
  type DatasetStatisticsOptions,
  datasetStatistics,
  decodeOnly,
  frameBytes,
} from './datasetStatistics.ts';
export { statisticsHandler } from './statisticsHandler.ts';
export { STATISTICS_JOB } from './statisticsJob.ts';
