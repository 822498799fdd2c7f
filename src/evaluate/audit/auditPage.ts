import { escapeHtml } from '../../base/index.ts';
import { findableText } from '../compare/index.ts';
import { dataTable, decimals, STYLE, title } from '../report/index.ts';
import { chanceText, doneShare, type Interval, percentText, type TaskSummary } from '../scores/index.ts';
import type { AuditResult, AuditRow, PerturbationRow } from './auditTables.ts';
import { episodesOf, memoryWords } from './auditWords.ts';
import { sourceCurve } from './sourceCurve.ts';

/** The page of an audit; it asks nothing of any network. */
export function auditPage(audit: AuditResult): string {
  const { name, tasks, episodes, made, versions } = audit;
  const [first] = audit.shortcuts;
  const lead =
    `Four tests that a critic would run, on ${tasks.length === 1 ? 'one task' : `${tasks.length} tasks`} with ` +
    `${episodes} instances each. q is 1 when a task is done, else the share of its goal that was reached. ` +
    'Brackets and bars are 95 % intervals.';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Valet: audit of ${escapeHtml(name)}</title>
<link rel="icon" href="data:,"><style>${STYLE}${OWN_STYLE}</style></head><body><main>
<div class="top"><span><b>Valet</b> · audit</span></div>
<h1>Audit of ${escapeHtml(name)}</h1><p class="lead">${lead}</p>
<div class="numbers">${cards(audit, first)}</div>
<h2>1. Shortcuts</h2><p class="note">Policies that lack something the tasks should need. Where one of them does as well as the policy, the tasks do not test what it lacks. “Behind” is how much the policy does better on the same instances.</p>
<div class="panel scroll">${rowTable(audit.shortcuts)}</div>
<p class="note apart">Rows apart: these know what no robot can. They bound what is left to gain.</p>
<div class="panel scroll">${rowTable(audit.oracles)}</div>
${taskPart(audit)}${memoryPart(audit)}<h2>2. Significance</h2><p class="note">${significanceText(audit)}</p>
<div class="panel scroll">${findableTable(audit)}</div>
<h2>3. Overfitting</h2><p class="note">The rule of selection: <b>${escapeHtml(made.selection)}</b>. Hidden instances served no choice.</p>
<div class="panel scroll">${rowTable(audit.splits, false)}</div>
<div class="panel scroll">${gapTable(audit)}</div>
<h2>4. Data source</h2>${sourcePart(audit)}
${perturbationPart(audit.perturbations)}
<footer><p>Intervals of means: Wilson's bounds for as many yes-or-no episodes as would vary as much, tasks combined (MOVER). “Behind” and losses: paired by instance and seed, with two pairs added in thought (Bonett and Price 2012); p by the paired permutation test. Smallest differences: found in 80 of 100 studies.</p><dl class="made"><dt>code</dt><dd>${escapeHtml(made.code)}</dd><dt>checkpoint</dt><dd>${escapeHtml(made.checkpoint)}</dd><dt>versions</dt><dd>${escapeHtml(
    Object.entries(versions)
      .map(([what, version]) => `${what} ${version}`)
      .join(', '),
  )}</dd></dl></footer>
</main></body></html>
`;
}

const OWN_STYLE = /* css */ `
.mini { width: 120px; height: 14px; vertical-align: middle; margin-right: 8px; overflow: visible; } .mini line { stroke: var(--line); stroke-width: 1; } .mini .range { stroke: var(--accent); stroke-opacity: .45; stroke-width: 5; } .mini circle { fill: var(--accent); } .mini.loss .range { stroke: var(--warn); } .mini.loss circle { fill: var(--warn); }
td .soft { color: var(--soft); font-size: 13px; white-space: nowrap; } td { font-variant-numeric: tabular-nums; } .apart { margin-top: 22px; } .curve { width: 100%; max-width: 640px; height: auto; font: 12px ui-sans-serif, system-ui, sans-serif; } .curve text { fill: var(--soft); }
@media (max-width: 640px) { main { padding: 24px 14px 60px; } .panel { padding: 14px; } table, tbody, tr, td { display: block; } thead { display: none; } tr { border-bottom: 1px solid var(--line); padding: 8px 0; } tr:last-child { border: 0; } td { border: 0; padding: 3px 0 3px 42%; position: relative; min-height: 1.6em; } td::before { content: attr(data-head); position: absolute; left: 0; width: 40%; color: var(--soft); } td:first-child { padding-left: 0; font-weight: 600; } td:first-child::before { content: none; } }
`;

const bounds = ({ low, high }: Omit<Interval, 'mean'>, digits = 2) =>
  `<span class="soft">[${decimals(low, digits)}, ${decimals(high, digits)}]</span>`;

/** A mean and its interval on a line from `from` to 1. */
function mini({ mean, low, high }: Interval, from = 0, kind = ''): string {
  if (!Number.isFinite(mean)) return '';
  const x = (value: number) => (4 + (112 * (Math.max(from, Math.min(1, value)) - from)) / (1 - from)).toFixed(1);
  const zero = from < 0 ? `<line x1="${x(0)}" x2="${x(0)}" y1="1" y2="13"/>` : '';
  return (
    `<svg class="mini ${kind}" viewBox="0 0 120 14" aria-hidden="true"><line x1="4" x2="116" y1="7" y2="7"/>${zero}` +
    `<line class="range" x1="${x(low)}" x2="${x(high)}" y1="7" y2="7"/><circle cx="${x(mean)}" cy="7" r="4"/></svg>`
  );
}

function rowTable(rows: readonly AuditRow[], paired = true): string {
  const head = ['', 'mean q', 'done', 'episodes', ...(paired ? ['behind', 'p'] : [])];
  const body = rows.map(({ label, summary, behind }) => [
    escapeHtml(label),
    `${mini(summary.q)}${decimals(summary.q.mean, 2)} ${bounds(summary.q)}`,
    percentText(doneShare(summary)),
    String(summary.episodes),
    ...(paired
      ? [behind ? `${decimals(behind.mean, 2)} ${bounds(behind)}` : '', behind ? chanceText(behind.p) : '']
      : []),
  ]);
  return dataTable(head, body);
}

const scoreCell = (cell: TaskSummary | null | undefined) => (cell ? `${decimals(cell.q, 2)} ${bounds(cell)}` : '–');

/** Tasks as rows, policies as columns, a table a split. */
function taskPart({ perTask }: AuditResult): string {
  const number = (cell: Interval) => `${decimals(cell.mean, 2)} ${bounds(cell)}`;
  return perTask
    .map(({ split, policies, rows, means }) => {
      const body = rows.map(({ task, cells }) => [title(task), ...cells.map(scoreCell)]);
      return (
        `<h3>Each task, ${split} instances</h3><p class="note">Mean q, ${episodesOf(rows)} episodes a cell.</p>` +
        `<div class="panel scroll">${dataTable(['', ...policies], body, ['mean over tasks', ...means.map(number)])}</div>`
      );
    })
    .join('');
}

/** The tasks that need memory; nothing where none of them was played. */
function memoryPart({ memory }: AuditResult): string {
  if (memory.length === 0) return '';
  const share = (cell: Interval | null) =>
    cell ? `${mini(cell)}${percentText(cell.mean)} ${bounds(cell)}` : '<span class="soft">not played</span>';
  const rows = memory.map((row) => [
    title(row.task),
    percentText(row.chance),
    share(row.policy),
    share(row.memoryless),
    share(row.oracle),
    memoryWords(row),
  ]);
  const head = ['', 'chance', 'the policy', 'without memory', 'told the true stage', 'what it says'];
  return (
    '<h3>Tasks that need memory</h3><p class="note">Share of the episodes that were done. What is asked was shown at the start and cannot be seen later, so a policy without memory should do no better than chance.</p>' +
    `<div class="panel scroll">${dataTable(head, rows)}</div>`
  );
}

function cards(audit: AuditResult, policy: AuditRow | undefined): string {
  const card = (kind: string, label: string, big: string, small: string) =>
    `<div class="number ${kind}"><div class="small">${label}</div><div class="big">${big}</div><div class="small">${small}</div></div>`;
  const of = (name: string) => audit.shortcuts.find((row) => row.name === name);
  const { q } = policy?.summary ?? { q: { mean: Number.NaN, low: 0, high: 1 } };
  const blind = of('blind');
  const hidden = audit.gaps.find(({ label }) => label.startsWith('public'));
  return [
    card(
      'main',
      'q of the policy, public instances',
      decimals(q.mean, 2),
      `${decimals(q.low, 2)} – ${decimals(q.high, 2)}`,
    ),
    blind ? card('', 'q of the blind policy', decimals(blind.summary.q.mean, 2), 'pictures black') : '',
    hidden
      ? card(
          '',
          'public less hidden',
          decimals(hidden.gap.mean, 2),
          `${decimals(hidden.gap.low, 2)} – ${decimals(hidden.gap.high, 2)}`,
        )
      : '',
    card('', 'smallest difference to be seen', findableNow(audit), `with ${audit.episodes} instances a task`),
  ].join('');
}

const findableNow = ({ significance: { findable }, episodes }: AuditResult): string => {
  const [first] = findable;
  return first ? findableText(first.difference * Math.sqrt(first.instances / episodes), 2) : '–';
};

function significanceText(audit: AuditResult): string {
  const { again } = audit.significance;
  const known = again.low <= 0 && again.high >= 0;
  return (
    `The same policy with other noise differs from itself by ${decimals(again.mean, 3)} ${bounds(again, 3)} ` +
    `(p ${chanceText(again.p)}): ${known ? 'as it should, the interval holds 0' : 'the interval does not hold 0, which one in twenty does by chance'}. ` +
    'Such pairs vary as two alike policies do, so they say which differences a number of instances can show.'
  );
}

const findableTable = ({ significance }: AuditResult) =>
  dataTable(
    ['instances of each task', 'smallest difference of mean q that is found'],
    significance.findable.map(({ instances, difference }) => [String(instances), findableText(difference, 3)]),
  );

const gapTable = ({ gaps }: AuditResult) =>
  dataTable(
    ['', 'difference of mean q', ''],
    gaps.map(({ label, gap }) => [
      escapeHtml(label),
      `${mini(gap, -1)}${decimals(gap.mean, 3)} ${bounds(gap, 3)}`,
      gap.low <= 0 && gap.high >= 0 ? 'none to be seen' : gap.mean > 0 ? 'the first is higher' : 'the second is higher',
    ]),
  );

function sourcePart({ sources, tasks }: AuditResult): string {
  if (sources.length === 0)
    return '<p class="note">No evaluations of other data were given: <code>--source "400 demonstrations=DIR"</code>, once each.</p>';
  const head = ['trained on', 'mean q', ...(tasks.length > 1 ? tasks.map(title) : []), 'episodes'];
  const rows = sources.map(({ label, summary }) => [
    escapeHtml(label),
    `${mini(summary.q)}${decimals(summary.q.mean, 2)} ${bounds(summary.q)}`,
    ...(tasks.length > 1 ? tasks.map((task) => scoreCell(summary.tasks[task])) : []),
    String(summary.episodes),
  ]);
  return `<p class="note">Policies of other amounts or kinds of data, as they were given.</p><div class="panel">${sourceCurve(sources)}<div class="scroll">${dataTable(head, rows)}</div></div>`;
}

function perturbationPart(rows: readonly PerturbationRow[]): string {
  if (rows.length === 0) return '';
  const body = rows.map(({ axis, level, q, clean, success, episodes, recovery, degradation }) => [
    `${escapeHtml(axis)} ${level}`,
    decimals(clean, 2),
    `${decimals(q.mean, 2)} ${bounds(q)}`,
    `${mini(degradation, -1, 'loss')}${decimals(degradation.mean, 2)} ${bounds(degradation)}`,
    chanceText(degradation.p),
    percentText(success),
    recovery.mean === null ? 'never struck' : `${percentText(recovery.mean)} of ${recovery.struck}`,
    String(episodes),
  ]);
  const head = ['axis and level', 'q clean', 'q perturbed', 'loss', 'p', 'done', 'done where it struck', 'episodes'];
  return `<h2>Perturbations</h2><p class="note">Something goes wrong by intention, the same for every policy. The loss is q of the clean pair less q of the perturbed one, above 0 where it hurts.</p><div class="panel scroll">${dataTable(head, body)}</div>`;
}
