import { escapeHtml } from '../../base/index.ts';
import { type LedgerLine, unitName } from '../ledger/index.ts';
import type { EvaluationSummary } from '../scores/index.ts';
import { layOutDots } from './dots.ts';

/** One policy's episodes, counted ones only, and what they came to. */
export interface Series {
  readonly name: string;
  readonly lines: readonly LedgerLine[];
  readonly summary: EvaluationSummary;
}

/** A drawing for one width of the page. Lengths are its own pixels. */
interface Frame {
  readonly kind: 'wide' | 'narrow';
  readonly width: number;
  /** Where q = 0 and q = 1 are. */
  readonly left: number;
  readonly right: number;
  /** How far dots may reach beyond them. */
  readonly side: number;
  /** Height of a row's label when it stands above the row. */
  readonly label: number;
}

const FRAMES: readonly Frame[] = [
  { kind: 'wide', width: 860, left: 200, right: 790, side: 60, label: 0 },
  { kind: 'narrow', width: 330, left: 34, right: 290, side: 32, label: 18 },
];
/** Heights: a task's title, the lane of the mean, the gaps, the axis. */
const TITLE = 34;
const MEAN = 22;
const GAP = 12;
const AXIS = 36;

/**
 * The score figure: a block for each task, in it a row for each policy. The mean and its 95 % interval have a lane of
 * their own, above the episodes, each a dot at its q. Dots of the first series carry their unit's name, so that the
 * page can play them; bars carry the range of q that they stand for. It is drawn twice, for wide and narrow windows.
 */
export function scoreFigure(series: readonly Series[]): string {
  return FRAMES.map((frame) => drawing(series, frame)).join('');
}

/** `turning_on_radio` as a person writes it. */
export const title = (task: string): string => {
  const words = task.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

function drawing(series: readonly Series[], frame: Frame): string {
  const tasks = [...new Set((series[0]?.lines ?? []).map((line) => line.task))];
  const parts: string[] = [];
  let y = 0;
  for (const task of tasks) {
    parts.push(`<text class="task" x="0" y="${y + 16}">${escapeHtml(title(task))}</text>`);
    const top = y + TITLE;
    y = top;
    const rows: string[] = [];
    series.forEach((each, row) => {
      const { markup, height } = drawRow(each, task, row === 0, y, frame);
      rows.push(markup);
      y += height;
    });
    parts.push(axis(top - 6, y, frame), ...rows);
    y += AXIS;
  }
  return `<svg class="figure ${frame.kind}" viewBox="0 0 ${frame.width} ${y + 4}" role="group" aria-label="q-score of every episode, by task and policy. Arrow keys go from episode to episode, Enter plays one.">${parts.join('')}<text class="tick" x="${frame.width - 4}" y="${y}" text-anchor="end">q-score of an episode</text></svg>`;
}

const at = (q: number, { left, right }: Frame): number => left + q * (right - left);

function axis(top: number, bottom: number, frame: Frame): string {
  return [0, 0.25, 0.5, 0.75, 1]
    .map((q) => {
      const x = at(q, frame);
      return `<line class="grid" x1="${x}" x2="${x}" y1="${top}" y2="${bottom}"/><text class="tick" x="${x}" y="${bottom + 16}" text-anchor="middle">${q}</text>`;
    })
    .join('');
}

function drawRow(
  { name, lines, summary }: Series,
  task: string,
  main: boolean,
  top: number,
  frame: Frame,
): { markup: string; height: number } {
  const own = lines.filter((line) => line.task === task);
  const result = summary.tasks[task];
  const layout = layOutDots(
    own.map(({ q }) => q),
    frame.right - frame.left,
    frame.side,
  );
  const lane = top + frame.label;
  const foot = lane + MEAN + GAP / 2 + layout.height;
  const label = `<text class="row" x="0" y="${frame.label > 0 ? top + 11 : lane + MEAN - 6}">${escapeHtml(shortened(name))}</text>`;
  const height = frame.label + MEAN + layout.height + 1.5 * GAP;
  if (!result || own.length === 0)
    return { markup: `<g class="${main ? 'main' : 'base'}">${label}</g>`, height: frame.label + MEAN + GAP };
  const marks =
    layout.kind === 'dots'
      ? layout.dots.map(({ index, x, up }, i) =>
          dot(own[index] as LedgerLine, frame.left + x, foot - up, layout.pitch / 2 - 1, main ? i : undefined),
        )
      : layout.bars.map((bar, i) => {
          const x = at(bar.q, frame);
          const count = bar.members.length;
          const plays = main
            ? ` class="bar play" data-task="${escapeHtml(task)}" data-low="${bar.low}" data-high="${bar.high}" tabindex="${i === 0 ? 0 : -1}" role="button" aria-label="${count} episodes of q ${range(bar.low, bar.high)}: list them"`
            : ' class="bar"';
          return `<rect${plays} x="${(x - 8).toFixed(1)}" y="${(foot - bar.size).toFixed(1)}" width="16" height="${bar.size.toFixed(1)}" rx="2"><title>${count} episodes of q ${range(bar.low, bar.high)}</title></rect><text class="tick" x="${x.toFixed(1)}" y="${(foot - bar.size - 4).toFixed(1)}" text-anchor="middle">${count}</text>`;
        });
  const { q, low, high } = result;
  const middle = lane + MEAN / 2;
  const mean = `<rect class="band" x="${at(low, frame).toFixed(1)}" y="${middle - 6}" width="${Math.max(2, at(high, frame) - at(low, frame)).toFixed(1)}" height="12" rx="4"><title>95 % interval ${range(low, high)}</title></rect><line class="mean" x1="${at(q, frame).toFixed(1)}" x2="${at(q, frame).toFixed(1)}" y1="${middle - 9}" y2="${middle + 9}"/><text class="value" x="${frame.width}" y="${middle + 4}" text-anchor="end">${q.toFixed(2)}</text>`;
  return { markup: `<g class="${main ? 'main' : 'base'}">${label}${mean}${marks.join('')}</g>`, height };
}

function dot(line: LedgerLine, x: number, y: number, radius: number, place: number | undefined): string {
  const seed = line.rollout > 0 ? `, rollout ${line.rollout + 1}` : '';
  const what = `instance ${line.instance}${seed}: q ${line.q.toFixed(2)} after ${line.steps} steps${line.success ? ', done' : ', not done'}`;
  const plays =
    place === undefined
      ? ' class="dot"'
      : ` class="dot play" data-unit="${escapeHtml(unitName(line))}" tabindex="${place === 0 ? 0 : -1}" role="button" aria-label="${what}"`;
  return `<circle${plays} cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius}"><title>${what}</title></circle>`;
}

const range = (low: number, high: number): string =>
  low === high ? low.toFixed(2) : `${low.toFixed(2)} to ${high.toFixed(2)}`;

const shortened = (name: string): string => (name.length > 20 ? `${name.slice(0, 19)}…` : name);
