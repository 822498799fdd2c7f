import { InputError, Random, ValetError } from '../../base/index.ts';
import type { Observation, Picture } from '../../robot/index.ts';
import { ACTION_WIDTH, Controllers, GRIPPER_COLUMNS } from './controllers.ts';
import { distance, type Quaternion, subtract, turn, type Vector3 } from './geometry.ts';
import { fulfilled, qScore } from './goal.ts';
import { type GraspMode, Hand } from './hands.ts';
import { splitOf } from './instances.ts';
import { Physics } from './mujoco.ts';
import {
  armJoints,
  BASE_JOINTS,
  FINGER_TRAVEL,
  HOUSEHOLD_ROBOT,
  RESET_POSE,
  SIDES,
  type Side,
  TORSO_JOINTS,
} from './robot.ts';
import { describeScene, movingBodies, type SceneDescription, sceneXml } from './scene.ts';
import { Senses, type ViewName } from './senses.ts';
import type { HomeTask, Situation, TaskRuntime, World } from './task.ts';

export interface HouseholdOptions {
  /** Side of the square camera pictures, pixels. */
  readonly imageSize?: number;
  readonly grasp?: GraspMode;
}

export interface StepResult {
  /** The episode is over: success, time-out or invalid. */
  readonly done: boolean;
  readonly success: boolean;
  /** Why the episode does not count: the engine or the action broke down. */
  readonly invalid?: string;
}

/** A moment of one episode to come back to, bit by bit. */
export interface Snapshot {
  readonly task: string;
  readonly instance: number;
  readonly physics: Float64Array;
  readonly equalityData: Float64Array;
  readonly equalityObject2: Int32Array;
  readonly held: Readonly<Record<Side, number>>;
  readonly runtime: readonly number[];
  readonly steps: number;
  readonly lastAction: Float32Array;
  readonly travelled: readonly number[];
  readonly initial: readonly boolean[];
  readonly invalid: string | undefined;
}

/** Names of `taskInfo()`: privileged positions for an auxiliary training signal, never an input of the policy. */
export const TASK_INFO_KEYS = [
  'target_base',
  'destination_base',
  'target_right_hand',
  'destination_right_hand',
].flatMap((name) => ['x', 'y', 'z'].map((axis) => `${name}_${axis}`));

/** One robot in one room with one task: MuJoCo underneath, the challenge's observation, action and score on top. 30 steps a second. */
export class Household implements World {
  readonly hands: Readonly<Record<Side, Hand>>;
  readonly runtime: TaskRuntime;
  readonly taskInfoKeys: readonly string[] = TASK_INFO_KEYS;
  private readonly controllers: Controllers;
  private readonly senses: Senses;
  private readonly baseAddresses: readonly number[];
  private readonly moving: readonly number[];
  private readonly geomNames: readonly string[];
  private currentInstance = -1;
  private stepCount = 0;
  private invalid: string | undefined;
  private travelled = [0, 0, 0];
  private initial: readonly boolean[] = [];
  private last = new Float32Array(ACTION_WIDTH);
  readonly robot = HOUSEHOLD_ROBOT;

  private constructor(
    readonly task: HomeTask,
    readonly physics: Physics,
    readonly imageSize: number,
    readonly grasp: GraspMode,
  ) {
    const hand = (side: Side) => new Hand(physics, side, grasp, task.graspable);
    this.hands = { left: hand('left'), right: hand('right') };
    this.controllers = new Controllers(physics);
    this.senses = new Senses(physics, this.hands);
    this.baseAddresses = BASE_JOINTS.map((name) => physics.positionAddress(name));
    this.moving = movingBodies(physics);
    const { mujoco, model } = physics;
    this.geomNames = Array.from(
      { length: model.ngeom },
      (_, g) => mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_GEOM.value, g) ?? '',
    );
    this.runtime = task.create(this);
  }

  /** @throws InputError for an unknown task. The caller closes the household. */
  static async create(
    task: HomeTask,
    { imageSize = 64, grasp = 'assisted' }: HouseholdOptions = {},
  ): Promise<Household> {
    if (!Number.isInteger(imageSize) || imageSize < 8 || imageSize > 2048)
      throw new InputError('Household', `a picture size must be an integer from 8 to 2048 (got ${imageSize}).`);
    return new Household(task, await Physics.create(sceneXml(task)), imageSize, grasp);
  }

  /** Starts an episode. The scene follows from the task and the instance number alone. @throws InputError for a number in no split */
  reset(instance: number): void {
    splitOf(instance);
    const { physics, runtime } = this;
    physics.reset();
    const { qpos, ctrl } = physics.views;
    const set = (joint: string, value: number) => {
      qpos[physics.positionAddress(joint)] = value;
      ctrl[physics.id('actuator', joint)] = value;
    };
    this.last.fill(0);
    this.last.set([...RESET_POSE.torso, ...RESET_POSE.left, 1, ...RESET_POSE.right, 1], BASE_JOINTS.length);
    for (const [i, value] of RESET_POSE.torso.entries()) set(TORSO_JOINTS[i], value);
    for (const side of SIDES) {
      for (const [i, value] of RESET_POSE[side].entries()) set(armJoints(side)[i], value);
      for (const finger of this.hands[side].fingers) qpos[finger] = FINGER_TRAVEL;
      ctrl[physics.id('actuator', `${side}_gripper`)] = 2 * FINGER_TRAVEL;
      this.hands[side].reset();
    }
    runtime.place(Random.of('household', this.task.name, instance));
    physics.mujoco.mj_forward(physics.model, physics.data);
    this.currentInstance = instance;
    this.stepCount = 0;
    this.invalid = undefined;
    this.travelled = [0, 0, 0];
    this.initial = runtime.goal.literals.map((literal) => literal.holds());
  }

  /**
   * Plays one action (docs/facts.md#actions) for one control step. An episode that has become invalid stays as it is.
   * @param disturbance added to the action on its way to the motors, unknown to whoever acts (`lastAction` is without it)
   */
  step(action: ArrayLike<number>, disturbance?: ArrayLike<number>): StepResult {
    if (this.currentInstance < 0)
      throw new ValetError('Household.step', 'there is no episode. Call reset(instance) first.');
    if (action.length !== ACTION_WIDTH)
      throw new InputError('Household.step', `an action has ${ACTION_WIDTH} numbers (got ${action.length}).`);
    if (this.invalid) return this.result();
    const bad = Array.from(action).findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      this.invalid = `action[${bad}] is ${action[bad]}`;
      return this.result();
    }
    const { physics } = this;
    const before = this.points();
    this.controllers.play(disturbance ? Array.from(action, (value, i) => value + disturbance[i]) : action);
    physics.poses();
    this.last.set(Array.from(action));
    this.stepCount++;
    for (const side of SIDES) this.hands[side].update(action[GRIPPER_COLUMNS[side]]);
    this.runtime.afterStep();
    this.points().forEach((point, i) => {
      this.travelled[i] += distance(point, before[i]);
    });
    const warnings = physics.warnings();
    if (warnings.length > 0) this.invalid = `MuJoCo warned: ${warnings.join(', ')}`;
    return this.result();
  }

  /** What the robot senses now. Without cameras the pictures are empty (0 × 0). */
  observe({ cameras = true }: { cameras?: boolean } = {}): Observation {
    const none = { width: 0, height: 0, channels: 3, data: new Uint8Array(0) } as const;
    return {
      proprioception: this.senses.proprioception(),
      pictures: cameras
        ? this.senses.pictures(this.imageSize)
        : Object.fromEntries(this.robot.cameraNames.map((name) => [name, none])),
      taskId: this.task.id,
    };
  }

  /** What one camera of the robot sees now, as in `observe`. */
  cameraPicture(camera: string): Picture {
    return this.senses.cameraPicture(camera, this.imageSize);
  }

  /** A picture of any camera, or of the room (`overview`), RGB. */
  picture(view: ViewName, width: number, height = width) {
    return this.senses.picture(view, width, height);
  }

  get instance(): number {
    return this.currentInstance;
  }

  /** Control steps played since the reset. */
  get steps(): number {
    return this.stepCount;
  }

  /** Time-out: twice the mean length of the expert's episodes, as the challenge takes twice the human mean. */
  get maxSteps(): number {
    return 2 * this.task.meanExpertSteps;
  }

  get success(): boolean {
    return fulfilled(this.runtime.goal.options, this.values());
  }

  /** The literals, whether each holds now, and whether it held at the start. */
  goal(): { literals: { text: string; value: boolean; initial: boolean }[] } {
    const literals = this.runtime.goal.literals.map((literal, i) => ({
      text: literal.text,
      value: literal.holds(),
      initial: this.initial[i],
    }));
    return { literals };
  }

  /** The score if the episode ended now (docs/facts.md#scores). */
  q(): number {
    return qScore(this.runtime.goal.options, this.initial, this.values());
  }

  /** Metres travelled by the base and by each hand since the reset. */
  distances(): { base: number; left: number; right: number } {
    const [base, left, right] = this.travelled;
    return { base, left, right };
  }

  situation(): Situation {
    return this.runtime.situation();
  }

  /** Privileged [12]: target and destination in the base's frame, then both relative to the right hand (base frame's axes); metres. */
  taskInfo(): Float32Array {
    const { target, destination } = this.situation();
    const hand = this.inBase(this.hands.right.tip);
    const points = [this.inBase(target), this.inBase(destination)];
    return Float32Array.from([...points.flat(), ...points.flatMap((point) => subtract(point, hand))]);
  }

  cameraPoses(): Float32Array {
    return this.senses.cameraPoses();
  }

  sceneDescription(): SceneDescription {
    return describeScene(this.physics);
  }

  /** Poses of the moving bodies in the order of `sceneDescription().moving`: xyz in metres, then quaternion wxyz. */
  pose(): Float32Array {
    const { xpos, xquat } = this.physics.views;
    const track = new Float32Array(7 * this.moving.length);
    this.moving.forEach((body, i) => {
      track.set(xpos.subarray(3 * body, 3 * body + 3), 7 * i);
      track.set(xquat.subarray(4 * body, 4 * body + 4), 7 * i + 3);
    });
    return track;
  }

  /** The action played last; after a reset the one that holds the reset pose. */
  get lastAction(): Float32Array {
    return this.last.slice();
  }

  snapshot(): Snapshot {
    const { equalityData, equalityObject2 } = this.physics.views;
    return {
      task: this.task.name,
      instance: this.currentInstance,
      physics: this.physics.saveState(),
      equalityData: equalityData.slice(),
      equalityObject2: equalityObject2.slice(),
      held: { left: this.hands.left.held, right: this.hands.right.held },
      runtime: this.runtime.save(),
      steps: this.stepCount,
      lastAction: this.lastAction,
      travelled: [...this.travelled],
      initial: [...this.initial],
      invalid: this.invalid,
    };
  }

  /** Goes back to a snapshot of the same episode. @throws ValetError for one of another task or instance */
  restore(snapshot: Snapshot): void {
    if (snapshot.task !== this.task.name || snapshot.instance !== this.currentInstance)
      throw new ValetError(
        'Household.restore',
        `a snapshot of ${snapshot.task} ${snapshot.instance} does not fit ${this.task.name} ${this.currentInstance}. Reset to that instance first.`,
      );
    const { physics } = this;
    const { equalityData, equalityObject2 } = physics.views;
    equalityData.set(snapshot.equalityData);
    equalityObject2.set(snapshot.equalityObject2);
    physics.loadState(snapshot.physics);
    physics.poses();
    for (const side of SIDES) this.hands[side].held = snapshot.held[side];
    this.runtime.load(snapshot.runtime);
    this.stepCount = snapshot.steps;
    this.last.set(snapshot.lastAction);
    this.travelled = [...snapshot.travelled];
    this.initial = [...snapshot.initial];
    this.invalid = snapshot.invalid;
  }

  close(): void {
    this.physics.close();
  }

  get base(): readonly [number, number, number] {
    const { qpos } = this.physics.views;
    const [x, y, yaw] = this.baseAddresses;
    return [qpos[x], qpos[y], qpos[yaw]];
  }

  setBase(x: number, y: number, yaw: number): void {
    const { qpos } = this.physics.views;
    [x, y, yaw].forEach((value, i) => {
      qpos[this.baseAddresses[i]] = value;
    });
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
    this.geomNames.forEach((name, g) => {
      if (name.startsWith(prefix)) geomColour.set(colour, 4 * g);
    });
  }

  /** A point of the world seen from the base. */
  inBase(point: Vector3): Vector3 {
    const [x, y, yaw] = this.base;
    return turn(subtract(point, [x, y, 0]), -yaw);
  }

  /** A point given in the base frame, in the world. */
  inWorld(point: Vector3): Vector3 {
    const [x, y, yaw] = this.base;
    const [dx, dy, z] = turn(point, yaw);
    return [x + dx, y + dy, z];
  }

  private points(): Vector3[] {
    const [x, y] = this.base;
    return [[x, y, 0], this.hands.left.tip, this.hands.right.tip];
  }

  private values(): boolean[] {
    return this.runtime.goal.literals.map((literal) => literal.holds());
  }

  private result(): StepResult {
    const { invalid } = this;
    const success = invalid === undefined && this.success;
    const done = success || invalid !== undefined || this.stepCount >= this.maxSteps;
    return invalid === undefined ? { done, success } : { done, success, invalid };
  }
}
