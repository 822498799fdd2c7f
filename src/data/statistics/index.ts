export { datasetStatistics, decodeOnly } from './datasetStatistics.ts';
