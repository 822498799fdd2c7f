export {
  type ModelConfig,
  type ModelConfigInput,
  ModelConfigSchema,
  type ModelStages,
  modelConfig,
  modelConfigFor,
  prefixLayout,
  STATE_BINS,
  taskStagesOf,
} from './config.ts';
export { buildConditionProgram, buildDenoiseProgram, buildPrefixProgram, buildVisionProgram } from './inference.ts';
export { initParameters } from './initialise.ts';
export { buildMergeProgram, type Lora, loraBases, loraTree } from './lora.ts';
export { buildLossProgram } from './loss.ts';
export { prefixVisibility } from './masks.ts';
export { configNamed, configs } from './presets.ts';
export { refuseRenamedKeys, renamedModelKey } from './renamedKeys.ts';
export { sincos, sincosFrequencies } from './sincos.ts';
export { countParameters, type NetworkLeaf, type Part, parameterTree, sizeOf } from './tree.ts';
export { mergeLayers, networkTree, programParameters, splitLayers } from './views.ts';
export { VOCABULARY, withoutUnreadRows } from './vocabulary.ts';
