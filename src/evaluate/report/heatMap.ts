import { escapeHtml } from '../../base/index.ts';
import { type LedgerLine, unitName } from '../ledger/index.ts';
import { title } from './figure.ts';
import { decimals } from './html.ts';

/** More cells in a row would be thinner than a finger's width of pixels: neighbours share one then. */
const MOST_CELLS = 60;

/** One cell: neighbours in the order of q. */
interface Cell {
  readonly q: number;
  readonly lines: readonly LedgerLine[];
}

/**
 * Every episode as a cell coloured by its q, a row a task. Tasks stand by their time-out, the shortest first, so that a
 * reader sees where length begins to hurt; a row's episodes stand from the best to the worst.
 * @param recorded units whose cell plays them
 */
export function heatMap(lines: readonly LedgerLine[], recorded: ReadonlySet<string>): string {
  const rows = taskRows(lines).map(({ task, maxSteps, cells, mean, count }) => {
    const length = maxSteps > 0 ? maxSteps.toLocaleString('en') : '';
    const squares = cells.map((cell) => square(cell, recorded)).join('');
    return (
      '<div class="heat-row" role="row">' +
      `<span class="heat-name" role="rowheader">${escapeHtml(title(task))}<i>${length}</i></span>` +
      `<span class="heat-cells" style="--n:${cells.length}">${squares}</span>` +
      `<b title="mean q of ${count} episodes">${decimals(mean, 2)}</b></div>`
    );
  });
  const steps = [0, 0.25, 0.5, 0.75, 1].map((q) => `<span><i style="--q:${q}"></i>${q}</span>`).join('');
  return (
    `<div class="heat" role="table" aria-label="q of every episode, by task">${rows.join('')}</div>` +
    `<div class="heat-key" aria-hidden="true">q ${steps}</div>`
  );
}

function taskRows(lines: readonly LedgerLine[]) {
  const names = [...new Set(lines.map(({ task }) => task))];
  return names
    .map((task) => {
      const own = lines.filter((line) => line.task === task).sort((a, b) => b.q - a.q || a.instance - b.instance);
      const maxSteps = Math.max(...own.map((line) => line.maxSteps));
      const mean = own.reduce((sum, { q }) => sum + q, 0) / own.length;
      return { task, maxSteps, mean, count: own.length, cells: cellsOf(own) };
    })
    .sort((a, b) => a.maxSteps - b.maxSteps || a.task.localeCompare(b.task));
}

function cellsOf(lines: readonly LedgerLine[]): Cell[] {
  const count = Math.min(MOST_CELLS, lines.length);
  return Array.from({ length: count }, (_, i) => {
    const own = lines.slice(Math.round((i * lines.length) / count), Math.round(((i + 1) * lines.length) / count));
    return { q: own.reduce((sum, { q }) => sum + q, 0) / own.length, lines: own };
  });
}

function square({ q, lines }: Cell, recorded: ReadonlySet<string>): string {
  const [only] = lines as [LedgerLine];
  const what =
    lines.length === 1
      ? `instance ${only.instance}${only.rollout > 0 ? `, rollout ${only.rollout + 1}` : ''}: q ${q.toFixed(2)}`
      : `${lines.length} episodes: mean q ${q.toFixed(2)}`;
  const unit = unitName(only);
  const shown = `style="--q:${q.toFixed(3)}" title="${what}"`;
  return lines.length === 1 && recorded.has(unit)
    ? `<button ${shown} data-unit="${escapeHtml(unit)}" aria-label="${what}"></button>`
    : `<i ${shown}></i>`;
}
