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
  const stages = labelStages(counts);
  const table = [
    alignedTable(['label', 'episodes', ...tasks, ...(agreement ? ['kappa'] : [])], rows),
    ...(stages ? ['', alignedTable(stages.head, stages.rows)] : []),
  ].join('\n');
  if (!agreement) return table;
  const { kappa: overall, agreed } = agreement.overall;
  return (
    `${table}\nRules and persons on ${agreement.units} episodes: ` +
    `kappa ${overall.toFixed(2)}, ${Math.round(100 * agreed)} % alike.`
  );
}

/**
 * Where in the tasks labels show: a row a stage that has any, a column a label. Nothing where no stage is known.
 */
export function labelStages(counts: readonly LabelCount[]): { head: string[]; rows: string[][] } | undefined {
  const places = new Map<string, readonly [string, string]>();
  for (const { stages } of counts)
    for (const [task, own] of Object.entries(stages))
      for (const stage of Object.keys(own)) places.set(`${task} ${stage}`, [task, stage]);
  const known = [...places.values()].filter(([, stage]) => stage !== 'none');
  if (known.length === 0) return undefined;
  const tasks = [...new Set(counts.flatMap(({ stages }) => Object.keys(stages)))];
  // `none` is no number: it stands last.
  const order = ([task, stage]: readonly [string, string]) =>
    1000 * tasks.indexOf(task) + (stage === 'none' ? 999 : Number(stage));
  const rows = [...places.values()]
    .sort((a, b) => order(a) - order(b))
    .map(([task, stage]) => [
      task,
      stage === 'none' ? 'not known' : String(Number(stage) + 1),
      ...counts.map(({ stages }) => String(stages[task]?.[stage] ?? 0)),
    ]);
  return { head: ['task', 'stage', ...counts.map(({ label }) => label)], rows };
}
