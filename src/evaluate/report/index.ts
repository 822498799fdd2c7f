export { type Evaluation, readEvaluation, writeReport } from './report.ts';
