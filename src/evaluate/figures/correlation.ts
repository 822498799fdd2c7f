import { type ChunkStatistics, CorrelatedNoise } from '../../action/index.ts';
import { InputError } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import { words } from './columns.ts';
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
  READABLE_WIDTH,
} from './svg.ts';

/**
 * The correlation of a data set's action chunks: of every number of a chunk with every other one, between columns, and
 * between steps. R = L·Lᵀ of the statistics' Cholesky factor.
 * @throws InputError for statistics without a correlation
 */
export async function correlationFigure(stats: ChunkStatistics, robot: Robot): Promise<string> {
  const { correlation, horizon, width } = stats;
  if (!correlation)
    throw new InputError('the statistics', 'have no action correlation. Compute them by `valet stats`.');
  const size = horizon * robot.width;
  const whole: Panel = { x: 110, y: HEADING + 10, width: 510, height: 510 };
  const below = whole.y + whole.height + 56;
  const columns: Panel = { x: 110, y: below, width: 220, height: 220 };
  const steps: Panel = { x: 390, y: below, width: 230, height: 220 };
  const values = chunkCorrelation(stats, robot.width);
  const marks = robot.parts.map(
    ({ name, columns: [first, end] }) => [words(name), (first + end) / 2 / robot.width] as const,
  );
  const lag = meanByLag(correlation.temporal, horizon);
  const low = Math.min(0, ...lag);
  const place = (value: number) => steps.y + ((1 - value) / (1 - low)) * steps.height;
  return drawing(
    {
      title: `Correlation of action chunks (${size} × ${size})`,
      note: 'Neighbouring steps move together, and so do joints of one arm. Noise for flow matching is drawn from it.',
      width: READABLE_WIDTH,
      height: below + 316,
    },
    [
      await matrix(values, size, size, diverging, whole),
      ...lines(robot, whole),
      marksLeft(whole, marks),
      label(whole.x, whole.y + whole.height + 20, `each column's ${horizon} steps one after the other`, {
        colour: INK.soft,
      }),
      await matrix(cut(correlation.spatial, width, robot.width), robot.width, robot.width, diverging, columns),
      marksLeft(columns, marks),
      label(columns.x, columns.y + columns.height + 40, 'between columns, mean of steps', { colour: INK.soft }),
      divergingKey(columns.x, columns.y + columns.height + 52, columns.width, 1),
      path(
        lag.map((value, i) => [steps.x + (i / Math.max(1, horizon - 1)) * steps.width, place(value)]),
        INK.accent,
        2.2,
      ),
      path(
        [
          [steps.x, place(0)],
          [steps.x + steps.width, place(0)],
        ],
        INK.line,
      ),
      marksLeft(steps, [
        ['1', 0],
        ['0', 1 / (1 - low)],
      ]),
      marksBelow(steps, [
        ['0', 0],
        [String(horizon - 1), 1],
      ]),
      label(steps.x, steps.y + steps.height + 40, 'between steps, by their distance', { colour: INK.soft }),
    ],
  );
}

/** White lines between the robot's parts. */
function lines({ parts, width }: Robot, at: Panel): string[] {
  return parts.slice(1).flatMap(({ columns: [first] }) => {
    const [x, y] = [at.x + (first / width) * at.width, at.y + (first / width) * at.height];
    const down = [
      [x, at.y],
      [x, at.y + at.height],
    ] as const;
    const across = [
      [at.x, y],
      [at.x + at.width, y],
    ] as const;
    return [path(down, INK.line, 1), path(across, INK.line, 1)];
  });
}

/** R = L·Lᵀ without padded columns, [used·horizon, used·horizon], a column's steps one after the other. */
export function chunkCorrelation(stats: ChunkStatistics, used: number): Float64Array {
  const { horizon, width } = stats;
  const kept = Array.from({ length: horizon * used }, (_, i) => (i % horizon) * width + Math.floor(i / horizon));
  return new CorrelatedNoise(stats, { beta: 1 }).covariance(kept, kept);
}

const cut = (square: Float64Array, width: number, used: number): Float64Array =>
  Float64Array.from({ length: used * used }, (_, i) => square[Math.floor(i / used) * width + (i % used)] as number);

/** Mean correlation of steps that are 0, 1, 2, … apart. */
function meanByLag(temporal: Float64Array, horizon: number): number[] {
  return Array.from({ length: horizon }, (_, lag) => {
    let sum = 0;
    for (let t = 0; t + lag < horizon; t++) sum += temporal[t * horizon + t + lag] as number;
    return sum / (horizon - lag);
  });
}
