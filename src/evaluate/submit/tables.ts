import { alignedTable } from '../scores/index.ts';
import { type Edition, knownTask } from './edition.ts';
import type { Leaderboard, OfficialScores, Ranked } from './leaderboard.ts';

/** Without the sign of a zero. */
const share = (value: number) => value.toFixed(4).replace(/^-(0\.0+)$/, '$1');
const distance = ({ base, left, right }: OfficialScores) => (base + left + right) / 3;
const ratio = (value: number) => (Number.isFinite(value) ? value.toFixed(3) : '∞');

/** A row a task in the challenge's order, then the overall scores. */
export function leaderboardTable({ overall, tasks }: Leaderboard, { tasks: all, perTask }: Edition): string {
  const cells = (scores: OfficialScores) => [
    share(scores.q),
    share(scores.success),
    share(scores.partial),
    share(scores.time),
    ratio(distance(scores)),
  ];
  const names = Object.keys(tasks).sort((a, b) => (knownTask(a)?.id ?? all) - (knownTask(b)?.id ?? all));
  const rows = names.map((name) => {
    const scores = tasks[name] as Leaderboard['tasks'][string];
    return [name, ...cells(scores), `${scores.rollouts} of ${perTask}`];
  });
  const header = ['task', 'q', 'success', 'partial', 'time', 'distance', 'rollouts'];
  return alignedTable(header, rows, [
    `overall (${all} tasks)`,
    ...cells(overall),
    `${names.length} ${names.length === 1 ? 'task' : 'tasks'}`,
  ]);
}

/** A row a folder, the best first. */
export function rankingTable(ranked: readonly Ranked[]): string {
  const rows = ranked.map(({ rank, name, overall }) => [
    String(rank),
    name,
    share(overall.q),
    share(overall.success),
    share(overall.partial),
    share(overall.time),
    ratio(distance(overall)),
  ]);
  const header = ['rank', 'team', 'q', 'success', 'partial', 'time', 'distance'];
  return alignedTable(header, rows);
}
