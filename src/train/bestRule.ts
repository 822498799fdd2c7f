import { InputError, nearest, significant } from '../base/index.ts';
import type { LookPlan } from './lookPlan.ts';

/** By which measure of a run's looks its best checkpoint is told from the others. */
export interface BestRule {
  /** As it is named on the command line: `q`, `success`, or `validation/KEY`. */
  readonly measure: string;
  /** The file whose lines hold it, and the key within a line. */
  readonly file: 'rollouts.jsonl' | 'validation.jsonl';
  readonly key: string;
  readonly wanted: 'highest' | 'lowest';
}

/** What a checkpoint came to by the measure. */
export interface Score {
  readonly step: number;
  readonly value: number;
}

const HELD_OUT = 'validation/';
const OF_ROLLOUTS = ['q', 'success'];

/**
 * The rule that a measure stands for: `q` and `success` of rollouts, the highest; `validation/KEY` of held-out data,
 * the lowest (of a loss or an error) or the highest (of an accuracy).
 * @param keys of the lines of `validation.jsonl` @throws InputError for a measure that the run does not take
 */
export function bestRule(
  measure: string,
  { rollouts, heldOut, keys }: { rollouts: boolean; heldOut: boolean; keys: readonly string[] },
): BestRule {
  const known = [...OF_ROLLOUTS, ...keys.map((key) => HELD_OUT + key)];
  if (!known.includes(measure)) {
    const guess = nearest(measure, known);
    throw new InputError(
      '--best',
      `there is no measure '${measure}'. ${guess ? `Did you mean '${guess}'?` : `Known: ${known.join(', ')}.`}`,
    );
  }
  if (OF_ROLLOUTS.includes(measure)) {
    if (!rollouts) throw new InputError('--best', `${measure} is measured by rollouts. Add --rollouts.`);
    return { measure, file: 'rollouts.jsonl', key: measure, wanted: 'highest' };
  }
  if (!heldOut)
    throw new InputError(
      '--best',
      `${measure} is measured on held-out episodes, and none are. Raise validation.share, or give more episodes.`,
    );
  const key = measure.slice(HELD_OUT.length);
  return { measure, file: 'validation.jsonl', key, wanted: key.endsWith('accuracy') ? 'highest' : 'lowest' };
}

/** Whether a value is better than another; equal ones are not, so that the earlier stays. */
export const isBetter = ({ wanted }: BestRule, a: number, b: number): boolean => (wanted === 'highest' ? a > b : a < b);

/** The best of the scores, the earliest of equal ones; undefined without a finite one. */
export function bestOf(rule: BestRule, scores: readonly Score[]): Score | undefined {
  let best: Score | undefined;
  for (const score of [...scores].sort((a, b) => a.step - b.step))
    if (Number.isFinite(score.value) && (!best || isBetter(rule, score.value, best.value))) best = score;
  return best;
}

/** What the lines of the measure's file say: one value a step, the mean over the tasks of a step of rollouts. */
export function scoresOf({ key }: BestRule, lines: readonly Readonly<Record<string, unknown>>[]): Score[] {
  const values = new Map<number, number[]>();
  for (const line of lines) {
    const step = Number(line['step']);
    const value = line[key];
    // A look that failed came to nothing.
    const number = typeof value === 'number' ? value : Number.NaN;
    values.set(step, [...(values.get(step) ?? []), number]);
  }
  return [...values].map(([step, all]) => ({ step, value: all.reduce((sum, value) => sum + value, 0) / all.length }));
}

/** How a card that Valet's training wrote begins to say it. */
export const SELECTED = 'while training: ';

/** The rule and its course in words, for the checkpoint's card and every result that is made with it. */
export function selectionWords(rule: BestRule, scores: readonly Score[], plan: LookPlan | undefined): string {
  const { measure, wanted, file } = rule;
  const on =
    file === 'validation.jsonl'
      ? 'on held-out episodes'
      : `in rollouts of ${plan?.episodes} train instances of each of ${plan?.tasks.join(', ')}, seed ${plan?.seed}` +
        (plan?.maxSteps === undefined ? '' : `, at most ${plan.maxSteps} steps each`);
  const all = [...scores].sort((a, b) => a.step - b.step).map(({ step, value }) => `${step}: ${short(value)}`);
  return `${SELECTED}${wanted} ${measure} of ${all.length} looks ${on} (step ${all.join(', ')})`;
}

const short = (value: number): string => (Number.isFinite(value) ? significant(value, 4) : 'none');
