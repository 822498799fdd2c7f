export { type EpisodeOptions, type EpisodeResult, runEpisode } from './episode.ts';
export { type EvaluateOptions, evaluate } from './evaluate.ts';
export { type PolicySpec, parsePolicy } from './policySpec.ts';
export type { RolloutScene, StepLine } from './recorder.ts';
