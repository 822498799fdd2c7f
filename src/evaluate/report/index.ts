export { readEvaluation, writeReport } from './report.ts';
