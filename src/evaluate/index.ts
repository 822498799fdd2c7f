/** Rollouts in the household, their scores, and the pages and tables that show them. */
export { parseInstances } from './ledger/index.ts';
export { readEvaluation, writeReport } from './report/index.ts';
export {
  type Environment,
  type EnvironmentStep,
  type EpisodeOptions,
  type EpisodeResult,
  type EvaluateOptions,
  type EvaluatePolicyOptions,
  evaluate,
  evaluatePolicy,
  householdEnvironment,
  type PlayedEpisode,
  type PolicySpec,
  parsePolicy,
  runEpisode,
} from './rollouts/index.ts';
export { qTable, type Summary } from './scores/index.ts';
