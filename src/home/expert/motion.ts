import {
  ArmKinematics,
  add,
  BASE_SCALE,
  COLUMNS,
  clamp,
  type ExpertWorld,
  HOUSEHOLD_ROBOT,
  type Quaternion,
  quaternionAt,
  type Side,
  subtract,
  TORSO_JOINTS,
  type Vector3,
  wrapAngle,
  yawQuaternion,
} from '../world/index.ts';

/**
 * Fastest base command, share of the full range. Policies are played 1.3 times faster than their demonstrations (26
 * actions in 20 steps), so an expert that keeps below 1/1.3 leaves the sped-up command inside the range.
 */
const BASE_LIMIT = 0.75 / 1.3;
/** Change of the base command a step. */
const BASE_CHANGE = 0.05;
/** How far ahead of the measured joint the motor target runs, seconds: the servo's lag (kv/kp) and one control step. */
const LEAD = { arm: 0.085, torso: 0.12 };
/** Joint speeds, rad/s. */
const JOINT_SPEED = { arm: 1.3, torso: 0.9 };
/** Turning speed of the hand, rad/s. */
const HAND_TURNING = 1.5;
/** Residual of the kinematics that means that the arm cannot go on from where it is. */
const STUCK = 0.015;
const GRIPPER_CHANGE = 0.15;

/** A box in the base frame that a point should be in: x forward, y to the left, metres. */
export interface Zone {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

/**
 * Turns goals (hand here, base so that this point is within reach, gripper open) into one action, smoothly: each
 * command leads the measured joint by a bounded amount and changes by a bounded amount a step. It keeps nothing between
 * two steps except what the world itself knows (the joints and the last action), so it can take over from anybody at
 * any time.
 */
export class Motion {
  private readonly kinematics: ArmKinematics;
  private readonly torso: readonly number[];
  private readonly handBodies: Readonly<Record<Side, number>>;
  private action: Float32Array = new Float32Array(HOUSEHOLD_ROBOT.width);

  constructor(private readonly world: ExpertWorld) {
    const { physics } = world;
    this.kinematics = new ArmKinematics(physics);
    this.torso = TORSO_JOINTS.map((name) => physics.positionAddress(name));
    this.handBodies = {
      left: physics.id('body', 'left_arm_link7'),
      right: physics.id('body', 'right_arm_link7'),
    };
  }

  /** Starts an action from the one played last; base at rest. */
  begin(): void {
    this.action = this.world.lastAction;
    this.drive([0, 0, 0]);
  }

  end(): Float32Array {
    return this.action.slice();
  }

  /** A base velocity as shares of full scale, limited in size and change. */
  drive(command: Vector3, limit = BASE_LIMIT): void {
    const last = this.world.lastAction;
    const size = Math.hypot(command[0], command[1]);
    const scale = size > limit ? limit / size : 1;
    const wanted = [command[0] * scale, command[1] * scale, clamp(command[2], -limit, limit)];
    for (const [i, value] of wanted.entries()) {
      const from = clamp(last[i] as number, -BASE_LIMIT, BASE_LIMIT);
      this.action[i] = from + clamp(value - from, -BASE_CHANGE, BASE_CHANGE);
    }
  }

  /**
   * Velocity that brings `point` (world) into the zone and the robot's heading to 0; at most `limit` (share of full
   * scale), `gate` in 0…1 slows it, `forwardLimit` in m/s.
   */
  driveToZone(
    point: Vector3,
    zone: Zone,
    {
      limit,
      gate = 1,
      forwardLimit = Number.POSITIVE_INFINITY,
    }: { limit: number; gate?: number; forwardLimit?: number },
  ): void {
    const { world } = this;
    const [x, y] = world.inBase(point);
    const beyond = (value: number, [low, high]: readonly [number, number]) =>
      value > high ? value - high : value < low ? value - low : 0;
    const gain = 2.6;
    const forward = Math.min(gain * beyond(x, zone.x), forwardLimit);
    const heading = wrapAngle(world.base[2]);
    const turning = Math.abs(heading) < 0.02 ? 0 : -1.2 * (heading - Math.sign(heading) * 0.02);
    this.drive(
      [
        (gate * forward) / BASE_SCALE[0],
        (gate * gain * beyond(y, zone.y)) / BASE_SCALE[1],
        (gate * turning) / BASE_SCALE[2],
      ],
      limit,
    );
  }

  /** Moves the torso towards a posture. */
  bend(posture: readonly number[]): void {
    const { qpos } = this.world.physics.views;
    for (const [i, address] of this.torso.entries()) {
      const now = qpos[address] as number;
      const lead = JOINT_SPEED.torso * LEAD.torso;
      this.follow(now + clamp((posture[i] as number) - now, -lead, lead), COLUMNS.torso + i, JOINT_SPEED.torso);
    }
  }

  /** Moves an arm towards joint positions. */
  rest(side: Side, posture: ArrayLike<number>): void {
    const { qpos } = this.world.physics.views;
    const hand = this.world.hands[side];
    const first = COLUMNS.arm[side];
    const now = hand.positions.map((address) => qpos[address] as number);
    const farthest = Math.max(...now.map((q, k) => Math.abs((posture[k] as number) - q)));
    // the same for all: a straight line stays one
    const share = Math.min(1, (JOINT_SPEED.arm * LEAD.arm) / Math.max(farthest, 1e-9));
    now.forEach((q, k) => {
      this.follow(q + share * ((posture[k] as number) - q), first + k, JOINT_SPEED.arm);
    });
  }

  /**
   * Moves the point between the fingertips towards `target` (world) on a straight line, with the hand pointing down and
   * its fingers opening across `yaw` (world, radians). `pitch` raises the fingers: at π/2 they point along `yaw`.
   */
  reach(side: Side, target: Vector3, yaw: number, posture: readonly number[], speed = 0.35, pitch = 0): void {
    const { world } = this;
    const { qpos, xquat } = world.physics.views;
    const hand = world.hands[side];
    const tip = hand.tip;
    const ahead = subtract(target, tip);
    const length = Math.hypot(...ahead);
    const step = speed * LEAD.arm;
    const share = length > step ? step / length : 1;
    const waypoint = add(tip, [ahead[0] * share, ahead[1] * share, ahead[2] * share]);
    const now = quaternionAt(xquat, this.handBodies[side]);
    const wanted = pitch === 0 ? yawQuaternion(yaw) : pitched(yaw, pitch);
    const orientation = towards(now, wanted, HAND_TURNING * LEAD.arm);
    const start = hand.positions.map((address) => qpos[address] as number);
    const { joints, residual } = this.kinematics.solve(hand, waypoint, orientation, start, posture);
    // Stuck at a joint's limit: go to the goal as the arm would reach it from its ready posture.
    const free = residual > STUCK ? this.kinematics.solve(hand, target, wanted, posture, posture, 30) : undefined;
    this.rest(side, free && free.residual < STUCK ? free.joints : joints);
  }

  gripper(side: Side, target: number): void {
    const column = COLUMNS.gripper[side];
    const from = clamp(this.world.lastAction[column] as number, -1, 1);
    this.action[column] = from + clamp(target - from, -GRIPPER_CHANGE, GRIPPER_CHANGE);
  }

  /** Yaw of a hand, world, radians, in (-π, π]. */
  handYaw(side: Side): number {
    const [w, x, y, z] = quaternionAt(this.world.physics.views.xquat, this.handBodies[side]);
    return Math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z));
  }

  close(): void {
    this.kinematics.close();
  }

  /** Sets a motor target, with a bounded change since the last step. */
  private follow(goal: number, column: number, speed: number): void {
    const last = this.world.lastAction[column] as number;
    const change = (1.6 * speed) / HOUSEHOLD_ROBOT.rate;
    this.action[column] = last + clamp(goal - last, -change, change);
  }
}

/** A hand that was turned about the vertical, its fingers raised from pointing down. */
function pitched(yaw: number, pitch: number): Quaternion {
  const [c, s] = [Math.cos(yaw / 2), Math.sin(yaw / 2)];
  const [a, b] = [Math.cos(pitch / 2), -Math.sin(pitch / 2)];
  return [c * a, -s * b, c * b, s * a];
}

/** Turns `from` towards `to` by at most `angle` radians. */
function towards(from: Quaternion, to: Quaternion, angle: number): Quaternion {
  const dot = from[0] * to[0] + from[1] * to[1] + from[2] * to[2] + from[3] * to[3];
  const sign = dot < 0 ? -1 : 1;
  const whole = 2 * Math.acos(Math.min(1, Math.abs(dot)));
  if (whole <= angle) return to;
  const half = whole / 2;
  const share = angle / whole;
  const a = Math.sin((1 - share) * half) / Math.sin(half);
  const b = (sign * Math.sin(share * half)) / Math.sin(half);
  return [a * from[0] + b * to[0], a * from[1] + b * to[1], a * from[2] + b * to[2], a * from[3] + b * to[3]];
}
