/** Rollouts in the household, their scores, and the pages and tables that show them. */
export { parseInstances } from './ledger/index.ts';
export { readEvaluation, writeReport } from './report/index.ts';
export { evaluate, parsePolicy } from './rollouts/index.ts';
export { qTable, type Summary } from './scores/index.ts';
