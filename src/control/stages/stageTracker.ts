import { present } from '../../base/index.ts';
import type { StageSuccessors } from '../../robot/index.ts';

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
  /** Which stages may follow each stage of the task; left out: the next one. */
  readonly successors?: StageSuccessors | undefined;
}

/** The start of an episode. */
export const FIRST_STAGE: StageState = { stage: 0, history: [] };

/**
 * One plan's vote on the stage: the largest logit (the first of equals), at most the last stage. With a full history:
 * enough votes for the next stage go on; all for the one after go on by one; all for the one before go back. A change
 * clears the history; the last stage is never left. Golden case stages. A task that tells its stages' successors is
 * followed by `voteAmongSuccessors`.
 */
export function voteOnStage(
  { stage, history }: StageState,
  logits: ArrayLike<number>,
  numStages: number,
  options: StageOptions,
): StageState {
  const { historyLength, votes, successors } = options;
  if (successors) return voteAmongSuccessors({ stage, history }, logits, successors, options);
  const last = numStages - 1;
  const newest = [...history, predictedStage(logits, numStages)].slice(-historyLength);
  const count = (s: number) => newest.filter((vote) => vote === s).length;
  if (newest.length < historyLength || stage + 1 > last) return { stage, history: newest };
  if (count(stage + 1) >= votes || count(stage + 2) === historyLength) return { stage: stage + 1, history: [] };
  if (stage > 0 && count(stage - 1) === historyLength) return { stage: stage - 1, history: [] };
  return { stage, history: newest };
}

/**
 * The vote where stages branch: the largest logit of the present stage and its successors alone (the present one of
 * equals). With a full history, enough votes for a successor go there, which clears the history. There is no way but
 * the successors: pictures that look alike in stages of different pasts cannot move it from one past to another.
 */
function voteAmongSuccessors(
  { stage, history }: StageState,
  logits: ArrayLike<number>,
  successors: StageSuccessors,
  { historyLength, votes }: StageOptions,
): StageState {
  const next = successors[stage] ?? [];
  const logit = (s: number) => logits[s] ?? Number.NEGATIVE_INFINITY;
  const vote = next.reduce((best, s) => (logit(s) > logit(best) ? s : best), stage);
  const newest = [...history, vote].slice(-historyLength);
  if (newest.length < historyLength) return { stage, history: newest };
  const count = (s: number) => newest.filter((one) => one === s).length;
  const chosen = next.reduce((best, s) => (best === undefined || count(s) > count(best) ? s : best), next[0]);
  if (chosen === undefined || count(chosen) < votes) return { stage, history: newest };
  return { stage: chosen, history: [] };
}

/** The stage that a plan predicts: the largest logit (the first of equals), at most the last stage. */
export function predictedStage(logits: ArrayLike<number>, numStages: number): number {
  return Math.min(argmax(logits), numStages - 1);
}

function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++)
    if (present(values[i], 'values[i]') > present(values[best], 'values[best]')) best = i;
  return best;
}
