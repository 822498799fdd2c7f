/** The network, on tensor/: vision tower, two-expert transformer, task and stage tokens, KV mixing, flow matching, losses, sampler, weights in and out. */

export {
  type Checkpoint,
  type CheckpointContents,
  loadParameters,
  type PolicySettings,
  readCheckpoint,
  readCheckpointParts,
  writeCheckpoint,
} from './checkpoint.ts';
export { PlannerClient } from './client.ts';
export * from './config.ts';
export { flowNoise } from './flowNoise.ts';
export * from './formats/index.ts';
export { configOfGoldenCase } from './golden.ts';
export {
  buildConditionProgram,
  buildDenoiseProgram,
  buildPrefixProgram,
  buildVisionProgram,
  type InferenceOptions,
} from './inference.ts';
export { initParameters } from './initialise.ts';
export { INT8_FILE, type Int8Parts, int8Parts, type MatrixError, readInt8, writeInt8 } from './int8.ts';
export { planningConfig, quantiseCheckpoint } from './int8Checkpoint.ts';
export { type PlanError, planError, type ReportInput, runReport, syntheticInputs } from './int8Report.ts';
export { buildLossProgram, type LossOptions } from './loss.ts';
export {
  type InferenceMemoryOptions,
  inferenceMemory,
  type MemoryEstimate,
  type PlanningNeeds,
  PROCESS_BYTES,
  peakBytes,
  planningRefusal,
  requirePlanningMemory,
  trainingMemory,
  trainingStateBytes,
  type WeightType,
} from './memory.ts';
export type { Trace } from './network.ts';
export type { Planner, PlanRequest, PlanTiming, Prediction } from './plan.ts';
export { createPlanner, type PlannerOptions } from './planner.ts';
export { recordedInputs } from './reportObservations.ts';
export { eulerTimes, Sampler, type SamplerInputs, type SamplerOptions } from './sampler.ts';
export { sincos, sincosFrequencies } from './sincos.ts';
export { countParameters, type Initialiser, type Leaf, type Part, parameterTree } from './tree.ts';
export { mergeLayers, type ProgramParameter, programParameters, splitLayers } from './views.ts';
