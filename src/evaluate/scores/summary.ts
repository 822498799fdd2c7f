import { counted, type LedgerLine, settled, type Unit, unitName } from '../ledger/index.ts';
import { type Interval, mean } from './intervals.ts';
import { combinedInterval, estimateMean, intervalOf, type MeanEstimate } from './meanEstimate.ts';

/** A task's episodes that were played to an end. Without one, q and success are not a number (JSON: null). */
export interface TaskSummary {
  readonly q: number;
  readonly low: number;
  readonly high: number;
  /** Share of the episodes with q = 1. */
  readonly success: number;
  readonly episodes: number;
  /** Seeds that each instance was played with, when there are several; the interval holds for other seeds too. */
  readonly seeds?: number;
  /** Episodes that were asked for and have no result, when there are any. */
  readonly missing?: number;
}

/** An episode that was asked for and has no result, and why. */
export interface MissingUnit extends Unit {
  readonly reason: string;
}

/** What an evaluation came to; the form that `--json` prints. Bounds are those of the 95 % interval. */
export interface EvaluationSummary {
  /** Episodes that were played to an end. */
  readonly episodes: number;
  /** Mean over the tasks of what was played. */
  readonly q: Interval;
  /** The challenge's score: missing episodes count 0. */
  readonly official: number;
  readonly tasks: Readonly<Record<string, TaskSummary>>;
  /** Episodes without a result, when there are any: not played yet, or every attempt broke off. */
  readonly missing?: readonly MissingUnit[];
  /** Why the evaluation ended before all were tried. */
  readonly stopped?: string;
}

/**
 * Overall q is the mean over tasks of the tasks' mean q, as on the challenge's leaderboard. In which order the episodes
 * were played changes nothing.
 * @param asked every unit that was asked for, whether it has a line or not
 */
export function summariseLedger(lines: readonly LedgerLine[], asked: readonly Unit[] = []): EvaluationSummary {
  const done = [...counted(lines)].sort((a, b) => a.rollout - b.rollout || a.instance - b.instance);
  const missing = missingUnits(lines, asked);
  const names = [...new Set([...asked, ...lines, ...missing].map(({ task }) => task))];
  const estimates: MeanEstimate[] = [];
  const official: number[] = [];
  const tasks: Record<string, TaskSummary> = {};
  for (const task of names) {
    const played = done.filter((line) => line.task === task);
    const lost = missing.filter((unit) => unit.task === task).length;
    const estimate = estimateMean(played);
    const { mean: q, low, high } = intervalOf(estimate);
    if (played.length > 0) estimates.push(estimate);
    official.push(played.reduce((sum, { q }) => sum + q, 0) / (played.length + lost));
    const success = played.filter(({ q }) => q === 1).length / played.length;
    const seeds = new Set(played.map(({ rollout }) => rollout)).size;
    const more = { ...(seeds > 1 && { seeds }), ...(lost > 0 && { missing: lost }) };
    tasks[task] = { q, low, high, success, episodes: played.length, ...more };
  }
  return {
    episodes: done.length,
    q: combinedInterval(estimates),
    official: official.reduce((sum, q) => sum + q, 0) / Math.max(1, official.length),
    tasks,
    ...(missing.length > 0 ? { missing } : {}),
  };
}

/** The share of episodes that are done, as a mean over tasks; not a number while a task has none. */
export function doneShare({ tasks }: EvaluationSummary): number {
  return mean(Object.values(tasks).map(({ success }) => success));
}

function missingUnits(lines: readonly LedgerLine[], asked: readonly Unit[]): MissingUnit[] {
  const last = new Map(settled(lines).map((line) => [unitName(line), line]));
  const units = new Map([...asked, ...last.values()].map((unit) => [unitName(unit), unit]));
  return [...units].flatMap(([name, { task, instance, rollout }]) => {
    const line = last.get(name);
    if (line?.state === 'done') return [];
    return [{ task, instance, rollout, reason: line ? (line.reason ?? 'it broke off') : 'not played' }];
  });
}
