import { type LedgerLine, settled } from '../ledger/index.ts';
import { combine, type Interval, scoreInterval, wilson } from './intervals.ts';

export interface TaskSummary {
  readonly q: number;
  readonly low: number;
  readonly high: number;
  /** Share of the episodes with q = 1. */
  readonly success: number;
  readonly episodes: number;
}

/** What an evaluation came to; the form that `--json` prints. Bounds are those of the 95 % interval. */
export interface Summary {
  readonly episodes: number;
  readonly q: Interval;
  readonly tasks: Readonly<Record<string, TaskSummary>>;
  /** Units without a result, when there are any: every attempt broke off. They are in no mean. */
  readonly invalid?: readonly { readonly unit: string; readonly reason: string }[];
}

/** Overall q is the mean over tasks of the tasks' mean q, as on the challenge's leaderboard. */
export function summarise(lines: readonly LedgerLine[], seed = '0'): Summary {
  const counted = settled(lines);
  const done = counted.filter((line) => line.state === 'done');
  const invalid = counted
    .filter((line) => line.state === 'invalid')
    .map((line) => ({ unit: `${line.task}_${line.instance}_${line.rollout}`, reason: line.reason ?? '' }));
  const names = [...new Set(done.map((line) => line.task))];
  const groups = names.map((task) => done.filter((line) => line.task === task).map((line) => line.q));
  const intervals = groups.map((scores, i) => scoreInterval(scores, `${seed}/${names[i]}`));
  const tasks = Object.fromEntries(
    names.map((task, i) => {
      const { mean, low, high } = intervals[i];
      const success = groups[i].filter((q) => q === 1).length / groups[i].length;
      return [task, { q: mean, low, high, success, episodes: groups[i].length }];
    }),
  );
  return { episodes: done.length, q: combine(intervals), tasks, ...(invalid.length > 0 ? { invalid } : {}) };
}

/** The q table for a terminal: a row a task, then the mean; columns for other policies beside it. */
export function qTable(summary: Summary, others: Readonly<Record<string, Summary>> = {}): string {
  const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
  const bounds = ({ mean, low, high }: Interval) => `${mean.toFixed(3)}  [${low.toFixed(3)}, ${high.toFixed(3)}]`;
  const header = [
    'task',
    'q  [95 % interval]',
    'success [95 %]',
    'episodes',
    ...Object.keys(others).map((name) => `q ${name}`),
  ];
  const rows = Object.entries(summary.tasks).map(([name, { q, low, high, success, episodes }]) => {
    const share = wilson(success, episodes);
    return [
      name,
      bounds({ mean: q, low, high }),
      `${percent(success)} [${percent(share.low)}, ${percent(share.high)}]`,
      String(episodes),
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
  const table = [header, ...rows, last];
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const line = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('   ')
      .trimEnd();
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width + 3, -3));
  return [line(header), rule, ...rows.map(line), rule, line(last)].join('\n');
}
