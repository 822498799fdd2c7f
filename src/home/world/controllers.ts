import { present } from '../../base/index.ts';
import { clamp } from './geometry.ts';
import type { Physics } from './mujoco.ts';
import { ACTUATORS, BASE_JOINTS, COLUMNS, FINGER_TRAVEL, HOUSEHOLD_ROBOT } from './robot.ts';

/** Physics steps per control step. */
const SUBSTEPS = 4;
export const TIMESTEP = 1 / (HOUSEHOLD_ROBOT.rate * SUBSTEPS);
/** Full scale of the base command: m/s, m/s, rad/s (docs/facts.md#actions). */
export const BASE_SCALE = [0.75, 0.75, 1.0] as const;

/** The controllers of the challenge (docs/facts.md#actions): how the numbers of an action become motor targets. */
export class Controllers {
  private readonly actuators: readonly number[];
  private readonly yaw: number;
  /** Columns of joints, whose numbers go to the motors as they are. */
  private readonly joints: readonly number[];

  constructor(private readonly physics: Physics) {
    this.actuators = ACTUATORS.map((name) => physics.id('actuator', name));
    this.yaw = physics.positionAddress(BASE_JOINTS[2]);
    this.joints = HOUSEHOLD_ROBOT.parts.flatMap(({ kind, columns: [start, end] }) =>
      kind === 'joint position' ? Array.from({ length: end - start }, (_, i) => start + i) : [],
    );
  }

  /**
   * Plays one action for one control step (1 / rate s). The base command turns with the robot, so it is rotated every
   * substep.
   */
  play(action: ArrayLike<number>): void {
    const { physics, actuators } = this;
    const { views } = physics;
    for (const column of this.joints)
      views.ctrl[present(actuators[column], 'actuators[column]')] = present(action[column], 'action[column]');
    for (const column of Object.values(COLUMNS.gripper))
      views.ctrl[present(actuators[column], 'actuators[column]')] =
        (clamp(present(action[column], 'action[column]'), -1, 1) + 1) * FINGER_TRAVEL;
    const [vx, vy, turning] = BASE_SCALE.map((scale, i) => clamp(present(action[i], 'action[i]'), -1, 1) * scale) as [
      number,
      number,
      number,
    ];
    const [x, y, yaw] = actuators as readonly [number, number, number];
    for (let i = 0; i < SUBSTEPS; i++) {
      const { qpos, ctrl } = physics.views;
      const c = Math.cos(present(qpos[this.yaw], 'qpos[this.yaw]'));
      const s = Math.sin(present(qpos[this.yaw], 'qpos[this.yaw]'));
      ctrl[x] = c * vx - s * vy;
      ctrl[y] = s * vx + c * vy;
      ctrl[yaw] = turning;
      physics.substep();
    }
  }
}
