import { escapeHtml } from '../../base/index.ts';
import { doneShare, type EvaluationSummary, missingLines } from '../scores/index.ts';
import type { Firing, Gathered } from './gather.ts';
import { decimals } from './html.ts';
import { type Baselines, firingRows, type ReportTable, ruleRows } from './tableRows.ts';

/** A table that becomes one block a row where the window is narrow. Cells are markup. */
export function dataTable(head: readonly string[], rows: readonly (readonly string[])[], last?: readonly string[]) {
  const cells = (row: readonly string[]) =>
    row.map((cell, i) => `<td data-head="${escapeHtml(head[i] ?? '')}">${cell}</td>`).join('');
  const body = rows.map((row) => `<tr>${cells(row)}</tr>`).join('');
  const total = last ? `<tr class="total">${cells(last)}</tr>` : '';
  const names = head.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  return `<table><thead><tr>${names}</tr></thead><tbody>${body}${total}</tbody></table>`;
}

/** The title and the large numbers. */
export function headline(name: string, summary: EvaluationSummary, baselines: Baselines, where: string): string {
  const { q, episodes, tasks, missing = [], official } = summary;
  const isPart = missing.length > 0;
  const taskCount = Object.keys(tasks).length;
  const done = doneShare(summary);
  const successes = Object.values(tasks).reduce(
    (sum, task) => sum + (task.episodes > 0 ? Math.round(task.success * task.episodes) : 0),
    0,
  );
  const cell = (kind: string, big: string, label: string, small: string) =>
    `<div class="number ${kind}"><div class="small">${escapeHtml(label)}</div>` +
    `<div class="big">${big}</div><div class="small">${small}</div></div>`;
  const bounds = (low: number, high: number) => `${decimals(low, 2)} – ${decimals(high, 2)}`;
  const others = Object.entries(baselines).map(([other, { q: theirs }]) =>
    cell('', decimals(theirs.mean, 2), `q of “${other}”`, bounds(theirs.low, theirs.high)),
  );
  const counted =
    episodes === 0
      ? 'No episode has been counted yet.'
      : `${episodes} ${episodes === 1 ? 'episode' : 'episodes'} of ${taskCount} household ` +
        `${taskCount === 1 ? 'task' : 'tasks'} ${where}`;
  const lead = isPart ? `${counted} This is a part: ${missing.length} episodes are missing.` : counted;
  return (
    `<h1>${escapeHtml(name)}</h1>\n<p class="lead">${lead}</p>\n<div class="numbers">` +
    (isPart ? cell('main', decimals(official, 2), 'official q-score', 'missing episodes count 0') : '') +
    cell(
      isPart ? '' : 'main',
      decimals(q.mean, 2),
      isPart ? 'q of what was played' : 'q-score',
      `95 % interval ${bounds(q.low, q.high)}`,
    ) +
    cell('', `${successes}<span class="of"> / ${episodes}</span>`, 'episodes done', 'the whole goal: q = 1') +
    (episodes === 0
      ? ''
      : cell(
          '',
          `${decimals(done, 2)}<span class="of"> + ${decimals(q.mean - done, 2)}</span>`,
          'done + partial credit',
          'what q is made of',
        )) +
    `${others.join('')}</div>`
  );
}

/** A table of plain texts. */
export const plainTable = ({ head, rows, last }: ReportTable): string =>
  dataTable(
    head,
    rows.map((row) => row.map(escapeHtml)),
    last?.map(escapeHtml),
  );

/** Episodes without a result, and why. */
export function missingNote({ missing }: EvaluationSummary): string {
  if (!missing) return '';
  const items = missingLines(missing).map((line) => `<li>${escapeHtml(line.replace('missing: ', ''))}</li>`);
  return (
    '<h2>Missing</h2><p class="note">These episodes have no result and count 0 in the official q. ' +
    'valet eval --resume tries them again.</p>' +
    `<ul class="note">${items.join('')}</ul>`
  );
}

/**
 * What each rule of System 2 did, and each firing with its reason; the first column plays it, the last both policies.
 */
export function firingTable(gathered: Pick<Gathered, 'firings' | 'episodes'>): string {
  const { firings, episodes } = gathered;
  if (firings.length === 0) return '';
  const { head, rows } = firingRows(gathered);
  const paired = new Set(episodes.flatMap(({ unit, other }) => (other ? [unit] : [])));
  const link = (i: number, text: string, more = '') => {
    const { unit, step } = firings[i] as Firing;
    const data = `data-unit="${escapeHtml(unit)}" data-step="${step}"${more}`;
    return `<button class="link" ${data}>${escapeHtml(text)}</button>`;
  };
  const cells = rows.map(([unit = '', ...rest], i) => {
    const plain = rest.map(escapeHtml);
    if (paired.has(unit))
      plain.push(link(i, plain.pop() ?? '', ' data-beside="other" title="Play both, side by side"'));
    return [link(i, unit), ...plain];
  });
  const pairs =
    paired.size > 0
      ? ' The last column plays both policies side by side, from there.'
      : ' With <code>valet report --beside</code> an evaluation without rules, pairs stand side by side.';
  return (
    '<h2>Rules that fired</h2><p class="note">A rule of System 2 sees that something went wrong, and replaces what ' +
    `the network had planned. It fires where things go badly: low scores here do not say that it does harm.</p>` +
    `<div class="panel scroll">${plainTable(ruleRows(gathered))}</div>` +
    `<details class="firings"><summary>Every firing: ${firings.length}</summary>` +
    `<p class="note screen">Choose an episode to watch it from the moment of the rule.${pairs}</p>` +
    `<div class="panel scroll">${dataTable(head, cells)}</div></details>`
  );
}
