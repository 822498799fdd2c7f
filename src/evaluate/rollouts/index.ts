export { evaluate } from './evaluate.ts';
export { parsePolicy } from './policySpec.ts';
export type { RolloutScene, StepLine } from './recorder.ts';
