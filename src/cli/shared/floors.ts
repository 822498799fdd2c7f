import { deviationFloors, type Robot } from '../../robot/index.ts';

export const MIN_STD_HELP =
  "raise smaller standard deviations to this, in every unit (0: exact; default: the robot's own floors, such as " +
  '0.01 rad)';

/** [width] The floors that were asked for: one number for every column, or the robot's own. */
export const chosenFloors = (robot: Robot, minStd: number | undefined): number[] =>
  minStd === undefined ? deviationFloors(robot) : new Array<number>(robot.width).fill(minStd);

/** In words, part by part. */
export function floorSentence(robot: Robot, minStd: number | undefined): string {
  if (minStd === 0) return 'exact';
  if (minStd !== undefined) return `at least ${minStd}`;
  const floors = deviationFloors(robot);
  return `at least ${robot.parts.map(({ name, columns: [at] }) => `${name} ${floors[at]}`).join(', ')}`;
}
