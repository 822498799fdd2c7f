import { alignedTable } from '../scores/index.ts';
import type { LabelCount, RuleAgreement } from './labels.ts';

/** A row a label with its episodes by task, and how rules and persons agree. */
export function labelTable(counts: readonly LabelCount[], agreement: RuleAgreement | undefined): string {
  if (counts.length === 0) return 'No labels: no episode failed, or none has a recording.';
  const tasks = [...new Set(counts.flatMap(({ tasks }) => Object.keys(tasks)))];
  const kappa = (label: string) => {
    const own = agreement?.labels[label];
    return own ? own.kappa.toFixed(2) : '–';
  };
  const rows = counts.map(({ label, units, tasks: own }) => [
    label,
    String(units.length),
    ...tasks.map((task) => String(own[task] ?? 0)),
    ...(agreement ? [kappa(label)] : []),
  ]);
  const table = alignedTable(['label', 'episodes', ...tasks, ...(agreement ? ['kappa'] : [])], rows);
  if (!agreement) return table;
  const { kappa: overall, agreed } = agreement.overall;
  return (
    `${table}\nRules and persons on ${agreement.units} episodes: ` +
    `kappa ${overall.toFixed(2)}, ${Math.round(100 * agreed)} % alike.`
  );
}
