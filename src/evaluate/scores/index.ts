export { alignedTable } from './alignedTable.ts';
export { type Interval, mean, quantile, wilson } from './intervals.ts';
export { officialJson } from './official.ts';
export { missingLines, partWords, qTable } from './qTable.ts';
export { studentQuantile } from './studentQuantile.ts';
export { doneShare, type EvaluationSummary, summariseLedger, type TaskSummary } from './summary.ts';
export { chanceText, percentText } from './words.ts';
