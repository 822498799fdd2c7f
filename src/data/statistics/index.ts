export { datasetStatistics, decodeOnly, frameBytes } from './datasetStatistics.ts';
