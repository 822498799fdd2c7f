export {
  configNamed,
  configs,
  type ModelConfig,
  type ModelConfigInput,
  ModelConfigSchema,
  modelConfig,
  modelConfigFor,
  prefixLayout,
} from './config.ts';
export { buildConditionProgram, buildDenoiseProgram, buildPrefixProgram, buildVisionProgram } from './inference.ts';
export { initParameters } from './initialise.ts';
export { buildLossProgram } from './loss.ts';
export { sincos, sincosFrequencies } from './sincos.ts';
export { countParameters, type Leaf, type Part, parameterTree, sizeOf } from './tree.ts';
export { mergeLayers, programParameters, splitLayers } from './views.ts';
