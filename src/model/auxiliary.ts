import {
  abs,
  concat,
  matmul,
  mean,
  reshape,
  rmsNorm,
  silu,
  softmax,
  sub,
  type Tensor,
  transpose,
} from '../tensor/index.ts';
import { dense } from './layers.ts';
import type { Network } from './network.ts';
import type { Prefix } from './prefix.ts';

/**
 * Features of the auxiliary heads [B, hidden]: the base-task output, and the prefix pooled by learned queries (softmax over all
 * its tokens). They exist for their training signal: it reaches the vision-language part without the noise of the flow loss.
 */
export function auxiliaryFeatures(net: Network, prefix: Prefix): Tensor {
  const { vlmWidth: width, auxiliary, rmsEpsilon } = net.config;
  const tokens = rmsNorm(prefix.stream, undefined, { epsilon: rmsEpsilon }); // [B, S, width]
  const batch = tokens.shape[0]!;
  const query = net.weight('auxiliary/queries'); // [Q, width]
  const scores = matmul(tokens, query, { transposeB: true }); // [B, S, Q]
  const weights = softmax(transpose(scores, [0, 2, 1]));
  const pooled = reshape(matmul(weights, tokens), [batch, auxiliary!.queries * width]);
  return silu(dense(net, 'auxiliary/hidden', concat([prefix.base, pooled], 1)));
}

/** Mean absolute error of the predicted action chunk; actions [B, horizon, actionDim]. */
export function chunkLoss(net: Network, features: Tensor, actions: Tensor): Tensor {
  return mean(abs(sub(reshape(dense(net, 'auxiliary/chunk', features), actions.shape), actions)));
}

/** Mean absolute error of the predicted privileged numbers; objects [B, size]. */
export function objectsLoss(net: Network, features: Tensor, objects: Tensor): Tensor {
  const error = abs(sub(dense(net, 'auxiliary/objects', features), objects));
  return mean(error);
}
