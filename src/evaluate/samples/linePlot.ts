import { escapeHtml, significant } from '../../base/index.ts';

/** A chart of a chunk: a line for each dimension of a part. */
export interface LinePlot {
  readonly title: string;
  /** [dimensions][steps] */
  readonly lines: readonly (readonly number[])[];
  /** What the axis below says at its end, such as `1 s`. */
  readonly end: string;
  /** Draws where ±1 lies: one deviation from the mean. */
  readonly deviations?: boolean;
  /** Last steps that are padding: they repeat the one before. */
  readonly padded?: number;
}

/** The filling of padded steps, once in a page. */
export const HATCH =
  '<svg width="0" height="0" aria-hidden="true" style="position:absolute"><defs>' +
  '<pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">' +
  '<rect width="3" height="8"/></pattern></defs></svg>';

const [WIDTH, HEIGHT] = [400, 150];
const BOX = { left: 56, right: 8, top: 10, bottom: 24 };
/** Smallest range that is drawn: what stands still is a line in the middle. */
const LEAST = 1e-3;

/** The chart as SVG in the page's colours. */
export function linePlot({ title, lines, end, deviations = false, padded = 0 }: LinePlot): string {
  const steps = lines[0]?.length ?? 0;
  const finite = lines.flat().filter(Number.isFinite);
  const reach = deviations ? [...finite, -1, 1] : finite;
  const [lowest, highest] = reach.length > 0 ? [Math.min(...reach), Math.max(...reach)] : [0, 0];
  const spare = Math.max(LEAST, 0.06 * (highest - lowest));
  const [low, high] = [lowest - spare, highest + spare];
  const across = WIDTH - BOX.left - BOX.right;
  const down = HEIGHT - BOX.top - BOX.bottom;
  const x = (step: number) => BOX.left + (across * step) / Math.max(1, steps - 1);
  const y = (value: number) => BOX.top + (down * (high - value)) / (high - low);
  const band = deviations
    ? `<rect class="band" x="${BOX.left}" y="${at(y(1))}" width="${across}" height="${at(y(-1) - y(1))}"/>`
    : '';
  const from = x(Math.max(0, steps - 1 - padded));
  const padding =
    padded > 0
      ? `<rect class="padding" x="${at(from)}" y="${BOX.top}" width="${at(x(steps - 1) - from)}" height="${down}"/>`
      : '';
  const zero = low < 0 && high > 0 ? `<line class="grid" x1="${BOX.left}" x2="${x(steps - 1)}" ${level(y(0))}/>` : '';
  const drawn = lines.map((values, i) => polyline(values, i, (value, step) => [x(step), y(value)]));
  const marks =
    tick(BOX.left - 6, y(highest) + 4, significant(highest), 'end') +
    (highest - lowest > 2 * LEAST ? tick(BOX.left - 6, y(lowest) + 4, significant(lowest), 'end') : '') +
    tick(BOX.left, HEIGHT - 6, 'now', 'start') +
    tick(WIDTH - BOX.right, HEIGHT - 6, end, 'end');
  return (
    `<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">` +
    `<rect class="frame" x="${BOX.left}" y="${BOX.top}" width="${across}" height="${down}"/>` +
    `${band}${padding}${zero}${drawn.join('')}${marks}</svg>`
  );
}

/** A line that ends where a number is none, and goes on behind it. */
function polyline(
  values: readonly number[],
  colour: number,
  place: (value: number, step: number) => readonly [number, number],
): string {
  let path = '';
  let isDown = false;
  for (const [step, value] of values.entries()) {
    if (Number.isFinite(value)) {
      const [x, y] = place(value, step);
      path += `${isDown ? 'L' : 'M'}${at(x)} ${at(y)}`;
    }
    isDown = Number.isFinite(value);
  }
  return `<path d="${path}" style="--c:var(--run${colour % 8})"/>`;
}

const at = (value: number): string => String(Number(value.toFixed(1)));
const level = (y: number): string => `y1="${at(y)}" y2="${at(y)}"`;
const tick = (x: number, y: number, words: string, anchor: string): string =>
  `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}">${escapeHtml(words)}</text>`;
