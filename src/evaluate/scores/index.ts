export type { Interval } from './intervals.ts';
export { officialJson } from './official.ts';
export { type EvaluationSummary, qTable, summariseLedger, type TaskSummary, taskInterval } from './summary.ts';
