export { columnBlocks, type QuantisedMatrices, type QuantisedMatrix, quantiseColumns, splitColumns } from './int8.ts';
export {
  mapSafetensors,
  readSafetensors,
  readSafetensorsHeader,
  safetensorsLayout,
  writeSafetensors,
} from './safetensors.ts';
export {
  byteLength,
  bytesOfArray,
  isStored,
  loadWeight,
  loadWeights,
  type PiecedArray,
  type StoredArray,
  type Weight,
  type Weights,
  weightRange,
} from './stored.ts';
export { type WeightMatrix, weightMatrices } from './weightMatrix.ts';
export { roomFor, WeightReader } from './weightReader.ts';
