import type { Random } from '../../base/index.ts';
import type { Expert } from '../tasks/index.ts';
import {
  ACTION_WIDTH,
  CONTROL_HZ,
  clamp,
  GRIPPER_COLUMNS,
  HOUSEHOLD_ROBOT,
  type Household,
  type Snapshot,
} from '../world/index.ts';
import { type Recording, record, rehearse } from './recording.ts';

/** Steps between two snapshots of a rehearsal. */
const SNAPSHOT_STEPS = 15;
/** A chunk: the last frames of a window serve only as its actions. */
const HORIZON = HOUSEHOLD_ROBOT.horizon;

/** A whole scene, from the reset to shortly after the goal. */
export function wholeDemonstration(household: Household, expert: Expert, instance: number): Recording | undefined {
  household.reset(instance);
  return record(household, expert, Number.POSITIVE_INFINITY, { source: 'expert' });
}

/**
 * A window of a scene: the scene is played without cameras first, then the window alone is played again with them. All
 * moments of the scene are equally likely to be a chunk's beginning.
 * @param disturbance probability that something pushes the robot off its way just before the window, which then shows how to go on
 */
export function clipDemonstration(
  household: Household,
  expert: Expert,
  instance: number,
  options: { seconds: number; disturbance: number; random: Random },
): Recording | undefined {
  const { random } = options;
  const frames = Math.max(HORIZON + 1, Math.round(options.seconds * CONTROL_HZ));
  household.reset(instance);
  const snapshots: Snapshot[] = [];
  const { success, length } = rehearse(household, expert, () => {
    if (household.steps % SNAPSHOT_STEPS === 0) snapshots.push(household.snapshot());
  });
  if (!success) return undefined;
  const last = Math.max(0, length - frames);
  const start = clamp(random.integer(length - HORIZON + frames - HORIZON) - (frames - HORIZON), 0, last);
  const disturbed = random.uniform() < options.disturbance;
  const pushSteps = disturbed ? Math.min(start, 6 + random.integer(20)) : 0;
  const from = start - pushSteps;
  household.restore(snapshots[Math.floor(from / SNAPSHOT_STEPS)]);
  while (household.steps < from) household.step(expert.act());
  if (disturbed) push(household, expert, pushSteps, random);
  return record(household, expert, frames, {
    clip: { start, fullLength: length },
    source: disturbed ? 'expert after a disturbance' : 'expert',
  });
}

/** Columns of the right arm. */
const RIGHT_ARM = HOUSEHOLD_ROBOT.parts.find(({ name }) => name === 'rightArm')?.columns ?? [0, 0];

/** Somebody pushes the robot: an offset on base and right arm that swells and fades; now and then the gripper is moved too. */
function push(household: Household, expert: Expert, steps: number, random: Random): void {
  const offset = new Float64Array(ACTION_WIDTH);
  for (let k = 0; k < 3; k++) offset[k] = [0.3, 0.3, 0.15][k] * random.normal();
  for (let k = RIGHT_ARM[0]; k < RIGHT_ARM[1]; k++) offset[k] = 0.11 * random.normal();
  const grip = random.uniform() < 0.15 ? (random.uniform() < 0.5 ? -1 : 1) : undefined;
  for (let i = 0; i < steps; i++) {
    const strength = Math.sin((Math.PI * (i + 1)) / (steps + 1));
    const action = expert.act();
    if (grip !== undefined) action[GRIPPER_COLUMNS.right] = grip;
    household.step(
      action,
      offset.map((value) => strength * value),
    );
  }
}
