import { expect, it } from 'vitest';
import { deviationFloors } from './deviationFloors.ts';
import { parseRobot, robotRecord, sameRobot } from './robot.ts';
import { CHALLENGE_ROBOT, robotNamed } from './robots.ts';

it("are in the units of the parts: radians, shares of a velocity, a hundredth of a gripper's way", () => {
  const floors = deviationFloors(CHALLENGE_ROBOT);
  expect(floors).toHaveLength(CHALLENGE_ROBOT.width);
  for (const column of CHALLENGE_ROBOT.gripperColumns) expect(floors[column]).toBeCloseTo(0.02, 12);
  expect(floors.filter((_, column) => !CHALLENGE_ROBOT.gripperColumns.includes(column)).every((x) => x === 0.01)).toBe(
    true,
  );
});

it.each([
  ['deg', 0.5],
  ['m', 0.002],
  ['mm', 2],
  ['m/s', 0.01],
  ['rad/s', 0.01],
  ['furlongs', 0.001],
])('of a part in %s is %d', (unit, floor) => {
  const record = robotRecord(robotNamed('single-arm'));
  const parts = record.parts.map((part) => (part.name === 'arm' ? { ...part, unit } : part));
  expect(deviationFloors(parseRobot({ ...record, parts }))[0]).toBe(floor);
});

it('are what the record says where it says one, and make no other robot of it', () => {
  const record = robotRecord(robotNamed('single-arm'));
  const parts = record.parts.map((part) => ({ ...part, minStd: 0.25 }));
  const robot = parseRobot({ ...record, parts });
  expect(new Set(deviationFloors(robot))).toEqual(new Set([0.25]));
  expect(sameRobot(robot, robotNamed('single-arm'))).toBe(true);
});
