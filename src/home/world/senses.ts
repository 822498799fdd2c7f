import { InputError } from '../../base/index.ts';
import { encodeProprioception, type Picture, type ProprioceptionLayout } from '../../robot/index.ts';
import {
  conjugate,
  matrixAt,
  multiply,
  type Quaternion,
  quaternionAt,
  quaternionOf,
  rotate,
  subtract,
  turn,
  type Vector3,
  vectorAt,
} from './geometry.ts';
import type { Hand } from './hands.ts';
import type { Physics } from './mujoco.ts';
import type { Light } from './render/geometry.ts';
import { Raycaster } from './render/raycaster.ts';
import {
  ACTUATORS,
  ARM_JOINTS,
  BASE_JOINTS,
  COLUMNS,
  HOUSEHOLD_ROBOT,
  SIDES,
  type Side,
  TORSO_JOINTS,
} from './robot.ts';

/** The order of the official `cam_rel_poses` (docs/facts.md#proprioception). */
const POSE_ORDER: readonly string[] = ['left_wrist', 'right_wrist', 'head'];
/** One of the robot's cameras, or `overview`: the room. */
export type ViewName = string;
const VIEWS: readonly ViewName[] = [...HOUSEHOLD_ROBOT.cameraNames, 'overview'];

/** A quaternion in the order that data sets use. */
const xyzw = ([w, x, y, z]: Quaternion): number[] => [x, y, z, w];

const pick = (array: ArrayLike<number>, addresses: readonly number[]): number[] =>
  addresses.map((address) => array[address] as number);
const triple = (array: ArrayLike<number>, addresses: readonly number[]) =>
  pick(array, addresses) as [number, number, number];

interface Pose {
  readonly position: Vector3;
  readonly quaternion: Quaternion;
}

/** What is named after a hand's side. */
const handFields = (side: Side, hand: Hand, pose: Pose, qpos: ArrayLike<number>, qvel: ArrayLike<number>) => ({
  [`arm_${side}_qpos`]: pick(qpos, hand.positions),
  [`arm_${side}_qvel`]: pick(qvel, hand.velocities),
  [`eef_${side}_pos`]: pose.position,
  [`eef_${side}_quat`]: xyzw(pose.quaternion),
  [`gripper_${side}_qpos`]: pick(qpos, hand.fingers),
  [`gripper_${side}_qvel`]: pick(qvel, hand.fingerVelocities),
});

const shapesOf = ({ model }: Physics, rgba: ArrayLike<number>) =>
  new Raycaster({ types: model.geom_type, sizes: model.geom_size, rbound: model.geom_rbound, rgba });

/** Everything the robot senses: proprioception, its cameras and where they are. */
export class Senses {
  private readonly base: readonly number[];
  private readonly baseVelocity: readonly number[];
  private readonly trunk: readonly number[];
  private readonly trunkVelocity: readonly number[];
  private readonly baseBody: number;
  private readonly handBodies: Readonly<Record<Side, number>>;
  private readonly actuators: readonly number[];
  private readonly cameras: ReadonlyMap<ViewName, number>;
  /** Numbers of proprioception. */
  private readonly length = (HOUSEHOLD_ROBOT.proprioception.layouts[0] as ProprioceptionLayout).length;
  private readonly fields: Float64Array;
  private raycaster: Raycaster;
  /** As the scene was made, before anything was hidden. */
  private readonly colours: Float64Array;
  /** Another light than the room's own. */
  light: Light | undefined;

  constructor(
    private readonly physics: Physics,
    private readonly hands: Readonly<Record<Side, Hand>>,
  ) {
    const { model } = physics;
    this.base = BASE_JOINTS.map((name) => physics.positionAddress(name));
    this.baseVelocity = BASE_JOINTS.map((name) => physics.velocityAddress(name));
    this.trunk = TORSO_JOINTS.map((name) => physics.positionAddress(name));
    this.trunkVelocity = TORSO_JOINTS.map((name) => physics.velocityAddress(name));
    this.baseBody = physics.id('body', 'base');
    this.handBodies = {
      left: physics.id('body', 'left_arm_link7'),
      right: physics.id('body', 'right_arm_link7'),
    };
    this.actuators = ACTUATORS.map((name) => physics.id('actuator', name));
    this.cameras = new Map(VIEWS.map((name) => [name, physics.id('camera', name)]));
    this.fields = Float64Array.from(model.cam_fovy);
    this.colours = Float64Array.from(model.geom_rgba);
    this.raycaster = shapesOf(physics, this.colours);
  }

  /** After geoms have got another size. */
  shapesChanged(): void {
    this.raycaster = shapesOf(this.physics, this.colours);
  }

  /**
   * The robot's first layout (docs/facts.md#proprioception). Base velocity is in the robot's own frame; hand poses are
   * relative to the base.
   */
  proprioception(): Float32Array {
    const { qpos, qvel, actuatorForce, xquat } = this.physics.views;
    const { left, right } = this.hands;
    const [x, y, yaw] = triple(qpos, this.base);
    const [worldX, worldY, turning] = triple(qvel, this.baseVelocity);
    const [forward, sideways] = turn([worldX, worldY, 0], -yaw);
    const force = pick(actuatorForce, this.actuators);
    const [forceX, forceY, torque] = triple(force, [0, 1, 2]);
    const arm = (side: Side) => force.slice(COLUMNS.arm[side], COLUMNS.arm[side] + ARM_JOINTS);
    const finger = (side: Side) => (force[COLUMNS.gripper[side]] as number) / 2;
    const trunk = (array: ArrayLike<number>) => pick(array, this.trunk);
    const leftPose = this.relative(left.tip, quaternionAt(xquat, this.handBodies.left));
    const rightPose = this.relative(right.tip, quaternionAt(xquat, this.handBodies.right));
    const trunkVelocity = pick(qvel, this.trunkVelocity);
    // Joints: six virtual ones of the base (x, y, z, roll, pitch, yaw), trunk, arms, fingers.
    return encodeProprioception(HOUSEHOLD_ROBOT, this.length, {
      joint_qpos: [
        ...[x, y, 0, 0, 0, yaw],
        ...trunk(qpos),
        ...[left.positions, right.positions, left.fingers, right.fingers].flatMap((at) => pick(qpos, at)),
      ],
      joint_qvel: [
        ...[worldX, worldY, 0, 0, 0, turning],
        ...trunkVelocity,
        ...[left.velocities, right.velocities, left.fingerVelocities, right.fingerVelocities].flatMap((at) =>
          pick(qvel, at),
        ),
      ],
      joint_qeffort: [
        ...[forceX, forceY, 0, 0, 0, torque],
        ...force.slice(COLUMNS.torso, COLUMNS.torso + this.trunk.length),
        ...SIDES.flatMap(arm),
        ...SIDES.flatMap((side) => [finger(side), finger(side)]),
      ],
      robot_pos: [x, y, 0],
      robot_ori: [0, 0, yaw],
      robot_2d_ori: yaw,
      robot_lin_vel: [worldX, worldY, 0],
      robot_ang_vel: [0, 0, turning],
      ...handFields('left', left, leftPose, qpos, qvel),
      ...handFields('right', right, rightPose, qpos, qvel),
      trunk_qpos: trunk(qpos),
      trunk_qvel: trunkVelocity,
      base_qpos: [x, y, yaw],
      base_qvel: [forward, sideways, turning],
    });
  }

  /**
   * Left wrist, right wrist, head: position 3 (m) and quaternion xyzw of each camera relative to the base; 7 numbers
   * each.
   */
  cameraPoses(): Float32Array {
    const { cameraPosition, cameraMatrix } = this.physics.views;
    const poses = new Float32Array(7 * POSE_ORDER.length);
    POSE_ORDER.forEach((name, i) => {
      const id = this.camera(name);
      const { position, quaternion } = this.relative(
        vectorAt(cameraPosition, id),
        quaternionOf(matrixAt(cameraMatrix, id)),
      );
      poses.set([...position, ...xyzw(quaternion)], 7 * i);
    });
    return poses;
  }

  /** One picture; `supersample` 2 takes four rays a pixel. */
  picture(view: ViewName, width: number, height = width, supersample: 1 | 2 = 2): Picture {
    const { geomPosition, geomMatrix, cameraPosition, cameraMatrix, geomColour } = this.physics.views;
    const id = this.camera(view);
    const data = this.raycaster.render({
      geomPositions: geomPosition,
      geomMatrices: geomMatrix,
      cameraPosition: cameraPosition.subarray(3 * id, 3 * id + 3),
      cameraMatrix: cameraMatrix.subarray(9 * id, 9 * id + 9),
      fovyDegrees: this.fields[id] as number,
      width,
      height,
      rgba: geomColour,
      supersample,
      light: this.light,
    });
    return { width, height, channels: 3, data };
  }

  /**
   * The head sees small things from afar: four rays a pixel, so that their edges carry their position below a pixel's
   * width.
   */
  cameraPicture(camera: string, size: number): Picture {
    return this.picture(camera, size, size, camera === 'head' ? 2 : 1);
  }

  pictures(size: number): Record<string, Picture> {
    return Object.fromEntries(HOUSEHOLD_ROBOT.cameraNames.map((name) => [name, this.cameraPicture(name, size)]));
  }

  /** The same, each drawn when somebody looks at it: a policy looks only when it plans. Good until the next step. */
  lazyPictures(size: number): Record<string, Picture> {
    const pictures: Record<string, Picture> = {};
    for (const name of HOUSEHOLD_ROBOT.cameraNames) {
      let drawn: Picture | undefined;
      const get = () => (drawn ??= this.cameraPicture(name, size));
      Object.defineProperty(pictures, name, { enumerable: true, get });
    }
    return pictures;
  }

  /** @throws InputError that names the views there are */
  private camera(view: ViewName): number {
    const id = this.cameras.get(view);
    if (id === undefined) throw new InputError('picture', `no camera ${view} (expected ${VIEWS.join(', ')}).`);
    return id;
  }

  /** A pose seen from the base. */
  private relative(position: Vector3, quaternion: Quaternion): Pose {
    const { xpos, xquat } = this.physics.views;
    const inverse = conjugate(quaternionAt(xquat, this.baseBody));
    return {
      position: rotate(inverse, subtract(position, vectorAt(xpos, this.baseBody))),
      quaternion: multiply(inverse, quaternion),
    };
  }
}
