import { clamp } from './geometry.ts';
import type { Physics } from './mujoco.ts';
import { ACTUATORS, BASE_JOINTS, FINGER_TRAVEL, HOUSEHOLD_ROBOT, type Side } from './robot.ts';

/** Control steps a second. */
export const CONTROL_HZ = HOUSEHOLD_ROBOT.rate;
/** Physics steps per control step. */
const SUBSTEPS = 4;
export const TIMESTEP = 1 / (CONTROL_HZ * SUBSTEPS);
/** Full scale of the base command: m/s, m/s, rad/s (docs/facts.md#actions). */
export const BASE_SCALE = [0.75, 0.75, 1.0] as const;
export const ACTION_WIDTH = HOUSEHOLD_ROBOT.width;
/** Column of each gripper's command. */
export const GRIPPER_COLUMNS = Object.fromEntries(
  HOUSEHOLD_ROBOT.grippers.map(({ name, column }) => [name, column]),
) as Readonly<Record<Side, number>>;

/** The controllers of the challenge (docs/facts.md#actions): how an action's numbers become motor targets. */
export class Controllers {
  private readonly actuators: readonly number[];
  private readonly yaw: number;

  constructor(private readonly physics: Physics) {
    this.actuators = ACTUATORS.map((name) => physics.id('actuator', name));
    this.yaw = physics.positionAddress(BASE_JOINTS[2]);
  }

  /** Plays one action for one control step. The base command turns with the robot, so it is rotated every substep. */
  play(action: ArrayLike<number>): void {
    const { physics, actuators } = this;
    const { views } = physics;
    for (let i = 3; i < ACTION_WIDTH; i++) views.ctrl[actuators[i]] = action[i];
    for (const column of Object.values(GRIPPER_COLUMNS))
      views.ctrl[actuators[column]] = (clamp(action[column], -1, 1) + 1) * FINGER_TRAVEL;
    const [vx, vy, turning] = BASE_SCALE.map((scale, i) => clamp(action[i], -1, 1) * scale);
    for (let i = 0; i < SUBSTEPS; i++) {
      const { qpos, ctrl } = physics.views;
      const c = Math.cos(qpos[this.yaw]);
      const s = Math.sin(qpos[this.yaw]);
      ctrl[actuators[0]] = c * vx - s * vy;
      ctrl[actuators[1]] = s * vx + c * vy;
      ctrl[actuators[2]] = turning;
      physics.substep();
    }
  }
}
