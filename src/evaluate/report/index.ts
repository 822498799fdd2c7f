export { type Evaluation, readEvaluation, readRecords, writeReport } from './report.ts';
