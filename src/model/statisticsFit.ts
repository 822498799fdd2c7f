import type { ChunkStatistics } from '../action/index.ts';
import { InputError } from '../base/index.ts';
import type { Robot } from '../robot/index.ts';
import type { ModelConfig } from './network/index.ts';

/**
 * Statistics are of the network's chunks and of the robot's numbers: as long and as wide, with nothing but padding
 * beyond the robot's columns.
 * @throws InputError that gives both shapes
 */
export function requireStatisticsFit(
  where: string,
  stats: ChunkStatistics,
  { name, width }: Robot,
  { actionDim, actionHorizon }: Pick<ModelConfig, 'actionDim' | 'actionHorizon'>,
): void {
  if (stats.width !== actionDim || stats.horizon !== actionHorizon)
    throw new InputError(
      where,
      `is of chunks of ${stats.horizon}×${stats.width} (expected ${actionHorizon}×${actionDim}, the network's). Take ` +
        'the statistics that it was trained with, or compute them with valet stats.',
    );
  const used = usedWidth(stats);
  if (used > width)
    throw new InputError(
      where,
      `is of another robot: ${used} of its ${stats.width} columns are in use, and ${name} has ${width}. Compute ` +
        'statistics of its data with valet stats.',
    );
}

/** Columns up to the last one that is not padding: that moves, or stands at anything but 0. */
export function usedWidth({ width, actions, state }: ChunkStatistics): number {
  let used = 0;
  for (let column = 0; column < width; column++)
    for (const { mean, std } of [actions, state]) if (mean[column] !== 0 || moves(std[column])) used = column + 1;
  return used;
}

/** A padded column has a deviation of 0, or of 1 where somebody guarded a division. */
const moves = (deviation: number | undefined): boolean => deviation !== 0 && deviation !== 1;
