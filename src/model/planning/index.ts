export { flowNoise } from './flowNoise.ts';
export { createPlanner, type PlannerOptions } from './planner.ts';
export { PlannerClient } from './plannerClient.ts';
export { eulerTimes, Sampler, type SamplerInputs } from './sampler.ts';
