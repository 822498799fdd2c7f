import type { ChunkStatistics } from '../../action/index.ts';
import { deviationFloors, dimensionName, type Robot } from '../../robot/index.ts';
import type { SetNumbers, Spread } from './survey.ts';

/** What a set is compared with: means and deviations of states, and of actions relative to them. */
export interface FitReference {
  readonly state: Pick<Spread, 'mean' | 'std'>;
  readonly delta: Pick<Spread, 'mean' | 'std'>;
}

/** How one dimension of a set lies to the reference. */
export interface FitRow {
  readonly of: 'state' | 'action';
  /** Part and number in it. */
  readonly name: string;
  /** Its mean less the reference's, in the reference's deviations. */
  readonly shift: number;
  /** Its deviation divided by the reference's. */
  readonly spread: number;
  /** The farthest of its numbers from the reference's mean, in the reference's deviations. */
  readonly farthest: number;
}

/** From here on a dimension lies elsewhere: a mean beyond so many deviations, or deviations so many times as large. */
const SHIFTED = 1;
const SPREAD = 3;

/** The same of a file of statistics: its actions are relative to the states of their frames, too. */
export const referenceOf = ({ state, actions }: ChunkStatistics): FitReference => ({ state, delta: actions });

/**
 * How a set fits another, or a checkpoint's statistics, dimension by dimension; the worst first. Deviations are raised
 * to the robot's floors, as in training.
 */
export function fitOf(robot: Robot, numbers: SetNumbers, reference: FitReference): FitRow[] {
  const floors = deviationFloors(robot);
  const rows = (['state', 'delta'] as const).flatMap((what) =>
    Array.from({ length: robot.width }, (_, d): FitRow => {
      const [own, other] = [numbers[what], reference[what]];
      const floor = floors[d] as number;
      const mean = other.mean[d] as number;
      const std = Math.max(other.std[d] as number, floor);
      return {
        of: what === 'state' ? 'state' : 'action',
        name: dimensionName(robot, d),
        shift: ((own.mean[d] as number) - mean) / std,
        spread: Math.max(own.std[d] as number, floor) / std,
        farthest: Math.max(mean - (own.min[d] as number), (own.max[d] as number) - mean) / std,
      };
    }),
  );
  return rows.sort((a, b) => offOf(b) - offOf(a));
}

/** Whether a dimension of the set lies where the reference hardly has any numbers, or is spread otherwise. */
export const isOff = (row: FitRow): boolean => offOf(row) >= 1;

/** 1 where it is only just too far. */
const offOf = ({ shift, spread }: FitRow): number =>
  Math.max(Math.abs(shift) / SHIFTED, Math.abs(Math.log(spread)) / Math.log(SPREAD));
