import { type LedgerLine, settled } from '../ledger/index.ts';
import { alignedTable } from './alignedTable.ts';
import { combineIntervals, type Interval, wilson } from './intervals.ts';
import { seededInterval } from './seededInterval.ts';

export interface TaskSummary {
  readonly q: number;
  readonly low: number;
  readonly high: number;
  /** Share of the episodes with q = 1. */
  readonly success: number;
  readonly episodes: number;
  /** Seeds that each instance was played with, when there are several; the interval holds for other seeds too. */
  readonly seeds?: number;
}

/** What an evaluation came to; the form that `--json` prints. Bounds are those of the 95 % interval. */
export interface EvaluationSummary {
  readonly episodes: number;
  readonly q: Interval;
  readonly tasks: Readonly<Record<string, TaskSummary>>;
  /** Units without a result, when there are any: every attempt broke off. They are in no mean. */
  readonly invalid?: readonly { readonly unit: string; readonly reason: string }[];
}

/** The mean q of a task's lines with its interval over instances and, where there are several, seeds. */
function taskInterval(lines: readonly LedgerLine[], seed: string): Interval {
  return seededInterval(lines, `${seed}/${lines[0]?.task ?? ''}`);
}

/** Overall q is the mean over tasks of the tasks' mean q, as on the challenge's leaderboard. */
export function summariseLedger(lines: readonly LedgerLine[], seed = '0'): EvaluationSummary {
  const counted = settled(lines);
  const done = counted.filter((line) => line.state === 'done');
  const invalid = counted
    .filter((line) => line.state === 'invalid')
    .map((line) => ({ unit: `${line.task}_${line.instance}_${line.rollout}`, reason: line.reason ?? '' }));
  const names = [...new Set(done.map((line) => line.task))];
  const intervals: Interval[] = [];
  const tasks: Record<string, TaskSummary> = {};
  for (const task of names) {
    const played = done.filter((line) => line.task === task);
    const interval = taskInterval(played, seed);
    const { mean, low, high } = interval;
    const success = played.filter(({ q }) => q === 1).length / played.length;
    const seeds = new Set(played.map(({ rollout }) => rollout)).size;
    intervals.push(interval);
    tasks[task] = { q: mean, low, high, success, episodes: played.length, ...(seeds > 1 && { seeds }) };
  }
  return { episodes: done.length, q: combineIntervals(intervals), tasks, ...(invalid.length > 0 ? { invalid } : {}) };
}

/** The q table for a terminal: a row a task, then the mean; columns for other policies beside it. */
export function qTable(summary: EvaluationSummary, others: Readonly<Record<string, EvaluationSummary>> = {}): string {
  const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
  const bounds = ({ mean, low, high }: Interval) => `${mean.toFixed(3)}  [${low.toFixed(3)}, ${high.toFixed(3)}]`;
  const header = [
    'task',
    'q  [95 % interval]',
    'success [95 %]',
    'episodes',
    ...Object.keys(others).map((name) => `q ${name}`),
  ];
  const rows = Object.entries(summary.tasks).map(([name, { q, low, high, success, episodes, seeds = 1 }]) => {
    // An instance played with several seeds counts once: the bounds are wide rather than too narrow.
    const share = wilson(success, episodes / seeds);
    return [
      name,
      bounds({ mean: q, low, high }),
      `${percent(success)} [${percent(share.low)}, ${percent(share.high)}]`,
      seeds === 1 ? String(episodes) : `${episodes} (${seeds} seeds)`,
      ...Object.values(others).map((other) => other.tasks[name]?.q.toFixed(3) ?? '–'),
    ];
  });
  const last = [
    'mean over tasks',
    bounds(summary.q),
    '',
    String(summary.episodes),
    ...Object.values(others).map((other) => other.q.mean.toFixed(3)),
  ];
  return alignedTable(header, rows, last);
}
