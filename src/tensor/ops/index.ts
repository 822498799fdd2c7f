/** Differentiable operations. Each adds nodes to its builder's program and knows its own gradient. */
export { type AttentionOptions, attention } from './attention.ts';
export { type ConvOptions, conv2d } from './conv.ts';
export {
  abs,
  add,
  addScalar,
  cast,
  cos,
  div,
  equal,
  exp,
  gelu,
  greater,
  less,
  log,
  maximum,
  mul,
  neg,
  relu,
  rsqrt,
  scale,
  sigmoid,
  silu,
  sin,
  sqrt,
  square,
  stopGradient,
  sub,
  tanh,
  where,
} from './elementwise.ts';
export { gather, gatherAxis, oneHot } from './gather.ts';
export { linear, type MatmulOptions, matmul } from './matmul.ts';
export { layerNorm, type RmsNormOptions, rmsNorm } from './norm.ts';
export { argmax, mean, sum } from './reduce.ts';
export { concat, expand, reshape, slice, split, transpose } from './shape.ts';
export { type CrossEntropyOptions, crossEntropy, logSoftmax, softmax } from './softmax.ts';
