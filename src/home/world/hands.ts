import { conjugate, multiply, quaternionAt, rotate, subtract, type Vector3, vectorAt } from './geometry.ts';
import type { Physics } from './mujoco.ts';
import { armJoints, FINGER_TRAVEL, fingerJoints, type Side } from './robot.ts';

/**
 * `assisted`: what both fingers touch while they close is fixed to the hand until they open. `friction`: physics alone.
 */
export type GraspMode = 'assisted' | 'friction';

/**
 * Gripper commands (-1 closed … +1 open) below this may take hold, above the next let go. A 66 mm can blocks the
 * fingers at +0.32.
 */
const TAKE_BELOW = 0.25;
const RELEASE_ABOVE = 0.5;
const EQUALITY_DATA = 11;

/** One hand: its addresses in the model, and what it holds. */
export class Hand {
  readonly positions: readonly number[];
  readonly velocities: readonly number[];
  readonly fingers: readonly number[];
  readonly fingerVelocities: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly site: number;
  /** Index into the graspable bodies, or -1. */
  held = -1;
  private readonly body: number;
  private readonly slot: number;
  private readonly graspableBodies: readonly number[];
  private readonly touch: readonly (readonly [number, number])[];

  constructor(
    private readonly physics: Physics,
    readonly side: Side,
    private readonly mode: GraspMode,
    graspable: readonly string[],
  ) {
    const joints = armJoints(side);
    const ids = joints.map((name) => physics.id('joint', name));
    const ranges: Float64Array = physics.model.jnt_range;
    this.positions = joints.map((name) => physics.positionAddress(name));
    this.velocities = joints.map((name) => physics.velocityAddress(name));
    this.fingers = fingerJoints(side).map((name) => physics.positionAddress(name));
    this.fingerVelocities = fingerJoints(side).map((name) => physics.velocityAddress(name));
    this.low = ids.map((id) => ranges[2 * id] as number);
    this.high = ids.map((id) => ranges[2 * id + 1] as number);
    this.site = physics.id('site', `${side}_tcp`);
    this.body = physics.id('body', `${side}_arm_link7`);
    this.slot = physics.id('equality', `${side}_grasp`);
    this.graspableBodies = graspable.map((name) => physics.id('body', name));
    this.touch = graspable.map((name) => [
      physics.sensorAddress(touchSensor(side, 1, name)),
      physics.sensorAddress(touchSensor(side, 2, name)),
    ]);
  }

  /** Between the fingertips, world frame. */
  get tip(): Vector3 {
    return vectorAt(this.physics.views.sitePosition, this.site);
  }

  /** Mean opening of the two fingers as -1 closed … +1 open. */
  get opening(): number {
    const { qpos } = this.physics.views;
    const [one, two] = this.fingers.map((address) => qpos[address]) as [number, number];
    return (one + two) / FINGER_TRAVEL - 1;
  }

  reset(): void {
    this.held = -1;
    this.physics.views.equalityActive[this.slot] = 0;
  }

  /** After a control step: takes hold of what both fingers touch while closing, lets go when the command opens. */
  update(command: number): void {
    if (this.mode === 'friction') return;
    const { views } = this.physics;
    if (this.held >= 0) {
      if (command > RELEASE_ABOVE) this.reset();
      return;
    }
    if (command > TAKE_BELOW) return;
    const touched = this.touch.findIndex((pads) => pads.every((address) => (views.sensor[address] as number) > 0));
    if (touched >= 0) this.hold(touched);
  }

  /** Points the hand's weld slot at the object, at their present relative pose. */
  private hold(index: number): void {
    const { views } = this.physics;
    const object = this.graspableBodies[index] as number;
    const inverse = conjugate(quaternionAt(views.xquat, this.body));
    const offset = subtract(vectorAt(views.xpos, object), vectorAt(views.xpos, this.body));
    const turned = multiply(inverse, quaternionAt(views.xquat, object));
    views.equalityObject2[this.slot] = object;
    views.equalityData.set([0, 0, 0, ...rotate(inverse, offset), ...turned, 1], EQUALITY_DATA * this.slot);
    views.equalityActive[this.slot] = 1;
    this.held = index;
  }
}

const touchSensor = (side: Side, pad: 1 | 2, object: string) => `touch_${side}_${pad}_${object}`;

/** Contact sensors that the hands read: each pad against each graspable body's geom of the same name. */
export const touchSensors = (sides: readonly Side[], graspable: readonly string[]) =>
  sides
    .flatMap((side) =>
      ([1, 2] as const).flatMap((pad) =>
        graspable.map(
          (name) =>
            `<contact name="${touchSensor(side, pad, name)}" geom1="${side}_pad${pad}" geom2="${name}" data="found" num="1"/>`,
        ),
      ),
    )
    .join('');
