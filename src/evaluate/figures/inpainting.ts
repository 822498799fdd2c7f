import { type ChunkStatistics, CorrelatedNoise, Inpainter } from '../../action/index.ts';
import { InputError, Random } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import { columnWords } from './columns.ts';
import {
  drawing,
  HEADING,
  INK,
  label,
  marksBelow,
  type Panel,
  path,
  READABLE_WIDTH,
  rectangle,
  stepTicks,
} from './svg.ts';

/** Rows that a promise moves by more than this share of what it moves its own rows are called soft. */
const SOFT_ABOVE = 0.1;

export interface InpaintedPlan {
  /** Rows of the promise, kept exactly. */
  readonly kept: number;
  /** First row that the promise hardly moves. */
  readonly free: number;
  /** [horizon] root mean square by which the promise moves a row, normalised units. */
  readonly moved: readonly number[];
  /** [horizon] one column before, and after. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly column: number;
}

/**
 * What soft inpainting does to a sample: a chunk of noise with the data's correlation, and the same chunk made to begin
 * with the first rows of another one.
 */
export function inpaintedPlan(
  stats: ChunkStatistics,
  robot: Robot,
  keepRows: number,
  beta = 0.5,
  seed = '0',
): InpaintedPlan {
  if (!stats.correlation)
    throw new InputError('the statistics', 'have no action correlation. Compute them by `valet stats`.');
  const noise = new CorrelatedNoise(stats, { beta });
  const { horizon, width } = noise;
  const inpainter = new Inpainter(noise, { keepRows, width: robot.width, skipAbove: Number.POSITIVE_INFINITY });
  const samples = 64;
  const moved = new Float64Array(horizon);
  let shown: Pick<InpaintedPlan, 'before' | 'after' | 'column'> | undefined;
  for (let i = 0; i < samples; i++) {
    const random = Random.of('figure', 'inpainting', seed, String(i));
    const own = noise.sample(random, 1);
    const promised = noise.sample(random, 1);
    const given = Float32Array.from(inpainter.kept, (at) => promised[at] as number);
    const x = own.slice();
    // At flow time just below 1 the target is the promise itself: noise in, promise out.
    inpainter.apply(x, given, promised, 1);
    const change = (at: number) => (x[at] as number) - (own[at] as number);
    for (let t = 0; t < horizon; t++)
      for (let d = 0; d < robot.width; d++) moved[t] = (moved[t] as number) + change(t * width + d) ** 2;
    shown ??= oneColumn(own, x, horizon, width, robot.width, keepRows);
  }
  const rows = Array.from(moved, (sum) => Math.sqrt(sum / samples / robot.width));
  const own = rows.slice(0, keepRows).reduce((sum, value) => sum + value, 0) / keepRows;
  const first = rows.findIndex((value, t) => t >= keepRows && value <= SOFT_ABOVE * own);
  return { kept: keepRows, free: first < 0 ? horizon : first, moved: rows, ...(shown as NonNullable<typeof shown>) };
}

/** The column whose free rows the promise moved most. */
function oneColumn(own: Float32Array, x: Float32Array, horizon: number, width: number, used: number, kept: number) {
  const column = Array.from({ length: used }, (_, d) => {
    let sum = 0;
    for (let t = kept; t < horizon; t++) sum += Math.abs((x[t * width + d] as number) - (own[t * width + d] as number));
    return sum;
  }).reduce((best, value, d, all) => (value > (all[best] as number) ? d : best), 0);
  const pick = (values: Float32Array) =>
    Array.from({ length: horizon }, (_, t) => values[t * width + column] as number);
  return { before: pick(own), after: pick(x), column };
}

/** A plan that begins with what was promised: kept rows, soft rows, free rows. */
export function inpaintingFigure(plan: InpaintedPlan, robot: Robot): string {
  const { kept, free, moved, before, after, column } = plan;
  const horizon = moved.length;
  const top: Panel = { x: 20, y: HEADING + 30, width: 600, height: 190 };
  const low: Panel = { x: 20, y: HEADING + 270, width: 600, height: 110 };
  const bands = [
    { name: `kept: ${kept}`, from: 0, to: kept, fill: '#cfe3df' },
    { name: `soft: ${free - kept}`, from: kept, to: free, fill: '#f3e4cf' },
    { name: free < horizon ? `free: ${horizon - free}` : '', from: free, to: horizon, fill: '#f4f3ef' },
  ];
  const x = (row: number) => top.x + (row / horizon) * top.width;
  const [least, most] = [Math.min(...before, ...after), Math.max(...before, ...after)];
  const y = (value: number) => top.y + (1 - (value - least) / Math.max(1e-9, most - least)) * top.height;
  const highest = Math.max(...moved, 1e-9);
  const line = (values: readonly number[], colour: string, dash = '') =>
    path(
      values.map((value, t) => [x(t + 0.5), y(value)] as const),
      colour,
      2.2,
      dash,
    );
  return drawing(
    {
      title: 'A plan that goes on from the last one',
      note:
        'The first rows are kept as promised. The data’s correlation moves the others along: those that it moves ' +
        'much are soft, the rest free.',
      width: READABLE_WIDTH,
      height: HEADING + 436,
    },
    [
      ...bands
        .filter(({ from, to }) => to > from)
        .flatMap(({ name, from, to, fill }) => [
          rectangle({ x: x(from), y: top.y - 22, width: x(to) - x(from), height: top.height + 22 }, fill),
          label(x(from) + 6, top.y - 7, x(to) - x(from) > 48 ? name : '', { size: 13, colour: INK.soft }),
        ]),
      line(before, INK.soft, '5 4'),
      line(after, INK.accent),
      label(20, top.y + top.height + 22, `${columnWords(robot, column)}, in deviations:`, { colour: INK.soft }),
      path(
        [
          [300, top.y + top.height + 18],
          [330, top.y + top.height + 18],
        ],
        INK.soft,
        2.2,
        '5 4',
      ),
      label(338, top.y + top.height + 22, 'before', { colour: INK.soft }),
      path(
        [
          [400, top.y + top.height + 18],
          [430, top.y + top.height + 18],
        ],
        INK.accent,
        2.2,
      ),
      label(438, top.y + top.height + 22, 'after', { colour: INK.soft }),
      ...moved.map((value, t) =>
        rectangle(
          {
            x: x(t) + 2,
            y: low.y + (1 - value / highest) * low.height,
            width: low.width / horizon - 4,
            height: (value / highest) * low.height,
          },
          t < kept ? INK.accent : t < free ? INK.warm : '#c9c6bd',
          `row ${t}: ${value.toFixed(3)}`,
        ),
      ),
      marksBelow(
        low,
        stepTicks(horizon).map((t) => [String(t), (t + 0.5) / horizon] as const),
      ),
      label(
        low.x,
        low.y + low.height + 36,
        'how far each row is moved (root mean square over columns and 64 samples)',
        { colour: INK.soft },
      ),
    ],
  );
}
