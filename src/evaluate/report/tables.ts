import { escapeHtml } from '../../base/index.ts';
import { type EvaluationSummary, missingLines, partWords } from '../scores/index.ts';
import { title } from './figure.ts';
import type { Firing } from './gather.ts';
import { decimals } from './html.ts';

type Baselines = Readonly<Record<string, EvaluationSummary>>;

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
    cell('', `${successes}<span class="of"> / ${episodes}</span>`, 'tasks done', 'q = 1') +
    `${others.join('')}</div>`
  );
}

/** A row a task, then the mean over tasks; a column for each baseline. */
export function scoreTable(summary: EvaluationSummary, baselines: Baselines): string {
  const names = Object.keys(baselines);
  const bounds = (low: number, high: number) => `${decimals(low, 3)} – ${decimals(high, 3)}`;
  const { q, episodes, official, missing } = summary;
  const rows = Object.entries(summary.tasks).map(([task, { q, low, high, success, episodes, seeds = 1, ...rest }]) => {
    const { missing: lost = 0 } = rest;
    return [
      escapeHtml(title(task)),
      decimals(q, 3),
      episodes === 0 ? '–' : bounds(low, high),
      episodes === 0 ? '–' : `${decimals(100 * success, 0)} %`,
      `${episodes}${lost > 0 ? ` of ${episodes + lost}` : ''}${seeds === 1 ? '' : ` (${seeds} seeds)`}`,
      ...(missing ? [decimals(episodes === 0 ? 0 : (q * episodes) / (episodes + lost), 3)] : []),
      ...names.map((name) => decimals(baselines[name]?.tasks[task]?.q, 3)),
    ];
  });
  const last = [
    missing ? `Mean over tasks: ${escapeHtml(partWords(summary))}` : 'Mean over tasks',
    decimals(q.mean, 3),
    bounds(q.low, q.high),
    '',
    `${episodes}${missing ? ` of ${episodes + missing.length}` : ''}`,
    ...(missing ? [decimals(official, 3)] : []),
    ...names.map((name) => decimals(baselines[name]?.q.mean, 3)),
  ];
  const head = [
    'Task',
    missing ? 'q of played' : 'q',
    '95 % interval',
    'Done',
    'Episodes',
    ...(missing ? ['Official q'] : []),
    ...names.map((name) => `q ${name}`),
  ];
  return dataTable(head, rows, last);
}

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
