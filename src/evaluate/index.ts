/** Rollouts in the household, their scores, and the pages and tables that show them. */
export { demonstrationActions, ExpertPolicy, HoldPolicy, ReplayPolicy } from './baselines.ts';
export { type EpisodeOptions, type EpisodeResult, runEpisode } from './episode.ts';
export { type EvaluateOptions, evaluate } from './evaluate.ts';
export { type LedgerLine, readLedger, settled } from './ledger.ts';
export { officialJson, officialRecord } from './official.ts';
export { openPolicy, type PolicySource } from './policySource.ts';
export { type PolicySpec, parsePolicy } from './policySpec.ts';
export { Recorder, type RolloutScene, type StepLine } from './recorder.ts';
export { type Evaluation, readEvaluation, writeReport } from './report/report.ts';
export { combine, type Interval, scoreInterval, wilson } from './statistics.ts';
export { qTable, type Summary, summarise, type TaskSummary } from './summary.ts';
export { parseInstances, type Unit, unitName, unitsOf } from './unit.ts';
