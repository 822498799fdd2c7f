import type { Random } from '../../base/index.ts';
import type { Expert } from '../expert/index.ts';
import { ARM_JOINTS, COLUMNS, clamp, HOUSEHOLD_ROBOT, type Household, type Snapshot } from '../world/index.ts';
import type { Demonstration } from './episodeLog.ts';
import { record, rehearse, stepsUntil, type WindowOptions } from './recording.ts';

/** Steps between two snapshots of a rehearsal. */
const SNAPSHOT_STEPS = 15;
/** A chunk: the last frames of a window serve only as its actions. */
const HORIZON = HOUSEHOLD_ROBOT.horizon;

/** Share of the disturbances in which the robot is led astray instead of pushed. */
const LED_ASTRAY = 0.25;

/** A whole scene, from the reset to shortly after the goal. */
export function wholeDemonstration(
  household: Household,
  expert: Expert,
  instance: number,
  picturesEvery?: number,
): Demonstration | undefined {
  household.reset(instance);
  return record(household, expert, { picturesEvery, meta: { source: 'expert' } });
}

/**
 * A window of a scene: the scene is played without cameras first, then the window alone is played again with them. All
 * moments of the scene are equally likely to be a chunk's beginning.
 * @param disturbance probability that something pushes the robot off its way just before the window, which then shows
 *   how to go on
 * @param until the window begins in the first so many seconds of the scene; anywhere when left out
 */
export function clipDemonstration(
  household: Household,
  expert: Expert,
  instance: number,
  options: WindowOptions & { readonly disturbance: number },
): Demonstration | undefined {
  const { random } = options;
  const frames = Math.max(HORIZON + 1, Math.round(options.seconds * HOUSEHOLD_ROBOT.rate));
  household.reset(instance);
  const snapshots: Snapshot[] = [];
  const { success, length } = rehearse(household, expert, () => {
    if (household.steps % SNAPSHOT_STEPS === 0) snapshots.push(household.snapshot());
  });
  if (!success) return undefined;
  // Nothing begins behind the moment that was asked for.
  const whole = Math.min(length, stepsUntil(options.until) - 1 + frames);
  const last = Math.max(0, whole - frames);
  const start = clamp(random.integer(whole - HORIZON + frames - HORIZON) - (frames - HORIZON), 0, last);
  const disturbed = random.uniform() < options.disturbance;
  const led = disturbed && random.uniform() < LED_ASTRAY;
  const pushSteps = disturbed ? Math.min(start, led ? 20 + random.integer(50) : 6 + random.integer(20)) : 0;
  const from = start - pushSteps;
  household.restore(snapshots[Math.floor(from / SNAPSHOT_STEPS)] as Snapshot);
  while (household.steps < from) household.step(expert.act());
  if (led) lead(household, expert, pushSteps, random);
  else if (disturbed) push(household, expert, pushSteps, random);
  return record(household, expert, {
    frames,
    picturesEvery: options.picturesEvery,
    meta: { clip: { start, fullLength: length }, source: disturbed ? 'expert after a disturbance' : 'expert' },
  });
}

/**
 * Somebody takes the robot by the hand and leads it away, mostly sideways: the base goes one way for a second or two,
 * to where the work is out of reach, while the arms go on as the expert has it.
 */
function lead(household: Household, expert: Expert, steps: number, random: Random): void {
  const angle = (random.uniform() < 0.5 ? 1 : -1) * (Math.PI / 2 + 0.5 * random.normal());
  const speed = random.between(0.3, 0.8);
  const away = [speed * Math.cos(angle), speed * Math.sin(angle), 0.15 * random.normal()];
  for (let i = 0; i < steps; i++) {
    const offset = new Float64Array(HOUSEHOLD_ROBOT.width);
    const action = expert.act();
    for (const column of HOUSEHOLD_ROBOT.baseColumns) offset[column] = (away[column] as number) - (action[column] ?? 0);
    household.step(action, offset);
  }
}

/**
 * Somebody pushes the robot: an offset on base and right arm that swells and fades; now and then the gripper is moved
 * too.
 */
function push(household: Household, expert: Expert, steps: number, random: Random): void {
  const offset = new Float64Array(HOUSEHOLD_ROBOT.width);
  for (const [k, size] of [0.3, 0.3, 0.15].entries()) offset[k] = size * random.normal();
  for (let k = 0; k < ARM_JOINTS; k++) offset[COLUMNS.arm.right + k] = 0.11 * random.normal();
  const grip = random.uniform() < 0.15 ? (random.uniform() < 0.5 ? -1 : 1) : undefined;
  for (let i = 0; i < steps; i++) {
    const strength = Math.sin((Math.PI * (i + 1)) / (steps + 1));
    const action = expert.act();
    if (grip !== undefined) action[COLUMNS.gripper.right] = grip;
    household.step(
      action,
      offset.map((value) => strength * value),
    );
  }
}
