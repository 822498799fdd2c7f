export { type Environment, type EnvironmentStep, householdEnvironment } from './environment.ts';
export { type EpisodeOptions, type EpisodeResult, runEpisode } from './episode.ts';
export { type EvaluateOptions, evaluate } from './evaluate.ts';
export { type EvaluatePolicyOptions, evaluatePolicy, type PlayedEpisode } from './evaluatePolicy.ts';
export { type PolicySpec, parsePolicy } from './policySpec.ts';
export type { RolloutScene, StepLine } from './recorder.ts';
