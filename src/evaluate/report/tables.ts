import { escapeHtml } from '../../base/index.ts';
import type { EvaluationSummary } from '../scores/index.ts';
import { title } from './figure.ts';
import type { Firing } from './gather.ts';
import { decimals } from './html.ts';

type Baselines = Readonly<Record<string, EvaluationSummary>>;

/** A table that becomes one block a row where the window is narrow. Cells are markup. */
function dataTable(head: readonly string[], rows: readonly (readonly string[])[], last?: readonly string[]) {
  const cells = (row: readonly string[]) =>
    row.map((cell, i) => `<td data-head="${escapeHtml(head[i] ?? '')}">${cell}</td>`).join('');
  const body = rows.map((row) => `<tr>${cells(row)}</tr>`).join('');
  const total = last ? `<tr class="total">${cells(last)}</tr>` : '';
  const names = head.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  return `<table><thead><tr>${names}</tr></thead><tbody>${body}${total}</tbody></table>`;
}

/** The title and the large numbers. */
export function headline(name: string, summary: EvaluationSummary, baselines: Baselines, where: string): string {
  const { q, episodes, tasks } = summary;
  const taskCount = Object.keys(tasks).length;
  const successes = Object.values(tasks).reduce((sum, task) => sum + Math.round(task.success * task.episodes), 0);
  const cell = (kind: string, big: string, label: string, small: string) =>
    `<div class="number ${kind}"><div class="small">${escapeHtml(label)}</div>` +
    `<div class="big">${big}</div><div class="small">${small}</div></div>`;
  const bounds = (low: number, high: number) => `${decimals(low, 2)} – ${decimals(high, 2)}`;
  const others = Object.entries(baselines).map(([other, { q: theirs }]) =>
    cell('', decimals(theirs.mean, 2), `q of “${other}”`, bounds(theirs.low, theirs.high)),
  );
  const lead =
    episodes === 0
      ? 'No episode has been counted yet.'
      : `${episodes} ${episodes === 1 ? 'episode' : 'episodes'} of ${taskCount} household ` +
        `${taskCount === 1 ? 'task' : 'tasks'} ${where}`;
  return (
    `<h1>${escapeHtml(name)}</h1>\n<p class="lead">${lead}</p>\n<div class="numbers">` +
    cell('main', decimals(q.mean, 2), 'q-score', `95 % interval ${bounds(q.low, q.high)}`) +
    cell('', `${successes}<span class="of"> / ${episodes}</span>`, 'tasks done', 'q = 1') +
    `${others.join('')}</div>`
  );
}

/** A row a task, then the mean over tasks; a column for each baseline. */
export function scoreTable(summary: EvaluationSummary, baselines: Baselines): string {
  const names = Object.keys(baselines);
  const bounds = (low: number, high: number) => `${decimals(low, 3)} – ${decimals(high, 3)}`;
  const rows = Object.entries(summary.tasks).map(([task, { q, low, high, success, episodes, seeds = 1 }]) => [
    escapeHtml(title(task)),
    decimals(q, 3),
    bounds(low, high),
    `${decimals(100 * success, 0)} %`,
    seeds === 1 ? String(episodes) : `${episodes} (${seeds} seeds)`,
    ...names.map((name) => decimals(baselines[name]?.tasks[task]?.q, 3)),
  ]);
  const { q, episodes } = summary;
  const last = [
    'Mean over tasks',
    decimals(q.mean, 3),
    bounds(q.low, q.high),
    '',
    String(episodes),
    ...names.map((name) => decimals(baselines[name]?.q.mean, 3)),
  ];
  const head = ['Task', 'q', '95 % interval', 'Done', 'Episodes', ...names.map((name) => `q ${name}`)];
  return dataTable(head, rows, last);
}

export function invalidNote({ invalid }: EvaluationSummary): string {
  if (!invalid) return '';
  const items = invalid.map(({ unit, reason }) => `<li>${escapeHtml(unit)}: ${escapeHtml(reason)}</li>`).join('');
  return (
    '<h2>Not counted</h2><p class="note">These episodes broke off twice and are in no mean.</p>' +
    `<ul class="note">${items}</ul>`
  );
}

/** Each firing of a rule of System 2, with its reason; the first column plays it. */
export function firingTable(firings: readonly Firing[]): string {
  if (firings.length === 0) return '';
  const rows = firings.map(({ unit, step, seconds, name, reason }) => [
    `<button class="link" data-unit="${escapeHtml(unit)}" data-step="${step}">${escapeHtml(unit)}</button>`,
    `${seconds.toFixed(1)} s`,
    escapeHtml(name),
    escapeHtml(reason),
  ]);
  return (
    `<details class="firings"><summary>Rules that fired: ${firings.length}</summary>` +
    `<div class="panel scroll">${dataTable(['Episode', 'At', 'Rule', 'Why'], rows)}</div></details>`
  );
}
