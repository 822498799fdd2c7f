import { InputError } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import type { Moments } from '../statistics/index.ts';

/** Columns [start, end) of an action. */
export type ColumnRanges = readonly (readonly [start: number, end: number])[];

/** The columns that FAST tokens of this robot encode. */
export function fastColumns(robot: Robot): ColumnRanges {
  return robot.fastColumns ?? [[0, robot.width]];
}

const FLOOR = 1e-6;

/** Number of dimensions D in column ranges. */
export function widthOf(columns: ColumnRanges): number {
  return columns.reduce((sum, [start, end]) => sum + end - start, 0);
}

/** Text such as `0:6,7:14` as ranges. @throws InputError when it is none, or goes beyond the robot's columns */
export function parseColumns(text: string, { width }: Pick<Robot, 'width'>): [number, number][] {
  return text.split(',').map((part) => {
    const match = /^\s*(\d+):(\d+)\s*$/.exec(part);
    const [start, end] = [Number(match?.[1]), Number(match?.[2])];
    if (!match || start >= end || end > width)
      throw new InputError(
        'columns',
        `${JSON.stringify(part)} is no range of the ${width} columns (expected such as 0:${Math.min(6, width)}).`,
      );
    return [start, end];
  });
}

/**
 * A chunk of delta actions [T, width] as FAST sees it: the encoded columns, clipped to the data set's q01 and q99 of
 * actions (over the rows of all chunks) and
 * mapped to [-1, 1] by 2(x − q01)/max(q99 − q01, 1e-6) − 1. float64 [T, D]. Formula: the original's fitting script.
 */
export function fastChunk(
  delta: Float32Array | Float64Array,
  { actions }: { readonly actions: Moments },
  robot: Robot,
  columns: ColumnRanges = fastColumns(robot),
  out?: Float64Array,
): Float64Array {
  const rows = delta.length / robot.width;
  const width = widthOf(columns);
  if (!Number.isInteger(rows))
    throw new InputError(
      'fastChunk',
      `the chunk is not of whole rows (got ${delta.length} numbers, expected a multiple of ${robot.width}).`,
    );
  const result = out ?? new Float64Array(rows * width);
  let to = 0;
  for (const [start, end] of columns)
    for (let d = start; d < end; d++, to++) {
      const [low, high] = [actions.q01[d]!, actions.q99[d]!];
      const factor = Math.max(high - low, FLOOR);
      for (let t = 0; t < rows; t++) {
        const x = delta[t * robot.width + d]!;
        result[t * width + to] = (2 * ((x < low ? low : x > high ? high : x) - low)) / factor - 1;
      }
    }
  return result;
}

/**
 * The inverse for what clipping kept: (x + 1)/2·max(q99 − q01, 1e-6) + q01; [T, D] to [T, D] in the units of the
 * actions.
 */
export function fromFastChunk(
  chunk: Float64Array,
  { actions }: { readonly actions: Moments },
  columns: ColumnRanges,
): Float64Array {
  const dimensions = columns.flatMap(([start, end]) => Array.from({ length: end - start }, (_, i) => start + i));
  return chunk.map((x, i) => {
    const d = dimensions[i % dimensions.length]!;
    const [low, high] = [actions.q01[d]!, actions.q99[d]!];
    return ((x + 1) / 2) * Math.max(high - low, FLOOR) + low;
  });
}
