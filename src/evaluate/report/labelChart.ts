import { escapeHtml } from '../../base/index.ts';
import {
  byRule,
  countLabels,
  FAILURE_LABELS,
  LABEL_RULES,
  type Label,
  labelStages,
  ruleAgreement,
} from '../labels/index.ts';
import type { LedgerLine } from '../ledger/index.ts';
import { title } from './figure.ts';
import { decimals } from './html.ts';
import { plainTable } from './tables.ts';

/**
 * Why episodes failed: a bar a label, which opens to its episodes with their reasons.
 * @param watchable units that the page can play
 */
export function labelChart(
  labels: readonly Label[],
  lines: readonly LedgerLine[],
  watchable: ReadonlySet<string>,
): string {
  if (labels.length === 0) return '';
  const counts = countLabels(labels, lines);
  const most = Math.max(...counts.map(({ units }) => units.length));
  const bars = counts.map(({ label, units }) => {
    const meaning = (FAILURE_LABELS as Readonly<Record<string, string>>)[label] ?? 'a label of this evaluation';
    const items = units.map((unit) => episode(labels, unit, label, watchable.has(unit))).join('');
    const share = (100 * units.length) / most;
    return (
      `<details class="why"><summary><span>${escapeHtml(label)}<small>${escapeHtml(meaning)}</small></span>` +
      `<span class="bar"><i style="width:${share.toFixed(1)}%"></i></span><b>${units.length}</b></summary>` +
      `<ul>${items}</ul></details>`
    );
  });
  const watch = watchable.size > 0 ? ', and choose one to watch it from the step that shows the failure' : '';
  return (
    '<h2>Why episodes failed</h2><p class="note">Each bar counts the episodes that have a label; an episode may have ' +
    'several. Rules give them from the recordings, or persons do. ' +
    `<span class="screen">Open a bar for its episodes${watch}.</span></p>` +
    `<div class="panel whys">${bars.join('')}</div>${stages(counts)}${agreement(labels)}`
  );
}

/** In which stage of its task each label showed. */
function stages(counts: ReturnType<typeof countLabels>): string {
  const table = labelStages(counts);
  if (!table) return '';
  const rows = table.rows.map(([task = '', stage = '', ...numbers]) => [
    title(task),
    stage,
    ...numbers.map((number) => (number === '0' ? '' : number)),
  ]);
  return (
    '<p class="note">In which stage of its task each label showed: episodes.</p>' +
    `<div class="panel scroll stages">${plainTable({ head: ['Task', 'Stage', ...table.head.slice(2)], rows })}</div>`
  );
}

/** How rules and persons agree; nothing where no person has judged. */
function agreement(labels: readonly Label[]): string {
  const found = ruleAgreement(labels);
  if (!found) return '';
  const row = (name: string, { agreed, kappa }: (typeof found)['overall']) => [
    name,
    `${decimals(100 * agreed, 0)} %`,
    decimals(kappa, 2),
  ];
  const rows = Object.entries(found.labels).map(([name, own]) => row(name, own));
  return (
    `<p class="note">Rules and persons have both judged ${found.units} episodes. Cohen’s kappa is 1 where they ` +
    'always agree, and 0 where they agree as often as chance would.</p><div class="panel scroll">' +
    `${plainTable({ head: ['Label', 'Say the same', 'Kappa'], rows, last: row('All labels', found.overall) })}</div>`
  );
}

function episode(labels: readonly Label[], unit: string, label: string, isWatchable: boolean): string {
  const own = labels.filter((one) => one.unit === unit && one.label === label);
  const reasons = own.map((one) => {
    const rule = LABEL_RULES.find(({ name }) => one.by === `rule:${name}`);
    return one.reason ?? (byRule(one) ? (rule?.looksFor ?? 'no rule knows it') : `${one.by} says so`);
  });
  const step = own.find((one) => one.step !== undefined)?.step ?? 0;
  const name = escapeHtml(unit);
  const link = isWatchable ? `<button class="link" data-unit="${name}" data-step="${step}">${name}</button>` : name;
  return `<li>${link}: ${escapeHtml(reasons.join('; '))}</li>`;
}
