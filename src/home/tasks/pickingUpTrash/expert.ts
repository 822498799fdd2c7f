import { Motion, type Zone } from '../../expert/index.ts';
import {
  clamp,
  type ExpertWorld,
  RESET_POSE,
  subtract,
  type TaskExpert,
  turn,
  type Vector3,
  wrapAngle,
} from '../../world/index.ts';
import { BIN, CAN, CANS, type CanState, type TrashRuntime } from './runtime.ts';

/** Knees bent, chest low: the hand reaches the floor and still comes over the bin. */
const SQUAT = [1.6, -2.32, -1.5, 0];
const READY = [-0.7, -0.2, 0, -1.5, 0, 1.5, 0.2];
/** Where a can, and the place to drop it, should be, seen from the base. */
const CAN_ZONE: Zone = { x: [0.42, 0.54], y: [-0.33, -0.13] };
/** A turned hand reaches less far inwards. */
const LYING_ZONE: Zone = { x: [0.42, 0.54], y: [-0.34, -0.22] };
const BIN_ZONE: Zone = { x: [0.5, 0.73], y: [-0.38, -0.04] };
/** Heights of the point between the fingertips, metres. */
const TRAVEL = 0.21;
const CARRY = 0.37;
/** The robot's front in its own frame. */
const FRONT = 0.24;
/** How far the open fingers stick out to the sides of the hand. */
const FINGERS_BESIDE = 0.045;

/** Takes the rightmost can that still lies about, carries it over the bin, lets it fall; again until none is left. */
export function createTrashExpert(world: ExpertWorld, runtime: TrashRuntime): TaskExpert {
  const motion = new Motion(world);

  /**
   * Height that keeps the hand clear of the bin's walls at a place: over the bin, and beside it where the open fingers
   * reach over.
   */
  function clearance([x, y]: Vector3): number {
    const bin = runtime.binPosition;
    const yaw = motion.handYaw('right');
    const outside = Math.max(
      Math.abs(x - bin[0]) - BIN.half - FINGERS_BESIDE * Math.abs(Math.sin(yaw)),
      Math.abs(y - bin[1]) - BIN.half - FINGERS_BESIDE * Math.abs(Math.cos(yaw)),
    );
    return clamp(0.4 - (outside - 0.015) * 20, 0, 0.4);
  }

  /** Yaw at which the fingers close across the can: any for one that stands, otherwise the nearer of the two. */
  function graspYaw(can: CanState, lying: boolean): number {
    const heading = world.base[2];
    if (!lying) return heading;
    const across = wrapAngle(2 * (Math.atan2(can.axis[1], can.axis[0]) - heading)) / 2;
    const now = wrapAngle(motion.handYaw('right') - heading);
    const candidates = [across - Math.PI, across, across + Math.PI].filter((yaw) => Math.abs(yaw) < 2);
    return heading + candidates.reduce((a, b) => (Math.abs(b - now) < Math.abs(a - now) ? b : a));
  }

  /** Cans right in front of the base must not be run over, m/s; one in the way to a far can is pushed along slowly. */
  function forwardLimit(target: Vector3): number {
    const gaps = CANS.map((_, i) => runtime.can(i))
      .filter((can) => !can.held && !can.delivered)
      .map((can) => world.inBase(can.position))
      .filter(([x, y]) => Math.abs(y) < 0.27 && x > 0)
      .map(([x]) => x - CAN.radius - FRONT - 0.03);
    const slowest = world.inBase(target)[0] > 0.7 ? 0.06 : 0;
    return Math.max(slowest, 2 * Math.min(0.5, ...gaps));
  }

  function fetch(can: CanState): void {
    const { hands } = world;
    const tip = hands.right.tip;
    const lying = Math.abs(can.axis[2]) < 0.7;
    const graspHeight = Math.max(0.04, can.position[2] + (lying ? 0.005 : 0.01));
    const yaw = graspYaw(can, lying);
    const [ahead, across] = turn(subtract(can.position, tip), -motion.handYaw('right'));
    const misaligned = lying ? Math.abs(wrapAngle(yaw - motion.handYaw('right'))) : 0;
    const error = Math.hypot(
      Math.max(0, Math.abs(ahead) - 0.01),
      Math.max(0, Math.abs(across) - 0.008),
      Math.max(0, misaligned - 0.15) * 0.1,
    );
    const low = tip[2] - graspHeight;
    const between = low < 0.03 && error < 0.012;
    const opening = hands.right.opening;
    const grasping = between && (low < 0.015 || opening < 0.6) && error < (opening < 0.6 ? 0.012 : 0.006);
    motion.gripper('right', grasping ? -1 : 1);
    let height = graspHeight + clamp(error * 7, 0, TRAVEL - graspHeight);
    if (!grasping && opening < 0.7) height = Math.max(height, TRAVEL);
    height = Math.max(height, clearance(tip));
    // Rise first, then move sideways: a low hand would push cans over.
    const gate = grasping ? 0 : clamp(1 - (height - tip[2] - 0.01) / 0.06, 0, 1);
    const [x, y] = world.inBase(can.position);
    const within = x > 0.36 && x < 0.62 && y > -0.46 && y < -0.02;
    const goal = within ? can.position : world.inWorld([clamp(x, 0.44, 0.58), clamp(y, -0.36, -0.1), 0]);
    if (!within) height = Math.max(height, TRAVEL);
    motion.driveToZone(can.position, lying ? LYING_ZONE : CAN_ZONE, {
      limit: 0.42,
      gate,
      forwardLimit: forwardLimit(can.position),
    });
    motion.reach('right', slowed(tip, goal, gate, height), yaw, READY, error < 0.03 ? 0.2 : 0.33);
  }

  function deliver(can: CanState): void {
    const { base, hands } = world;
    const tip = hands.right.tip;
    const [x, y] = runtime.binPosition;
    const place: Vector3 = [x - 0.03, y, 0];
    const off = Math.max(Math.abs(can.position[0] - place[0]), Math.abs(can.position[1] - place[1]));
    const open = off < 0.07 && can.position[2] > BIN.height + 0.05;
    motion.gripper('right', open ? 1 : -1);
    const outside = Math.max(Math.abs(tip[0] - x), Math.abs(tip[1] - y)) - BIN.half;
    const needed = outside < 0.12 ? CARRY - 0.02 : 0.2;
    const gate = open ? 0 : clamp(1 - (needed - tip[2]) / 0.06, 0, 1);
    const [px, py] = world.inBase(place);
    const within = px > 0.4 && px < 0.79 && py > -0.46 && py < 0.1;
    const goal = within ? place : world.inWorld([clamp(px, 0.5, 0.7), clamp(py, -0.36, -0.04), 0]);
    motion.driveToZone(place, BIN_ZONE, { limit: 0.42, gate, forwardLimit: forwardLimit(place) });
    motion.reach('right', slowed(tip, goal, gate, CARRY), base[2], READY, 0.33);
  }

  return {
    act(): Float32Array {
      motion.begin();
      motion.bend(SQUAT);
      motion.rest('left', RESET_POSE.left);
      motion.gripper('left', 1);
      const can = runtime.current();
      if (can && world.hands.right.held === can.index) deliver(can);
      else if (can) fetch(can);
      else {
        motion.gripper('right', 1);
        const tip = world.hands.right.tip;
        motion.reach('right', [tip[0], tip[1], Math.max(clearance(tip), TRAVEL)], world.base[2], READY);
      }
      return motion.end();
    },
    close: () => motion.close(),
  };
}

/** The goal at a height, pulled back to the hand's own place while `gate` is closed. */
const slowed = (tip: Vector3, goal: Vector3, gate: number, height: number): Vector3 => [
  tip[0] + gate * (goal[0] - tip[0]),
  tip[1] + gate * (goal[1] - tip[1]),
  height,
];
