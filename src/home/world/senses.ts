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
import { Raycaster } from './render/raycaster.ts';
import { ACTUATORS, BASE_JOINTS, HOUSEHOLD_ROBOT, type Side, TORSO_JOINTS } from './robot.ts';

/** The order of the official `cam_rel_poses` (docs/facts.md#cameras). */
const POSE_ORDER: readonly string[] = ['left_wrist', 'right_wrist', 'head'];
export type ViewName = string | 'overview';
/** The layout of proprioception that the household gives: the robot's first. */
const [LAYOUT] = HOUSEHOLD_ROBOT.proprioception.layouts as [ProprioceptionLayout];
const VIEWS: readonly ViewName[] = [...HOUSEHOLD_ROBOT.cameraNames, 'overview'];

/** A quaternion in the order that data sets use. */
const xyzw = ([w, x, y, z]: Quaternion): number[] => [x, y, z, w];

/** Everything the robot senses: 256 numbers of proprioception, its cameras and where they are. */
export class Senses {
  private readonly base: readonly number[];
  private readonly baseVelocity: readonly number[];
  private readonly trunk: readonly number[];
  private readonly trunkVelocity: readonly number[];
  private readonly baseBody: number;
  private readonly handBodies: Readonly<Record<Side, number>>;
  private readonly actuators: readonly number[];
  private readonly cameras: Readonly<Record<ViewName, number>>;
  private readonly fields: Float64Array;
  private readonly raycaster: Raycaster;

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
    this.cameras = Object.fromEntries(VIEWS.map((name) => [name, physics.id('camera', name)])) as Record<
      ViewName,
      number
    >;
    this.fields = Float64Array.from(model.cam_fovy);
    this.raycaster = new Raycaster({
      types: model.geom_type,
      sizes: model.geom_size,
      rbound: model.geom_rbound,
      rgba: model.geom_rgba,
    });
  }

  /** docs/facts.md#proprioception. Base velocity is in the robot's own frame; hand poses are relative to the base. */
  proprioception(): Float32Array {
    const { qpos, qvel, actuatorForce } = this.physics.views;
    const pick = (array: ArrayLike<number>, addresses: readonly number[]) => addresses.map((address) => array[address]);
    const { left, right } = this.hands;
    const [x, y, yaw] = pick(qpos, this.base);
    const [worldX, worldY, turning] = pick(qvel, this.baseVelocity);
    const [forward, sideways] = turn([worldX, worldY, 0], -yaw);
    const force = pick(actuatorForce, this.actuators);
    // 28 joints: six virtual ones of the base (x, y, z, roll, pitch, yaw), trunk, arms, fingers.
    const joints = (
      array: ArrayLike<number>,
      base: number[],
      trunk: readonly number[],
      arms: (hand: Hand) => number[],
      fingers: (hand: Hand) => number[],
    ) => [
      base[0],
      base[1],
      0,
      0,
      0,
      base[2],
      ...pick(array, trunk),
      ...arms(left),
      ...arms(right),
      ...fingers(left),
      ...fingers(right),
    ];
    const pose = (side: Side) =>
      this.relative(this.hands[side].tip, quaternionAt(this.physics.views.xquat, this.handBodies[side]));
    const leftPose = pose('left');
    const rightPose = pose('right');
    return encodeProprioception(HOUSEHOLD_ROBOT, LAYOUT.length, {
      joint_qpos: joints(
        qpos,
        [x, y, yaw],
        this.trunk,
        (h) => pick(qpos, h.positions),
        (h) => pick(qpos, h.fingers),
      ),
      joint_qvel: joints(
        qvel,
        [worldX, worldY, turning],
        this.trunkVelocity,
        (h) => pick(qvel, h.velocities),
        (h) => pick(qvel, h.fingerVelocities),
      ),
      joint_qeffort: [
        force[0],
        force[1],
        0,
        0,
        0,
        force[2],
        ...force.slice(3, 7),
        ...force.slice(7, 14),
        ...force.slice(15, 22),
        force[14] / 2,
        force[14] / 2,
        force[22] / 2,
        force[22] / 2,
      ],
      robot_pos: [x, y, 0],
      robot_ori: [0, 0, yaw],
      robot_2d_ori: yaw,
      robot_lin_vel: [worldX, worldY, 0],
      robot_ang_vel: [0, 0, turning],
      arm_left_qpos: pick(qpos, left.positions),
      arm_left_qvel: pick(qvel, left.velocities),
      eef_left_pos: leftPose.position,
      eef_left_quat: xyzw(leftPose.quaternion),
      gripper_left_qpos: pick(qpos, left.fingers),
      gripper_left_qvel: pick(qvel, left.fingerVelocities),
      arm_right_qpos: pick(qpos, right.positions),
      arm_right_qvel: pick(qvel, right.velocities),
      eef_right_pos: rightPose.position,
      eef_right_quat: xyzw(rightPose.quaternion),
      gripper_right_qpos: pick(qpos, right.fingers),
      gripper_right_qvel: pick(qvel, right.fingerVelocities),
      trunk_qpos: pick(qpos, this.trunk),
      trunk_qvel: pick(qvel, this.trunkVelocity),
      base_qpos: [x, y, yaw],
      base_qvel: [forward, sideways, turning],
    });
  }

  /** Left wrist, right wrist, head: position 3 (m) and quaternion xyzw of each camera relative to the base; 21 numbers. */
  cameraPoses(): Float32Array {
    const { cameraPosition, cameraMatrix } = this.physics.views;
    const poses = new Float32Array(21);
    POSE_ORDER.forEach((name, i) => {
      const id = this.cameras[name];
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
    const id = this.cameras[view];
    const data = this.raycaster.render({
      geomPositions: geomPosition,
      geomMatrices: geomMatrix,
      cameraPosition: cameraPosition.subarray(3 * id, 3 * id + 3),
      cameraMatrix: cameraMatrix.subarray(9 * id, 9 * id + 9),
      fovyDegrees: this.fields[id],
      width,
      height,
      rgba: geomColour,
      supersample,
    });
    return { width, height, channels: 3, data };
  }

  /** The head sees small things from afar: four rays a pixel, so that their edges carry their position below a pixel's width. */
  cameraPicture(camera: string, size: number): Picture {
    return this.picture(camera, size, size, camera === 'head' ? 2 : 1);
  }

  pictures(size: number): Record<string, Picture> {
    return Object.fromEntries(
      HOUSEHOLD_ROBOT.cameraNames.map((name) => [name, this.cameraPicture(name, size)]),
    ) as Record<string, Picture>;
  }

  /** A pose seen from the base. */
  private relative(position: Vector3, quaternion: Quaternion): { position: Vector3; quaternion: Quaternion } {
    const { xpos, xquat } = this.physics.views;
    const inverse = conjugate(quaternionAt(xquat, this.baseBody));
    return {
      position: rotate(inverse, subtract(position, vectorAt(xpos, this.baseBody))),
      quaternion: multiply(inverse, quaternion),
    };
  }
}
