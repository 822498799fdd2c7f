/** Between the network and the robot, one instance per episode: stage tracker, correction rules, chunk executor. */
export { createPolicy, type PlannedPolicy } from './createPolicy.ts';
export { dropPlan, goOnFrom } from './dropPlan.ts';
export type { Detection, Recovery, RecoveryRule, RecoverySettings, RecoverySituation } from './recovery.ts';
export { CHALLENGE_CONTEXT, type RuleContext } from './ruleContext.ts';
export { parseRules, RULES_HELP, type Rule, type RulesOption } from './ruleSelection.ts';
export {
  type Correction,
  type CorrectionRule,
  correct,
  gripperStates,
  type RuleAnswer,
  type RuleSituation,
} from './rules.ts';
export { createSession, type EpisodeSession } from './session.ts';
export { chunkDefaults, requireWorkable, SESSION_DEFAULTS, type SessionOptions } from './sessionOptions.ts';
export type { SessionSnapshot } from './sessionSnapshot.ts';
export { type StageState, voteOnStage } from './stages/index.ts';
export { requireFinite, UnusablePlanError } from './unusablePlan.ts';
