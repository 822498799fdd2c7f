/** Rollouts in the household, their scores, and the pages and tables that show them. */
export { parseInstances } from './ledger/index.ts';
export { readEvaluation, writeReport } from './report/index.ts';
export {
  type EpisodeOptions,
  type EpisodeResult,
  type EvaluateOptions,
  evaluate,
  type PolicySpec,
  parsePolicy,
  runEpisode,
} from './rollouts/index.ts';
export { qTable, type Summary } from './scores/index.ts';
