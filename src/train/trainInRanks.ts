import type { TrainResult } from './loop.ts';
import type { TrainOptions } from './options.ts';
import { type JoinOptions, Ranks, type Tell } from './ranks/index.ts';
import { trainRank } from './train.ts';

/**
 * Trains with the other ranks that a launcher has started: each makes its rows of every batch, the gradients are summed
 * over all, and rank 0 alone writes and logs. The batches, and the curve within rounding, are those of one process.
 * Whatever goes wrong ends all ranks; the last checkpoint stays whole.
 * @returns null on the ranks other than the first, and when it has failed and `tell` has told
 */
export async function trainInRanks(how: JoinOptions, options: TrainOptions, tell: Tell): Promise<TrainResult | null> {
  const ranks = await Ranks.join(how);
  try {
    const { log: _, ...quiet } = options;
    const result = await trainRank(ranks.rank === 0 ? options : quiet, ranks);
    await ranks.end();
    return result;
  } catch (error) {
    await ranks.fail(error, tell);
    return null;
  }
}
