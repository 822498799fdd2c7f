export type { IntegerAttention } from './int8.ts';
export { lowerProgram, type Operators, type Precision, toOnnx } from './lower.ts';
export { encodeModel, externalFolder } from './model.ts';
