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
  isStored,
  loadWeight,
  type StoredArray,
  type Weight,
  type Weights,
  weightRange,
} from './stored.ts';
export { type WeightMatrix, weightMatrices } from './weightMatrix.ts';
