import { type Quaternion, subtract, turn, type Vector3 } from './geometry.ts';
import { type Graspable, type GraspMode, Hand } from './hands.ts';
import type { Physics } from './mujoco.ts';
import {
  armJoints,
  BASE_JOINTS,
  COLUMNS,
  FINGER_TRAVEL,
  HOUSEHOLD_ROBOT,
  RESET_POSE,
  SIDES,
  type Side,
  TORSO_JOINTS,
} from './robot.ts';
import { describeScene, movingBodies, type SceneDescription } from './scene.ts';
import type { World } from './task.ts';

/** A robot in a room: where everything is, and what moves it by hand. */
export class RobotWorld implements World {
  readonly hands: Readonly<Record<Side, Hand>>;
  private readonly baseAddresses: readonly number[];
  private readonly moving: readonly number[];
  private readonly geomNames: readonly string[];

  constructor(
    readonly physics: Physics,
    grasp: GraspMode,
    task: Graspable,
  ) {
    const hand = (side: Side) => new Hand(physics, side, grasp, task);
    this.hands = { left: hand('left'), right: hand('right') };
    this.baseAddresses = BASE_JOINTS.map((name) => physics.positionAddress(name));
    this.moving = movingBodies(physics);
    const { mujoco, model } = physics;
    this.geomNames = Array.from(
      { length: model.ngeom },
      (_, g) => mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_GEOM.value, g) ?? '',
    );
  }

  /** Puts the robot into its reset pose, with nothing in its hands. @returns the action [width] that holds it */
  protected resetRobot(): Float32Array {
    const { physics } = this;
    physics.reset();
    const { qpos, ctrl } = physics.views;
    const set = (joint: string | undefined, value: number) => {
      if (joint === undefined) return;
      qpos[physics.positionAddress(joint)] = value;
      ctrl[physics.id('actuator', joint)] = value;
    };
    const action = new Float32Array(HOUSEHOLD_ROBOT.width);
    action.set(RESET_POSE.torso, COLUMNS.torso);
    for (const [i, value] of RESET_POSE.torso.entries()) set(TORSO_JOINTS[i], value);
    for (const side of SIDES) {
      action.set(RESET_POSE[side], COLUMNS.arm[side]);
      action[COLUMNS.gripper[side]] = 1;
      for (const [i, value] of RESET_POSE[side].entries()) set(armJoints(side)[i], value);
      for (const finger of this.hands[side].fingers) qpos[finger] = FINGER_TRAVEL;
      ctrl[physics.id('actuator', `${side}_gripper`)] = 2 * FINGER_TRAVEL;
      this.hands[side].reset();
    }
    return action;
  }

  sceneDescription(): SceneDescription {
    return describeScene(this.physics);
  }

  /** Poses of the moving bodies in the order of `sceneDescription().moving`: xyz in metres, then quaternion wxyz. */
  pose(): Float32Array {
    const { xpos, xquat } = this.physics.views;
    const track = new Float32Array(7 * this.moving.length);
    for (const [i, body] of this.moving.entries()) {
      track.set(xpos.subarray(3 * body, 3 * body + 3), 7 * i);
      track.set(xquat.subarray(4 * body, 4 * body + 4), 7 * i + 3);
    }
    return track;
  }

  get base(): readonly [number, number, number] {
    const { qpos } = this.physics.views;
    return this.baseAddresses.map((address) => qpos[address]) as [number, number, number];
  }

  setBase(x: number, y: number, yaw: number): void {
    const { qpos } = this.physics.views;
    const place = [x, y, yaw] as const;
    for (const [i, address] of this.baseAddresses.entries()) qpos[address] = place[i] as number;
  }

  placeFree(body: string, position: Vector3, quaternion: Quaternion): void {
    const { qpos } = this.physics.views;
    qpos.set([...position, ...quaternion], this.physics.positionAddress(body));
  }

  placeFixed(body: string, position: Vector3, quaternion: Quaternion): void {
    const id = this.physics.id('body', body);
    const { bodyPosition, bodyQuaternion } = this.physics.views;
    bodyPosition.set(position, 3 * id);
    bodyQuaternion.set(quaternion, 4 * id);
  }

  paint(prefix: string, colour: Vector3): void {
    const { geomColour } = this.physics.views;
    for (const [g, name] of this.geomNames.entries()) if (name.startsWith(prefix)) geomColour.set(colour, 4 * g);
  }

  show(prefix: string, visible: boolean): void {
    const { geomColour } = this.physics.views;
    for (const [g, name] of this.geomNames.entries())
      if (name.startsWith(prefix)) geomColour[4 * g + 3] = Number(visible);
  }

  inBase(point: Vector3): Vector3 {
    const [x, y, yaw] = this.base;
    return turn(subtract(point, [x, y, 0]), -yaw);
  }

  inWorld(point: Vector3): Vector3 {
    const [x, y, yaw] = this.base;
    const [dx, dy, z] = turn(point, yaw);
    return [x + dx, y + dy, z];
  }

  close(): void {
    this.physics.close();
  }
}
