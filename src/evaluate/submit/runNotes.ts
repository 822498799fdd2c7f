import type { Edition } from './edition.ts';
import type { Leaderboard } from './leaderboard.ts';
import type { Findings } from './officialChecks.ts';

/** What a submission's reader should know: counts, scores, what is missing, and the writer's own words. */
export function runNotes(
  { overall, tasks }: Leaderboard,
  { notes }: Findings,
  { year, perTask, tasks: all }: Edition,
  own = '',
): string {
  const rollouts = Object.values(tasks).reduce((sum, task) => sum + task.rollouts, 0);
  const played = Object.keys(tasks).length;
  const [q, success, partial, time, base, left, right] = [
    overall.q,
    overall.success,
    overall.partial,
    overall.time,
    overall.base,
    overall.left,
    overall.right,
  ].map((value) => value.toFixed(4));
  const lines = [
    '# Run notes',
    '',
    `Results of the ${year} challenge: ${rollouts} of ${all * perTask} rollouts, ${played} of ${all} tasks.`,
    '',
    `* q ${q}, of which successes ${success}, partial credit ${partial}`,
    `* time score ${time}`,
    `* distance scores: base ${base}, left ${left}, right ${right}`,
    '',
    'A rollout that is missing counts 0. Check the files by `sha256sum -c SHA256SUMS`.',
  ];
  const known = notes.map(({ where, message }) => `* ${where}: ${message}`);
  if (known.length > 0) lines.push('', '## Known', '', ...known);
  if (own.trim() !== '') lines.push('', '## Of the run', '', own.trim());
  return `${lines.join('\n')}\n`;
}
