import { alignedTable } from './alignedTable.ts';
import { type Interval, wilson } from './intervals.ts';
import type { EvaluationSummary, MissingUnit } from './summary.ts';
import { percentText } from './words.ts';

/**
 * The q table for a terminal: a row a task, then the mean; columns for other policies beside it. Where episodes are
 * missing, a column more tells the official score, and lines below name them.
 */
export function qTable(summary: EvaluationSummary, others: Readonly<Record<string, EvaluationSummary>> = {}): string {
  const { missing = [], official } = summary;
  const isPart = missing.length > 0;
  const header = [
    'task',
    isPart ? 'q of played  [95 % interval]' : 'q  [95 % interval]',
    'success [95 %]',
    'episodes',
    ...(isPart ? ['official q'] : []),
    ...Object.keys(others).map((name) => `q ${name}`),
  ];
  const rows = Object.entries(summary.tasks).map(
    ([name, { q, low, high, success, episodes, seeds = 1, missing: lost = 0 }]) => {
      // An instance played with several seeds counts once: the bounds are wide rather than too narrow.
      const share = wilson(success, episodes / seeds);
      return [
        name,
        bounds({ mean: q, low, high }),
        episodes === 0 ? '–' : `${percentText(success)} [${percentText(share.low)}, ${percentText(share.high)}]`,
        `${episodes}${lost > 0 ? ` of ${episodes + lost}` : ''}${seeds === 1 ? '' : ` (${seeds} seeds)`}`,
        ...(isPart ? [number(episodes === 0 ? 0 : (q * episodes) / (episodes + lost))] : []),
        ...Object.values(others).map((other) => number(other.tasks[name]?.q)),
      ];
    },
  );
  const last = [
    isPart ? 'mean over tasks*' : 'mean over tasks',
    bounds(summary.q),
    '',
    `${summary.episodes}${isPart ? ` of ${summary.episodes + missing.length}` : ''}`,
    ...(isPart ? [number(official)] : []),
    ...Object.values(others).map((other) => number(other.q.mean)),
  ];
  return [
    alignedTable(header, rows, last),
    ...(isPart ? ['', `* ${partWords(summary)}`] : []),
    ...missingLines(missing),
    ...Object.entries(others).flatMap(([name, other]) =>
      other.missing ? [`q ${name}: ${partWords(other)}`, ...missingLines(other.missing)] : [],
    ),
  ].join('\n');
}

/** What a part of an evaluation is a part of, and what its mean leaves out. */
export function partWords({ episodes, missing = [], tasks }: EvaluationSummary): string {
  const without = Object.entries(tasks)
    .filter(([, task]) => task.episodes === 0)
    .map(([name]) => name);
  return (
    `a part: ${episodes} of ${episodes + missing.length} episodes` +
    `${without.length > 0 ? `, nothing of ${without.join(', ')}` : ''}; missing ones count 0 in the official q.`
  );
}

/** Missing episodes, those of one task and reason in one line. */
export function missingLines(missing: readonly MissingUnit[]): string[] {
  const groups = new Map<string, { task: string; reason: string; rollouts: Map<number, number[]> }>();
  for (const { task, instance, rollout, reason } of missing) {
    const key = `${task}\u0000${reason}`;
    const group = groups.get(key) ?? { task, reason, rollouts: new Map<number, number[]>() };
    group.rollouts.set(rollout, [...(group.rollouts.get(rollout) ?? []), instance]);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ task, reason, rollouts }) => {
    const parts = [...rollouts].map(
      ([rollout, instances]) => `${ranges(instances)}${rollout > 0 ? ` (rollout ${rollout})` : ''}`,
    );
    return `missing: ${task} ${parts.join(', ')}: ${reason}`;
  });
}

/** `0-4, 7` of 0, 1, 2, 3, 4, 7. */
function ranges(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const value of [...numbers].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run && value === run[1] + 1) run[1] = value;
    else runs.push([value, value]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}

const number = (value: number | undefined) => (Number.isFinite(value) ? (value as number).toFixed(3) : '–');
const bounds = ({ mean, low, high }: Interval) =>
  Number.isFinite(mean) ? `${mean.toFixed(3)}  [${low.toFixed(3)}, ${high.toFixed(3)}]` : '–';
