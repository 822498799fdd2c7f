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
/** Parts of a hand that press against a wide thing. */
const PRESSING = ['pad1', 'pad2', 'palm'] as const;

/** What hands may hold in a task: bodies, each with a geom of the same name. */
export interface Graspable {
  /** By one hand. */
  readonly graspable: readonly string[];
  /** Those of them that turn in the hand that holds them, about that geom: doors by their handles. */
  readonly handles?: readonly string[];
  /** Only between both hands. */
  readonly wide?: readonly string[];
}

/** One hand: its addresses in the model, and what it holds. */
export class Hand {
  readonly positions: readonly number[];
  readonly velocities: readonly number[];
  readonly fingers: readonly number[];
  readonly fingerVelocities: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly site: number;
  /** Index into the graspable bodies, of which the wide ones come last, or -1. */
  held = -1;
  private readonly body: number;
  private readonly slot: number;
  private readonly graspableBodies: readonly number[];
  private readonly touch: readonly (readonly [number, number])[];
  private readonly wideTouch: readonly (readonly number[])[];
  /** For each graspable body the geom that it is held at, where it turns in the hand. */
  private readonly handles: readonly (number | undefined)[];

  constructor(
    private readonly physics: Physics,
    readonly side: Side,
    private readonly mode: GraspMode,
    { graspable, handles = [], wide = [] }: Graspable,
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
    this.graspableBodies = [...graspable, ...wide].map((name) => physics.id('body', name));
    this.touch = graspable.map((name) => [
      physics.sensorAddress(touchSensor(side, 1, name)),
      physics.sensorAddress(touchSensor(side, 2, name)),
    ]);
    this.handles = graspable.map((name) => (handles.includes(name) ? physics.id('geom', name) : undefined));
    this.wideTouch = wide.map((name) => PRESSING.map((part) => physics.sensorAddress(wideSensor(side, part, name))));
  }

  /** The wide thing that this hand leans on, as an index for `held`, or -1. */
  get leansOn(): number {
    const { sensor } = this.physics.views;
    const found = this.wideTouch.findIndex((parts) => parts.some((address) => (sensor[address] as number) > 0));
    return found < 0 ? -1 : this.touch.length + found;
  }

  /** Origin of a body that it may hold, world frame. */
  positionOf(index: number): Vector3 {
    return vectorAt(this.physics.views.xpos, this.graspableBodies[index] as number);
  }

  /** It holds a thing that needs both hands. */
  get holdsWide(): boolean {
    return this.held >= this.touch.length;
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
  hold(index: number): void {
    const { views } = this.physics;
    const object = this.graspableBodies[index] as number;
    const inverse = conjugate(quaternionAt(views.xquat, this.body));
    const offset = subtract(vectorAt(views.xpos, object), vectorAt(views.xpos, this.body));
    const turned = multiply(inverse, quaternionAt(views.xquat, object));
    views.equalityObject2[this.slot] = object;
    const handle = this.handles[index];
    if (handle === undefined)
      views.equalityData.set([0, 0, 0, ...rotate(inverse, offset), ...turned, 1], EQUALITY_DATA * this.slot);
    else {
      // One point of both: the handle's middle; no torque.
      const at = vectorAt(views.geomPosition, handle);
      const onObject = rotate(conjugate(quaternionAt(views.xquat, object)), subtract(at, vectorAt(views.xpos, object)));
      const onHand = rotate(inverse, subtract(at, vectorAt(views.xpos, this.body)));
      views.equalityData.set([...onObject, ...onHand, ...turned, 0], EQUALITY_DATA * this.slot);
    }
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

const wideSensor = (side: Side, part: string, object: string) => `press_${side}_${part}_${object}`;

/** Contact sensors of the wide bodies, each with a geom of the same name: every part of a hand that may press. */
export const wideSensors = (sides: readonly Side[], wide: readonly string[]) =>
  sides
    .flatMap((side) =>
      wide.flatMap((name) =>
        PRESSING.map(
          (part) =>
            `<contact name="${wideSensor(side, part, name)}" geom1="${side}_${part}" geom2="${name}" data="found" num="1"/>`,
        ),
      ),
    )
    .join('');

/**
 * After both hands were updated: what both lean on from opposite sides while they close is fixed to both, until one of
 * them opens.
 * @param command of each hand's gripper, -1 closed … +1 open
 */
export function holdTogether(
  { left, right }: Readonly<Record<Side, Hand>>,
  command: Readonly<Record<Side, number>>,
): void {
  if (left.holdsWide !== right.holdsWide) for (const hand of [left, right]) if (hand.holdsWide) hand.reset();
  if (left.held >= 0 || right.held >= 0 || Math.max(command.left, command.right) > TAKE_BELOW) return;
  const index = left.leansOn;
  if (index < 0 || index !== right.leansOn) return;
  const middle = left.positionOf(index);
  const [one, other] = [left, right].map(({ tip }) => subtract(tip, middle)) as [Vector3, Vector3];
  if (one[0] * other[0] + one[1] * other[1] >= 0) return;
  for (const hand of [left, right]) hand.hold(index);
}
