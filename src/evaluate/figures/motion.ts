import { significant } from '../../base/index.ts';
import type { ActionMotion } from '../../data/index.ts';
import type { Robot } from '../../robot/index.ts';
import { columnWords, words } from './columns.ts';
import {
  diverging,
  divergingKey,
  drawing,
  HEADING,
  INK,
  label,
  marksBelow,
  marksLeft,
  matrix,
  type Panel,
  path,
  rectangle,
} from './svg.ts';

const ROW = 30;
const TOP = HEADING + 14;
/** A lag is told where the state follows its action: below this correlation there is none to tell. */
const FOLLOWS = 0.3;

/**
 * How the actions of a data set move, a row a dimension: its range, how long it keeps its value, and how far the state
 * is behind it; and how the dimensions move together.
 */
export async function motionFigure(
  { episodes, frames, dimensions, correlation }: ActionMotion,
  robot: Robot,
): Promise<string> {
  const { width, rate } = robot;
  const lags = Math.max(1, (dimensions[0]?.auto.length ?? 1) - 1);
  const curves = (x: number): Panel => ({ x, y: TOP, width: 170, height: width * ROW });
  const [ranges, auto, state] = [curves(200), curves(420), curves(620)];
  const whole: Panel = { x: 960, y: TOP, width: 420, height: 420 };
  const rows = dimensions.flatMap(({ low, high, q01, q99, auto: own, toState, lag }, d) => {
    const y = TOP + d * ROW;
    const scale = (value: number) => ranges.x + ((value - low) / Math.max(1e-9, high - low)) * ranges.width;
    const inner = { x: scale(q01), y: y + 8, width: Math.max(1, scale(q99) - scale(q01)), height: 10 };
    const curve = (panel: Panel, values: readonly number[], colour: string) =>
      values.every(Number.isFinite)
        ? path(
            values.map((r, i) => [panel.x + (i / lags) * panel.width, y + 24 - Math.max(0, r) * 20]),
            colour,
          )
        : label(panel.x, y + 17, 'never moves', { size: 11, colour: INK.soft });
    const told =
      lag === undefined || (toState[lag] as number) < FOLLOWS
        ? ''
        : `${lag} frames, ${Math.round((1000 * lag) / rate)} ms`;
    return [
      label(20, y + 17, columnWords(robot, d)),
      rectangle({ x: ranges.x, y: y + 12, width: ranges.width, height: 2 }, INK.line),
      rectangle(inner, INK.accent, `${columnWords(robot, d)}: ${low} to ${high}; 1 % to 99 %: ${q01} to ${q99}`),
      label(ranges.x - 4, y + 17, significant(low), { size: 10, anchor: 'end', colour: INK.soft }),
      label(ranges.x + ranges.width + 4, y + 17, significant(high), { size: 10, colour: INK.soft }),
      curve(auto, own, INK.accent),
      curve(state, toState, INK.warm),
      label(state.x + state.width + 8, y + 17, told, { size: 11, colour: INK.soft }),
    ];
  });
  const seconds = [['0', 0] as const, [`${Number((lags / rate).toFixed(1))} s`, 1] as const];
  const heads = [
    [ranges.x, 'range, and 1 % to 99 %'],
    [auto.x, 'action with itself later'],
    [state.x, 'action with the state later; most alike after'],
    [whole.x, 'dimensions with each other'],
  ] as const;
  const marks = robot.parts.map(({ name, columns: [first, end] }) => [words(name), (first + end) / 2 / width] as const);
  return drawing(
    {
      title: `How the actions move: ${episodes} episodes, ${frames} frames`,
      note: 'Correlations from 0 to 1 (those below 0 lie on 0), by the time between two frames.',
      width: 1400,
      height: TOP + Math.max(width * ROW, 500) + 40,
    },
    [
      ...heads.map(([x, text]) => label(x, TOP - 12, text, { weight: 600 })),
      ...rows,
      marksBelow(auto, seconds),
      marksBelow(state, seconds),
      await matrix(
        correlation.map((value) => (Number.isNaN(value) ? 0 : value)),
        width,
        width,
        diverging,
        whole,
      ),
      marksLeft(whole, marks),
      divergingKey(whole.x, whole.y + whole.height + 16, 250, 1),
    ],
  );
}
