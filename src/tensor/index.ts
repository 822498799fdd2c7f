/** Programs over tensors: build, differentiate, emit ONNX, run. Knows nothing of robots. */
export { activationBits } from './activation-bits.ts';
export { Builder, type Tensor } from './builder.ts';
export { TensorError } from './errors.ts';
export { gemmPeak } from './gemm-peak.ts';
export { gradients } from './gradients.ts';
export {
  columnBlocks,
  dequantise,
  type QuantisedMatrices,
  type QuantisedMatrix,
  quantiseColumns,
  splitColumns,
} from './int8.ts';
export { type LowerOptions, type Operators, type Precision, toOnnx } from './onnx/lower.ts';
export { OP_CASES, type OpCase } from './op-cases.ts';
export { checkOp, OP_TOLERANCE, type OpCheck } from './op-check.ts';
export { type AttentionOptions, attention } from './ops/attention.ts';
export { type ConvOptions, conv2d } from './ops/conv.ts';
export * from './ops/elementwise.ts';
export { gather, gatherAxis, oneHot } from './ops/gather.ts';
export { linear, type MatmulOptions, matmul } from './ops/matmul.ts';
export { layerNorm, type RmsNormOptions, rmsNorm } from './ops/norm.ts';
export { argmax, mean, sum } from './ops/reduce.ts';
export { concat, expand, reshape, slice, split, transpose } from './ops/shape.ts';
export { type CrossEntropyOptions, crossEntropy, logSoftmax, softmax } from './ops/softmax.ts';
export { DEVICES, type Device, type DeviceReport, deviceNamed, probeDevice } from './providers.ts';
export {
  encodeSafetensors,
  mapSafetensors,
  readSafetensors,
  readSafetensorsHeader,
  type SafetensorsHeader,
  safetensorsLayout,
  writeSafetensors,
} from './safetensors.ts';
export { type Feed, Session, type SessionOptions } from './session.ts';
export {
  byteLength,
  isStored,
  loadWeight,
  type StoredArray,
  type Weight,
  type Weights,
  weightRange,
} from './stored.ts';
export { type StateArray, type StepOptions, type StepResult, TrainingState } from './training-state.ts';
export type { DataType, NdArray, Parameters, Program, TypedArray, ValueSpec } from './types.ts';
export { type WeightMatrix, weightMatrices } from './weight-matrix.ts';
