export type { Interval } from './intervals.ts';
export { officialJson } from './official.ts';
export { type EvaluationSummary, qTable, summariseLedger, type TaskSummary } from './summary.ts';
