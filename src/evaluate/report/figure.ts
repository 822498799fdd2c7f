import { type LedgerLine, unitName } from '../ledger/index.ts';
import { type Interval, taskInterval } from '../scores/index.ts';
import { escapeHtml } from './html.ts';

/** One policy's episodes, counted ones only. */
export interface Series {
  readonly name: string;
  readonly lines: readonly LedgerLine[];
}

const WIDTH = 860;
const LEFT = 150;
const RIGHT = 40;
const ROW = 58;
const HEAD = 40;
const AXIS = 34;

/**
 * The score figure: a block for each task, in it a row for each policy; each episode a dot at its q, the mean a line,
 * its 95 % interval a band. Dots of the first series carry their unit's name, so that the page can play them.
 */
export function scoreFigure(series: readonly Series[], seed: string): string {
  const tasks = [...new Set((series[0]?.lines ?? []).map((line) => line.task))];
  const x = (q: number) => LEFT + q * (WIDTH - LEFT - RIGHT);
  const block = HEAD + ROW * series.length + AXIS;
  const parts = tasks.map((task, t) => {
    const top = t * block;
    const ticks = [0, 0.25, 0.5, 0.75, 1].map((q) => {
      const bottom = top + HEAD + ROW * series.length;
      return `<line class="grid" x1="${x(q)}" x2="${x(q)}" y1="${top + HEAD - 6}" y2="${bottom}"/><text class="tick" x="${x(q)}" y="${bottom + 18}" text-anchor="middle">${q}</text>`;
    });
    const rows = series.map(({ name, lines }, row) => {
      const own = lines.filter((line) => line.task === task);
      const middle = top + HEAD + ROW * (row + 0.5);
      const kind = row === 0 ? 'main' : 'base';
      const label = `<text class="row ${kind}" x="${LEFT - 18}" y="${middle + 4}" text-anchor="end">${escapeHtml(name)}</text>`;
      if (own.length === 0) return label;
      const interval = taskInterval(own, seed);
      return `${label}<g class="${kind}">${band(interval, middle, x)}${own.map((line, i) => dot(line, own, i, middle, x, row === 0)).join('')}</g>`;
    });
    return `<text class="task" x="0" y="${top + 16}">${escapeHtml(title(task))}</text>${ticks.join('')}${rows.join('')}`;
  });
  const height = block * tasks.length;
  return `<svg class="figure" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="q of every episode by task and policy">${parts.join('')}<text class="tick" x="${x(1)}" y="${height - 1}" text-anchor="end">q-score of an episode</text></svg>`;
}

/** `turning_on_radio` as a person writes it. */
export const title = (task: string): string => {
  const words = task.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

function band({ mean, low, high }: Interval, middle: number, x: (q: number) => number): string {
  const half = ROW / 2 - 9;
  const width = Math.max(2, x(high) - x(low));
  return `<rect class="band" x="${x(low)}" y="${middle - half}" width="${width}" height="${2 * half}" rx="4"><title>95 % interval ${low.toFixed(3)} … ${high.toFixed(3)}</title></rect><line class="mean" x1="${x(mean)}" x2="${x(mean)}" y1="${middle - half - 3}" y2="${middle + half + 3}"/><text class="value" x="${x(1) + 12}" y="${middle + 4}">${mean.toFixed(2)}</text>`;
}

/** Episodes of equal q stand above one another around the row's middle; when they are many they move together. */
function dot(
  line: LedgerLine,
  own: readonly LedgerLine[],
  index: number,
  middle: number,
  x: (q: number) => number,
  plays: boolean,
): string {
  const alike = own.filter((other) => Math.abs(other.q - line.q) < 0.005);
  const place = alike.indexOf(line);
  const columns = Math.ceil(alike.length / 5);
  const rowsHere = Math.min(5, alike.length);
  const dx = ((place % columns) - (columns - 1) / 2) * Math.min(9, 90 / columns);
  const dy = (Math.floor(place / columns) - (rowsHere - 1) / 2) * 9;
  const attributes = plays
    ? ` class="dot play" data-unit="${unitName(line)}" tabindex="0" role="button"`
    : ' class="dot"';
  return `<circle${attributes} cx="${(x(line.q) + dx).toFixed(1)}" cy="${(middle + dy).toFixed(1)}" r="4" style="--i:${index}"><title>instance ${line.instance}: q ${line.q.toFixed(3)} after ${line.steps} steps</title></circle>`;
}
