import { present } from '../../base/index.ts';
import { abs, concat, mean, mul, reshape, rmsNorm, silu, slice, sub, type Tensor } from '../../tensor/index.ts';
import { dense } from './layers.ts';
import type { Network } from './network.ts';
import type { Prefix } from './prefix.ts';

/**
 * Features of the auxiliary heads [B, hidden]: every prefix token reduced to a few numbers and laid side by side (which
 * keeps where it was seen), and the base-task output. They exist for their training signal: it reaches the
 * vision-language part without the noise of the flow loss, and without an attention that must first learn where to
 * look.
 */
export function auxiliaryFeatures(net: Network, prefix: Prefix): Tensor {
  const { rmsEpsilon } = net.config;
  // [B, S, width]
  const tokens = rmsNorm(slice(prefix.stream, 1, 0, prefix.layout.length), undefined, { epsilon: rmsEpsilon });
  const reduced = reshape(dense(net, 'auxiliary/reduce', tokens), [present(tokens.shape[0], 'tokens.shape[0]'), -1]);
  return silu(dense(net, 'auxiliary/hidden', concat([prefix.base, reduced], 1)));
}

/** Mean absolute error of the predicted action chunk; actions [B, horizon, actionDim]. @param weight of samples [B] */
export function chunkLoss(net: Network, features: Tensor, actions: Tensor, weight?: Tensor): Tensor {
  const errors = abs(sub(reshape(dense(net, 'auxiliary/chunk', features), actions.shape), actions));
  return weight ? mean(mul(mean(errors, [1, 2]), weight)) : mean(errors);
}

/** Mean absolute error of the predicted privileged numbers; objects [B, size]. */
export function objectsLoss(net: Network, features: Tensor, objects: Tensor): Tensor {
  const error = abs(sub(dense(net, 'auxiliary/objects', features), objects));
  return mean(error);
}
