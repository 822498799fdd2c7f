import { countLabels, FAILURE_LABELS, labelStages } from '../labels/index.ts';
import { type LedgerLine, unitName } from '../ledger/index.ts';
import { missingLines, partWords } from '../scores/index.ts';
import { addFacts } from './method.ts';
import type { PageContents } from './page.ts';
import { firingRows, type ReportTable, ruleRows, scoreRows, stageRows, timeRows } from './tableRows.ts';

const summaries = ({ baselines }: PageContents) =>
  Object.fromEntries(baselines.map((series) => [series.name, series.summary]));

/** The report as Markdown: the page's tables and words, without its pictures. */
export function markdownReport(contents: PageContents): string {
  const { name, where, started, policy, gathered, labels, provenance, perturb } = contents;
  const { summary } = policy;
  const { q, episodes, official, missing } = summary;
  const counts = countLabels(labels, policy.lines);
  const minute = started.slice(0, 16).replace('T', ' ');
  const parts: string[] = [
    `# ${name}`,
    `${episodes} episodes of ${Object.keys(summary.tasks).length} tasks ${where} Begun ${minute} UTC.`,
    episodes === 0
      ? 'No episode has been counted yet.'
      : `q-score ${q.mean.toFixed(2)}, 95 % interval ${q.low.toFixed(2)} – ${q.high.toFixed(2)}.`,
  ];
  if (missing) parts.push(`Official q-score ${official.toFixed(2)}; ${partWords(summary)}`);
  if (perturb.length > 0) parts.push(`In every episode something goes wrong by intention: ${perturb.join(', ')}.`);
  parts.push('## Scores', markdownTable(scoreRows(summary, summaries(contents))));
  if (missing) parts.push('## Missing', ...missingLines(missing).map((line) => `* ${line.replace('missing: ', '')}`));
  if (counts.length > 0) parts.push('## Why episodes failed', markdownTable(labelRows(counts)));
  const shown = labelStages(counts);
  if (shown) parts.push('In which stage of its task each showed:', markdownTable(shown));
  const stages = stageRows(gathered.method);
  const times = timeRows(addFacts([...gathered.method.values()]));
  if (stages || times) parts.push('## How it planned');
  for (const table of [stages, times]) if (table) parts.push(markdownTable(table));
  if (gathered.firings.length > 0)
    parts.push('## Rules that fired', markdownTable(ruleRows(gathered)), markdownTable(firingRows(gathered)));
  parts.push('## What made it', markdownTable({ head: ['what', 'value'], rows: provenance }));
  return `${parts.join('\n\n')}\n`;
}

const labelRows = (counts: ReturnType<typeof countLabels>): ReportTable => ({
  head: ['Label', 'Episodes', 'Means'],
  rows: counts.map(({ label, units }) => [
    label,
    String(units.length),
    (FAILURE_LABELS as Readonly<Record<string, string>>)[label] ?? 'a label of this evaluation',
  ]),
});

/** The page's table of scores as CSV (RFC 4180). */
export const scoresCsv = (contents: PageContents): string =>
  csv(scoreRows(contents.policy.summary, summaries(contents)));

/** Every counted episode as CSV: numbers in full, distances in metres. */
export function episodesCsv({ policy, labels, gathered }: PageContents): string {
  const head = ['task', 'instance', 'rollout', 'q', 'success', 'steps', 'max_steps', 'plans', 'base_m', 'left_m'];
  const rows = policy.lines.map((line: LedgerLine) => {
    const unit = unitName(line);
    const own = <T extends { readonly unit: string }>(all: readonly T[]) => all.filter((one) => one.unit === unit);
    const { task, instance, rollout, q, success, steps, maxSteps, plans, distance } = line;
    return [
      ...[task, instance, rollout, q, success, steps, maxSteps, plans, distance.base, distance.left, distance.right],
      [...new Set(own(gathered.firings).map(({ name }) => name))].join(' '),
      [...new Set(own(labels).map(({ label }) => label))].join('+'),
    ].map(String);
  });
  return csv({ head: [...head, 'right_m', 'rules', 'labels'], rows });
}

function csv({ head, rows, last }: ReportTable): string {
  const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [head, ...rows, ...(last ? [last] : [])].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** A table as Markdown; a last row of totals is bold. */
export function markdownTable({ head, rows, last }: ReportTable): string {
  const cell = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
  const line = (row: readonly string[]) => `| ${row.map(cell).join(' | ')} |`;
  const bold = (text: string) => (text === '' ? '' : `**${text}**`);
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ...(last ? [line(last.map(bold))] : [])].join(
    '\n',
  );
}
