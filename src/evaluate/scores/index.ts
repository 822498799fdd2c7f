export type { Interval } from './intervals.ts';
export { officialJson } from './official.ts';
export { studentQuantile } from './seededInterval.ts';
export { type EvaluationSummary, qTable, summariseLedger, type TaskSummary } from './summary.ts';
