import { basename, resolve } from 'node:path';
import { escapeHtml, significant } from '../../base/index.ts';
import { dataTable, decimals, embeddedJson, STYLE } from '../report/index.ts';
import { CURVES_CLIENT } from './curvesClient.ts';
import { CURVES_STYLE } from './curvesStyle.ts';
import { type ChartPanel, type Section, sections } from './panels.ts';
import type { Curve, RunCurves } from './readRun.ts';
import { allSettings, differingSettings, type SettingRow } from './settings.ts';

const DASH = '–';

/** The curves of runs over each other, as a page that asks nothing of any network. */
export function curvesPage(runs: readonly RunCurves[]): string {
  const names = runNames(runs);
  const all = sections(runs);
  const panels = all.flatMap((section) => section.panels);
  const title = runs.length === 1 ? (names[0] ?? '') : `${runs.length} runs`;
  const data = {
    runs: names.map((name) => ({ label: escapeHtml(name) })),
    panels: panels.map(({ lines, share }) => ({ lines, share })),
  };
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Valet training: ${escapeHtml(title)}</title>
<link rel="icon" href="data:,"><style>${STYLE}${CURVES_STYLE}</style></head><body><main>
<div class="top"><span><b>Valet</b> · training</span><button data-theme-button>Light / dark</button></div>
<h1>${escapeHtml(title)}</h1>
<p class="lead">${lead(runs)}</p>
<noscript><p class="note">The curves are drawn by a script; this browser runs none.</p></noscript>
<div class="panel scroll">${summaryTable(runs, names)}</div>
<div class="bar"><div class="runs" role="group" aria-label="Runs that are shown">${names.map((name, i) => `<button data-run="${i}" aria-pressed="true" title="${escapeHtml(runs[i]?.folder ?? '')}">${swatch(i)}<span>${escapeHtml(name)}</span></button>`).join('')}</div>
<label>Smoothing <input type="range" name="smoothing" min="0" max="0.98" step="0.02" value="0"><output>off</output></label><label><input type="checkbox" name="log"> logarithmic</label></div>
${all.map((section) => sectionMarkup(section, panels)).join('\n')}
${settingsMarkup(runs, names)}
<footer><p>Across: updates that were made. A point of a line is the mean since the point before; norms are of that one update. Smoothing is an average in which older points count less; the thin line is what was measured, and so is the number in brackets. With many points the axis leaves out the farthest 2 %. Arrow keys move through a chart.</p></footer>
</main>
<script type="application/json" id="data">${embeddedJson(data)}</script>
<script type="module">${CURVES_CLIENT}</script>
</body></html>
`;
}

function lead(runs: readonly RunCurves[]): string {
  if (runs.length > 1) return 'Their curves over each other. Press a name to hide a run; point at a curve to read it.';
  const [run] = runs;
  const data = run?.settings.get('data') ?? '';
  return `Trained on ${escapeHtml(
    data
      .split(' ')
      .map((folder) => basename(folder))
      .join(', '),
  )}. Point at a curve to read it.`;
}

/** The folder's own name, or as much of its path as tells it from the others. */
export function runNames(runs: readonly Pick<RunCurves, 'folder'>[]): string[] {
  const paths = runs.map(({ folder }) => resolve(folder).split('/').filter(Boolean));
  for (let parts = 1; parts < 8; parts++) {
    const names = paths.map((path) => path.slice(-parts).join('/'));
    if (new Set(names).size === names.length) return names;
  }
  return runs.map(({ folder }, i) => `${folder} (${i + 1})`);
}

const swatch = (run: number): string => `<i class="swatch" style="--c:var(--run${run % 8})"></i>`;

function sectionMarkup({ title, note, panels, folded = false }: Section, all: readonly ChartPanel[]): string {
  const charts = panels.map((panel) => chart(panel, all.indexOf(panel))).join('');
  const told = note === '' ? '' : `<p class="note">${escapeHtml(note)}</p>`;
  const body = `${told}<div class="charts">${charts}</div>`;
  if (!folded) return `<h2>${escapeHtml(title)}</h2>${body}`;
  return `<details class="fold"><summary>${escapeHtml(title)}</summary>${body}</details>`;
}

const chart = ({ title, note }: ChartPanel, index: number): string =>
  `<section class="chart" data-panel="${index}"><h3>${escapeHtml(title)}</h3><p>${escapeHtml(note)}</p><svg tabindex="0" role="img" aria-label="${escapeHtml(`${title}. ${note}`)}"></svg><div class="tip" role="status" hidden></div></section>`;

function summaryTable(runs: readonly RunCurves[], names: readonly string[]): string {
  const heldOut = runs.some(({ validation }) => validation.has('loss'));
  const played = runs.some(({ rollouts }) => rollouts.size > 0);
  const head = [
    'run',
    'updates',
    'loss, last tenth',
    ...(heldOut ? ['lowest held-out loss'] : []),
    ...(played ? ['best q'] : []),
    'samples/s',
    'batch',
    'seed',
  ];
  const rows = runs.map((run, i) => {
    const { training, validation, done, steps, settings } = run;
    return [
      `<span>${swatch(i)}${escapeHtml(names[i] ?? '')}</span>`,
      done === steps ? done.toLocaleString('en') : `${done.toLocaleString('en')} of ${steps.toLocaleString('en')}`,
      known(lastTenth(training.get('loss'))),
      ...(heldOut ? [best(validation.get('loss'), (a, b) => a < b)] : []),
      ...(played ? [best(meanScore(run), (a, b) => a > b, 2)] : []),
      decimals(median(training.get('samplesPerSecond')?.y ?? []), 1),
      escapeHtml(settings.get('batch') ?? DASH),
      escapeHtml(settings.get('seed') ?? DASH),
    ];
  });
  return dataTable(head, rows);
}

/** q at each update that was looked at, the mean over its tasks. */
function meanScore({ rollouts }: RunCurves): Curve | undefined {
  const at = new Map<number, number[]>();
  for (const [key, { x, y }] of rollouts)
    if (key.endsWith('/q'))
      for (const [i, step] of x.entries()) at.set(step, [...(at.get(step) ?? []), y[i] as number]);
  if (at.size === 0) return undefined;
  const x = [...at.keys()].sort((a, b) => a - b);
  return { x, y: x.map((step) => mean(at.get(step) ?? [])) };
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const median = (values: readonly number[]): number | undefined => [...values].sort((a, b) => a - b)[values.length >> 1];
const lastTenth = (curve: Curve | undefined): number | undefined =>
  curve && mean(curve.y.slice(-Math.max(1, Math.round(curve.y.length / 10))));
const known = (value: number | undefined): string => (value === undefined ? DASH : significant(value, 4));

function best(curve: Curve | undefined, better: (a: number, b: number) => boolean, digits = 4): string {
  if (!curve || curve.y.length === 0) return DASH;
  const at = curve.y.reduce((found, value, i) => (better(value, curve.y[found] as number) ? i : found), 0);
  return `${significant(curve.y[at] as number, digits)} at ${(curve.x[at] as number).toLocaleString('en')}`;
}

/** A long value, such as many folders of data, is told whole when it is asked for. */
const folded = (value: string): string =>
  value.length <= 120
    ? escapeHtml(value)
    : `<details><summary>${escapeHtml(value.slice(0, 60))} …</summary>${escapeHtml(value)}</details>`;

function settingsMarkup(runs: readonly RunCurves[], names: readonly string[]): string {
  const head = ['setting', ...names];
  const cells = ([name, ...values]: SettingRow) => [
    `<code>${escapeHtml(name)}</code>`,
    ...values.map((value) => (value === null ? DASH : folded(value))),
  ];
  const table = (rows: readonly SettingRow[]) => `<div class="panel scroll">${dataTable(head, rows.map(cells))}</div>`;
  const differing = differingSettings(runs);
  const compared =
    runs.length === 1
      ? ''
      : differing.length === 0
        ? '<h2>Settings that differ</h2><p class="note">None: the runs were told the same.</p>'
        : `<h2>Settings that differ</h2>${table(differing)}`;
  return `${compared}<details class="fold"><summary>All settings</summary>${table(allSettings(runs))}</details>`;
}
