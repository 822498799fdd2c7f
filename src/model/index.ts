/**
 * The network, on tensor/: vision tower, two-expert transformer, task and stage tokens, KV mixing, flow matching,
 * losses, sampler, weights in and out.
 */

export { tasksOfCheckpoint } from './card.ts';
export {
  type Checkpoint,
  type CheckpointContents,
  type CheckpointParts,
  type CheckpointSession,
  checkpointSession,
  loadParameters,
  type PolicySession,
  PolicySessionSchema,
  type PolicySettings,
  readCheckpoint,
  readCheckpointParts,
  requireFloats,
  writeCheckpoint,
} from './checkpoint.ts';
export { checkpointDigest, checkpointHashes } from './checkpointDigest.ts';
export { checkpointFolder } from './checkpointFolder.ts';
export { type CheckpointProvenance, checkpointProvenance } from './checkpointProvenance.ts';
export {
  asOriginalTree,
  bytesOf,
  CORRELATION,
  configOf,
  countParts,
  difference,
  elementsOf,
  exportCheckpoint,
  findAssets,
  type ImportOptions,
  type ImportReport,
  importCheckpoint,
  initialiseAsOriginal,
  type Layout,
  layoutOf,
  leafStatistics,
  openTree,
  planImport,
  readLeaf,
  readStageTable,
  robotOfSource,
  type StoredLeaf,
  type StoredTree,
  streamLeaf,
  weightsOf,
} from './formats/index.ts';
export { int8Cost, int8Lines, syntheticInputs } from './int8Report/index.ts';
export {
  inferenceMemory,
  type PlanningNeeds,
  PROCESS_BYTES,
  planningRefusal,
  requirePlanningMemory,
  type WeightType,
} from './memory.ts';
export { mergedWhenRead, mergeLora } from './mergeLora.ts';
export {
  buildDenoiseProgram,
  buildLossProgram,
  buildPrefixProgram,
  buildVisionProgram,
  configNamed,
  configs,
  countParameters,
  initParameters,
  type Lora,
  loraBases,
  loraTree,
  type ModelConfig,
  type ModelConfigInput,
  ModelConfigSchema,
  type ModelStages,
  mergeLayers,
  modelConfig,
  modelConfigFor,
  networkTree,
  type Part,
  parameterTree,
  prefixLayout,
  prefixVisibility,
  programParameters,
  refuseRenamedKeys,
  renamedModelKey,
  sincos,
  sincosFrequencies,
  splitLayers,
  taskStagesOf,
  withoutUnreadRows,
} from './network/index.ts';
export { checkStatistics, type StatisticsChoice, statisticsFile, statisticsHash } from './ownStatistics.ts';
export {
  ActionSampler,
  createPlanner,
  eulerTimes,
  flowNoise,
  PlannerClient,
  type PlannerOptions,
  type SamplerInputs,
} from './planning/index.ts';
export { planningConfig, quantiseCheckpoint } from './quantiseCheckpoint.ts';
export { requireStatisticsFit } from './statisticsFit.ts';
export { trainingMemory, trainingStateBytes, type UpdateForm } from './trainingMemory.ts';
