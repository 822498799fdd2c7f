import { compressChunk } from '../../action/index.ts';
import type { Robot } from '../../robot/index.ts';
import { columnWords } from './columns.ts';
import {
  drawing,
  HEADING,
  INK,
  label,
  marksBelow,
  marksLeft,
  type Panel,
  path,
  READABLE_WIDTH,
  stepTicks,
} from './svg.ts';

/** Columns shown: those that move most. */
const SHOWN = 4;

/**
 * A plan before and after compression: its first `execute` rows at their own speed, and the `steps` that are played.
 * @param chunk absolute actions [horizon, width], float64
 */
export function compressionFigure(
  chunk: Float64Array,
  robot: Robot,
  options: { readonly execute: number; readonly keep: number; readonly steps: number },
): string {
  const { width } = robot;
  const { actions, rows, compressed, nextRows } = compressChunk(chunk, { ...options, robot });
  const used = compressed ? options.execute : rows;
  const movement = Array.from({ length: width }, (_, column) => {
    const values = Array.from({ length: used }, (_, t) => chunk[t * width + column] as number);
    return { column, low: Math.min(...values), high: Math.max(...values) };
  });
  const shown = movement.sort((a, b) => b.high - b.low - (a.high - a.low)).slice(0, SHOWN);
  const horizon = chunk.length / width;
  const body = shown.flatMap(({ column }, i) => {
    const at: Panel = { x: 64, y: HEADING + 24 + i * 130, width: 556, height: 88 };
    const before = Array.from({ length: used + nextRows }, (_, t) => chunk[t * width + column] as number);
    const after = Array.from({ length: rows }, (_, t) => actions[t * width + column] as number);
    const [low, high] = [Math.min(...before, ...after), Math.max(...before, ...after)];
    const place = (t: number, value: number): [number, number] => [
      at.x + (t / Math.max(1, horizon - 1)) * at.width,
      at.y + (1 - (value - low) / Math.max(1e-9, high - low)) * at.height,
    ];
    const name = columnWords(robot, column);
    return [
      path(
        [
          [at.x, at.y + at.height],
          [at.x + at.width, at.y + at.height],
        ],
        INK.line,
      ),
      path(
        before.slice(0, used).map((value, t) => place(t, value)),
        INK.soft,
        1.8,
      ),
      ...(nextRows > 1
        ? [
            path(
              before.slice(used - 1).map((value, t) => place(used - 1 + t, value)),
              INK.warm,
              1.8,
              '4 4',
            ),
          ]
        : []),
      path(
        after.map((value, t) => place(t, value)),
        INK.accent,
        2.4,
      ),
      ...after.map((value, t) => dot(place(t, value))),
      label(at.x, at.y - 8, name, { weight: 600 }),
      marksLeft(at, [
        [high.toFixed(2), 0],
        [low.toFixed(2), 1],
      ]),
      ...(i === shown.length - 1
        ? [
            marksBelow(
              at,
              stepTicks(horizon).map((t) => [String(t), t / Math.max(1, horizon - 1)] as const),
            ),
          ]
        : []),
    ];
  });
  const foot = HEADING + 24 + shown.length * 130 + 10;
  const key = [
    [INK.soft, `planned, ${used} rows`],
    [INK.accent, `played, ${rows} steps`],
    [INK.warm, `promised to the next, ${nextRows} rows`],
  ] as const;
  const sped = robot.baseColumns.length > 0 ? '; base velocities grow by as much' : '';
  const how = compressed
    ? `A cubic spline squeezes the plan in time${sped}`
    : 'A plan in which a gripper moves keeps its speed';
  return drawing(
    {
      title: compressed
        ? `${used} actions in ${rows} steps`
        : `Not compressed: a gripper moves, ${rows} steps as planned`,
      note: `${how}. Across: control steps.`,
      width: READABLE_WIDTH,
      height: foot + 30,
    },
    [
      ...body,
      ...key.flatMap(([colour, words], i) => {
        const x = 64 + 166 * i;
        return [
          path(
            [
              [x, foot],
              [x + 26, foot],
            ],
            colour,
            2.4,
          ),
          label(x + 34, foot + 4, words, { colour: INK.soft }),
        ];
      }),
    ],
  );
}

const dot = ([x, y]: readonly [number, number]): string =>
  `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="2.4" fill="${INK.accent}"/>`;
