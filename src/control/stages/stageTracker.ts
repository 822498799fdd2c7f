import { present } from '../../base/index.ts';
/** Where an episode is: the stage and the votes since it last changed, oldest first. */
export interface StageState {
  readonly stage: number;
  readonly history: readonly number[];
}

export interface StageOptions {
  /** Votes that are remembered (3). */
  readonly historyLength: number;
  /** Votes for the next stage that are enough to go on (2). */
  readonly votes: number;
}

/** The start of an episode. */
export const FIRST_STAGE: StageState = { stage: 0, history: [] };

/**
 * One plan's vote on the stage: the largest logit (the first of equals), at most the last stage. With a full history:
 * enough votes for the next stage go on; all for the one after go on by one; all for the one before go back. A change
 * clears the history; the last stage is never left. Golden case stages.
 */
export function voteOnStage(
  { stage, history }: StageState,
  logits: ArrayLike<number>,
  numStages: number,
  { historyLength, votes }: StageOptions,
): StageState {
  const last = numStages - 1;
  const newest = [...history, Math.min(argmax(logits), last)].slice(-historyLength);
  const count = (s: number) => newest.filter((vote) => vote === s).length;
  if (newest.length < historyLength || stage + 1 > last) return { stage, history: newest };
  if (count(stage + 1) >= votes || count(stage + 2) === historyLength) return { stage: stage + 1, history: [] };
  if (stage > 0 && count(stage - 1) === historyLength) return { stage: stage - 1, history: [] };
  return { stage, history: newest };
}

function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++)
    if (present(values[i], 'values[i]') > present(values[best], 'values[best]')) best = i;
  return best;
}
