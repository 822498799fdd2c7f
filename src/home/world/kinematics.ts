import type { MjData } from '@mujoco/mujoco';
import {
  add,
  clamp,
  type Matrix3,
  matrixAt,
  matrixOf,
  type Quaternion,
  subtract,
  type Vector3,
  vectorAt,
} from './geometry.ts';
import type { Hand } from './hands.ts';
import type { Physics } from './mujoco.ts';

const DAMPING = 0.03;
/** Weight of a radian against a metre. */
const ROTATION_WEIGHT = 0.5;
/** Pull towards the posture in the null space, share of the way an iteration. */
const POSTURE_PULL = 0.1;
const JOINTS = 7;
const TASK = 6;

/**
 * Inverse kinematics of one arm by damped least squares on the site's Jacobian, with a posture term in the null space:
 * dq = J⁺(e − J u) + u with u = pull · (posture − q). Base and torso stay where they are. 20 µs an iteration.
 */
export class ArmKinematics {
  private readonly scratch: MjData;
  private readonly jacobianPosition;
  private readonly jacobianRotation;

  constructor(private readonly physics: Physics) {
    this.scratch = physics.scratch();
    this.jacobianPosition = new physics.mujoco.DoubleBuffer(3 * physics.model.nv);
    this.jacobianRotation = new physics.mujoco.DoubleBuffer(3 * physics.model.nv);
  }

  /**
   * @param start joint positions [7] to start from
   * @param posture joint positions [7] that the null space prefers
   * @returns joint positions [7] within the joints' limits, and how far from the goal the last iteration still began
   *   (metres + half radians)
   */
  solve(
    hand: Hand,
    position: Vector3,
    orientation: Quaternion,
    start: ArrayLike<number>,
    posture: ArrayLike<number>,
    iterations = 5,
  ): { joints: Float64Array; residual: number } {
    const { physics, scratch } = this;
    const { mujoco, model } = physics;
    const nv = model.nv;
    const goal = matrixOf(orientation);
    const q = Float64Array.from(start);
    const positions: Float64Array = scratch.qpos;
    positions.set(physics.views.qpos);
    const jacobian = new Float64Array(TASK * JOINTS);
    const error = new Float64Array(TASK);
    const gram = new Float64Array(TASK * TASK);
    const pull = new Float64Array(JOINTS);
    let residual = 0;
    for (let iteration = 0; iteration < iterations; iteration++) {
      for (let k = 0; k < JOINTS; k++) positions[hand.positions[k]!] = q[k]!;
      mujoco.mj_kinematics(model, scratch);
      mujoco.mj_comPos(model, scratch);
      mujoco.mj_jacSite(model, scratch, this.jacobianPosition, this.jacobianRotation, hand.site);
      const linear = this.jacobianPosition.GetView() as Float64Array;
      const angular = this.jacobianRotation.GetView() as Float64Array;
      for (let k = 0; k < JOINTS; k++) {
        const column = hand.velocities[k]!;
        for (let row = 0; row < 3; row++) {
          jacobian[row * JOINTS + k] = linear[row * nv + column]!;
          jacobian[(row + 3) * JOINTS + k] = ROTATION_WEIGHT * angular[row * nv + column]!;
        }
        pull[k] = POSTURE_PULL * (posture[k]! - q[k]!);
      }
      poseError(scratch.site_xpos, scratch.site_xmat, hand.site, position, goal, error);
      residual = Math.hypot(...error);
      for (let i = 0; i < TASK; i++) {
        for (let k = 0; k < JOINTS; k++) error[i]! -= jacobian[i * JOINTS + k]! * pull[k]!;
        for (let j = 0; j < TASK; j++) {
          let sum = i === j ? DAMPING * DAMPING : 0;
          for (let k = 0; k < JOINTS; k++) sum += jacobian[i * JOINTS + k]! * jacobian[j * JOINTS + k]!;
          gram[i * TASK + j] = sum;
        }
      }
      solvePositive(gram, error);
      for (let k = 0; k < JOINTS; k++) {
        let change = pull[k]!;
        for (let i = 0; i < TASK; i++) change += jacobian[i * JOINTS + k]! * error[i]!;
        q[k] = clamp(q[k]! + change, hand.low[k]!, hand.high[k]!);
      }
    }
    return { joints: q, residual };
  }

  close(): void {
    this.jacobianPosition.delete();
    this.jacobianRotation.delete();
    this.scratch.delete();
  }
}

/** Position error (at most 10 cm long) and half the sum of the axes' cross products, into `out` [6]. */
function poseError(
  sites: Float64Array,
  matrices: Float64Array,
  site: number,
  position: Vector3,
  goal: Matrix3,
  out: Float64Array,
): void {
  const offset = subtract(position, vectorAt(sites, site));
  const length = Math.hypot(...offset);
  out.set(length > 0.1 ? offset.map((x) => x * (0.1 / length)) : offset);
  const [a0, a1, a2, a3, a4, a5, a6, a7, a8] = matrixAt(matrices, site);
  const [b0, b1, b2, b3, b4, b5, b6, b7, b8] = goal;
  const crosses = [
    cross([a0, a3, a6], [b0, b3, b6]),
    cross([a1, a4, a7], [b1, b4, b7]),
    cross([a2, a5, a8], [b2, b5, b8]),
  ];
  let turning: Vector3 = [0, 0, 0];
  for (const [x, y, z] of crosses)
    turning = add(turning, [0.5 * ROTATION_WEIGHT * x, 0.5 * ROTATION_WEIGHT * y, 0.5 * ROTATION_WEIGHT * z]);
  out.set(turning, 3);
}

const cross = ([a0, a1, a2]: Vector3, [b0, b1, b2]: Vector3): Vector3 => [
  a1 * b2 - a2 * b1,
  a2 * b0 - a0 * b2,
  a0 * b1 - a1 * b0,
];

/** Solves A x = b in place by Cholesky (A symmetric positive definite [6, 6], overwritten); x comes back in `b`. */
function solvePositive(a: Float64Array, b: Float64Array): void {
  for (let i = 0; i < TASK; i++)
    for (let j = 0; j <= i; j++) {
      let sum = a[i * TASK + j]!;
      for (let k = 0; k < j; k++) sum -= a[i * TASK + k]! * a[j * TASK + k]!;
      a[i * TASK + j] = i === j ? Math.sqrt(sum) : sum / a[j * TASK + j]!;
    }
  for (let i = 0; i < TASK; i++) {
    for (let k = 0; k < i; k++) b[i]! -= a[i * TASK + k]! * b[k]!;
    b[i]! /= a[i * TASK + i]!;
  }
  for (let i = TASK - 1; i >= 0; i--) {
    for (let k = i + 1; k < TASK; k++) b[i]! -= a[k * TASK + i]! * b[k]!;
    b[i]! /= a[i * TASK + i]!;
  }
}
