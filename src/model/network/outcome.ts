import { present } from '../../base/index.ts';
import {
  crossEntropy,
  mean,
  mul,
  reshape,
  sigmoid,
  slice,
  softmax,
  square,
  sub,
  type Tensor,
} from '../../tensor/index.ts';
import { dense } from './layers.ts';
import type { Network } from './network.ts';
import type { Prefix } from './prefix.ts';

/*
 * Two heads on the prefix that tell how an episode goes, after the authors' later work (docs/advantage.md):
 * whether it will end at its goal, and how much of its time has passed.
 */

const successLogits = (net: Network, prefix: Prefix): Tensor =>
  dense(net, 'success_from_prefix', present(prefix.whole, 'prefix.whole'));

/** Probability that the episode ends at its goal, [B]. */
export function predictedSuccess(net: Network, prefix: Prefix): Tensor {
  return reshape(slice(softmax(successLogits(net, prefix)), 1, 1, 2), [-1]);
}

/** Share of the episode's time that has passed, [B]. */
export function predictedProgress(net: Network, prefix: Prefix): Tensor {
  return reshape(sigmoid(dense(net, 'progress_from_prefix', present(prefix.whole, 'prefix.whole'))), [-1]);
}

/**
 * Loss terms of the heads that the configuration has, with their weights. Each is a mean over the batch in which
 * samples of which nothing is known count as 0, so that equal parts of a batch add up to the whole.
 *
 * Inputs: `success_label` [B] int64 (0 or 1), `progress_label` [B] in 0…1, and `success_known`, `progress_known` [B],
 * 1 where the label is known and 0 where it is not.
 */
export function outcomeTerms(net: Network, prefix: Prefix, batch: number): Record<string, [Tensor, number]> {
  const { builder, config } = net;
  const terms: Record<string, [Tensor, number]> = {};
  if (config.successLossWeight > 0) {
    const label = builder.input('success_label', [batch], 'int64');
    const known = builder.input('success_known', [batch]);
    const losses = crossEntropy(successLogits(net, prefix), label, { reduction: 'none' });
    terms['success'] = [mean(mul(losses, known)), config.successLossWeight];
  }
  if (config.progressLossWeight > 0) {
    const label = builder.input('progress_label', [batch]);
    const known = builder.input('progress_known', [batch]);
    const squares = square(sub(predictedProgress(net, prefix), label));
    terms['progress'] = [mean(mul(squares, known)), config.progressLossWeight];
  }
  return terms;
}
