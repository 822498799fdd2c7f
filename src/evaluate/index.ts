/** Rollouts in the household, their scores, and the pages and tables that show them. */
export { runAudit } from './audit/index.ts';
export {
  type Comparison,
  compareLedgers,
  compareTable,
  notices,
  playUntilDecided,
  refuseHiddenChoice,
  requireComparable,
  requireSameSelection,
  sequentialLine,
} from './compare/index.ts';
export { type CurvesSummary, isTrainingFolder, writeCurves } from './curves/index.ts';
export {
  attentionFigure,
  compressionFigure,
  correlationFigure,
  inpaintedPlan,
  inpaintingFigure,
  mixingFigure,
  motionFigure,
  readSteps,
  stagesFigure,
} from './figures/index.ts';
export {
  byRule,
  countLabels,
  failures,
  labelByRules,
  labelTable,
  parseLabels,
  readLabelFile,
  ruleAgreement,
  withStages,
  writeLabels,
} from './labels/index.ts';
export {
  counted,
  type LedgerLine,
  lineText,
  parseInstances,
  takesNoSeed,
  type Unit,
  unitName,
  unitsOfLedger,
} from './ledger/index.ts';
export {
  type Evaluation,
  FILM_BUDGET,
  REPORT_FORMS,
  type ReportForm,
  readEvaluation,
  readRecords,
  writeReport,
} from './report/index.ts';
export { evaluatePerturbed, robustnessLine } from './robustness/index.ts';
export {
  type Environment,
  type EpisodeOptions,
  type EpisodeRecorder,
  type EpisodeResult,
  type EvaluateOptions,
  type EvaluatePolicyOptions,
  evaluate,
  evaluatePolicy,
  householdPlayer,
  type PlanSettings,
  type PolicyFor,
  type PolicySpec,
  parsePolicy,
  parseSeeds,
  rolloutHandler,
  runEpisode,
} from './rollouts/index.ts';
export { samplesPage } from './samples/index.ts';
export { alignedTable, type EvaluationSummary, type Interval, qTable, type TaskSummary } from './scores/index.ts';
export {
  EDITIONS,
  ingestOfficial,
  type JudgedFolder,
  judgeOfficial,
  leaderboardTable,
  ranking,
  rankingTable,
  requireOfficial,
  runNotes,
  type SubmissionName,
  writeSubmission,
  type Year,
} from './submit/index.ts';
export { episodeMcap, rolloutMcap, sessionMcap } from './viewers/index.ts';
