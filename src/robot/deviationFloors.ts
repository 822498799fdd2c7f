import type { ActionPart, Robot } from './robot.ts';

/** Share of a gripper's way, and of a velocity that is told as a share. */
const SHARE = 0.01;
/** The smallest deviation that is worth telling from none, by how a part's unit begins. */
const BY_UNIT: readonly (readonly [RegExp, number])[] = [
  [/^(rad|radians?)\b/i, 0.01],
  [/^(deg|degrees?|°)/i, 0.5],
  [/^(mm|millimet)/i, 2],
  [/^m(et(er|re)s?)?(?!\s*\/)\b/i, 0.002],
  [/^m\s*\/\s*s/i, 0.01],
  [/^(share|normali[sz]ed)/i, SHARE],
];
/** Where the unit says nothing: small, yet far from dividing by nothing. */
const OTHERWISE = 0.001;

/**
 * [width] The smallest standard deviation with which each column of the robot's actions and states is normalised, in
 * the unit of its part. A joint that hardly moves in the data has a deviation near 0, and dividing by it makes a touch
 * of that joint look like thousands of deviations. A part's own `minStd` wins; else its unit decides.
 */
export function deviationFloors(robot: Robot): number[] {
  const floors = new Array<number>(robot.width).fill(OTHERWISE);
  for (const part of robot.parts) floors.fill(floorOf(part), ...part.columns);
  for (const { column, closed, open } of robot.grippers)
    if (partAt(robot, column)?.minStd === undefined) floors[column] = SHARE * Math.abs(open - closed);
  return floors;
}

function floorOf({ minStd, unit, kind }: ActionPart): number {
  if (minStd !== undefined) return minStd;
  const known = BY_UNIT.find(([pattern]) => pattern.test(unit.trim()))?.[1];
  return known ?? (kind === 'gripper' ? SHARE : OTHERWISE);
}

const partAt = ({ parts }: Robot, column: number): ActionPart | undefined =>
  parts.find(({ columns: [start, end] }) => column >= start && column < end);
