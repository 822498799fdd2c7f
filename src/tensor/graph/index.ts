export { arrayType, Builder, type Tensor } from './builder.ts';
export { describe, opError, TensorError } from './errors.ts';
export { gradients } from './gradients.ts';
export { inputOf, outputOf, shapeOf } from './node.ts';
export * as primitives from './primitives.ts';
export { recomputed } from './recompute.ts';
export { carriedValues, sectionsOf } from './sections.ts';
export { broadcastShapes, lengthOf, reducedShape, sameShape, size } from './shapes.ts';
export type {
  Attribute,
  DataType,
  FloatAttribute,
  NdArray,
  Node,
  Parameters,
  Program,
  TypedArray,
  ValueSpec,
} from './types.ts';
