/** Between the network and the robot, one instance per episode: stage tracker, correction rules, chunk executor. */
export * from './createPolicy.ts';
export * from './policy.ts';
export * from './recovery.ts';
export * from './ruleSelection.ts';
export * from './rules.ts';
export * from './session.ts';
export * from './sessionOptions.ts';
export { parseSnapshot, type SessionSnapshot } from './sessionSnapshot.ts';
export * from './stageTracker.ts';
