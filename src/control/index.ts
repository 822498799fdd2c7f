/** Between the network and the robot, one instance per episode: stage tracker, correction rules, chunk executor. */
export { createPolicy } from './createPolicy.ts';
export { parseRules, RULES_HELP, type RulesOption } from './ruleSelection.ts';
export { BEHAVIOR_RULES, type Correction, correct, type RuleTable } from './rules.ts';
export { createSession, type EpisodeSession } from './session.ts';
export { SESSION_DEFAULTS, type SessionOptions } from './sessionOptions.ts';
export type { SessionSnapshot } from './sessionSnapshot.ts';
export { type StageState, voteOnStage } from './stageTracker.ts';
export { requireFinite, UnusablePlanError } from './unusablePlan.ts';
