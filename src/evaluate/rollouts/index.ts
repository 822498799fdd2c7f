export type { Environment } from './environment.ts';
export { type EpisodeOptions, type EpisodeRecorder, type EpisodeResult, runEpisode } from './episode.ts';
export { type EvaluateOptions, evaluate } from './evaluate.ts';
export { type EvaluatePolicyOptions, evaluatePolicy, type PolicyFor } from './evaluatePolicy.ts';
export { playedPolicy } from './playedPolicy.ts';
export { type PlanSettings, type PolicySpec, parsePolicy } from './policySpec.ts';
export { readRolloutScene, readStepLines, readTrack } from './recording.ts';
export type { RolloutScene, StepLine } from './rolloutRecorder.ts';
export { parseSeeds } from './seeds.ts';
