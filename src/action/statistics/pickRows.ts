import {
  type Combination,
  combined,
  layoutOfLength,
  type ProprioceptionLayout,
  type Robot,
  stateOf,
} from '../../robot/index.ts';
import type { RowLayout } from './shape.ts';

/** Puts `count` rows from index `start` as rows in the layout into `out` from index `to`. */
export type PickRows = (rows: Float32Array, start: number, count: number, out: Float32Array, to: number) => void;

/** Rows [count, D]. */
export function arrange(
  rows: Float32Array,
  start: number,
  count: number,
  { d, columns, order }: RowLayout,
  out: Float32Array,
  to: number,
): void {
  for (let row = 0; row < count; row++)
    for (let c = 0; c < d; c++) out[to + row * columns + c] = rows[start + row * d + order[c]!]!;
}

function rowByRow(rows: Float32Array, size: number, width: number, of: (row: Float32Array) => Float32Array) {
  const out = new Float32Array((rows.length / size) * width);
  for (let i = 0; i * size < rows.length; i++) out.set(of(rows.subarray(i * size, (i + 1) * size)), i * width);
  return out;
}

/** `stateOf` of rows of `layout.length` numbers, column by column. */
function pickLayout({ length: size, state }: ProprioceptionLayout, { columns, order }: RowLayout): PickRows {
  const byDimension = state.flatMap((source): (number | Combination)[] =>
    'sum' in source
      ? [source]
      : Array.from({ length: source.columns[1] - source.columns[0] }, (_, i) => source.columns[0] + i),
  );
  const sources = Array.from(order, (dim) => byDimension[dim]!);
  const copied = Int32Array.from(sources, (source) => (typeof source === 'number' ? source : source.sum[0]!));
  const made = sources.flatMap((source, column) => (typeof source === 'number' ? [] : [{ source, column }]));
  return (rows, start, count, out, to) => {
    for (let row = 0, from = start; row < count; row++, from += size, to += columns) {
      for (let c = 0; c < copied.length; c++) out[to + c] = rows[from + copied[c]!]!;
      for (const { source, column } of made) out[to + column] = combined(source, rows, from);
    }
  };
}

/**
 * How rows of `width` numbers become rows in the layout: proprioception as the robot's layouts say, or the state
 * itself.
 * @param own the D numbers of the state from a row of another width, where the robot's layouts do not say it
 * @throws InputError for a width that is none of them
 */
export function pickStates(
  width: number,
  layout: RowLayout,
  robot: Robot,
  own: ((row: Float32Array) => Float32Array) | undefined,
): PickRows {
  const { d } = layout;
  const ofRobot = d === robot.width && !own;
  const known = ofRobot && robot.proprioception.layouts.find(({ length }) => length === width);
  if (known) return pickLayout(known, layout);
  if (width === d) return (rows, start, count, out, to) => arrange(rows, start, count, layout, out, to);
  if (ofRobot) layoutOfLength(robot, width);
  return (rows, start, count, out, to) => {
    const states = rowByRow(
      rows.subarray(start, start + count * width),
      width,
      d,
      own ?? ((row) => stateOf(robot, row)),
    );
    arrange(states, 0, count, layout, out, to);
  };
}
