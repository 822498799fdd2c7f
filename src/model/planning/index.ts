export { flowNoise } from './flowNoise.ts';
export { createPlanner, type PlannerOptions } from './planner.ts';
export { PlannerClient } from './plannerClient.ts';
export { ActionSampler, eulerTimes, type SamplerInputs } from './sampler.ts';
