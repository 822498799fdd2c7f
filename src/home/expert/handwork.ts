import { clamp, type ExpertWorld, RESET_POSE, type Side, type Vector3 } from '../world/index.ts';
import type { Motion } from './motion.ts';

/** A slight bow: the head looks down on the table and the hands reach it. */
const BOW = [0.9, -1.1, -0.6, 0];
/** Arms before their work at a table, elbows out. */
export const READY: Readonly<Record<Side, readonly number[]>> = {
  left: [-0.5, 0.25, 0, -1.3, 0, 1.4, -0.2],
  right: [-0.5, -0.25, 0, -1.3, 0, 1.4, 0.2],
};
/**
 * Fingers nearly closed: two fingertips side by side. Not fully, since a correction rule re-opens grippers that closed
 * on nothing.
 */
const POINTING = -0.6;
/** The fingertips end this far below the point between them, metres. */
const FINGERTIP = 0.025;
const HOVER = 0.1;
/** The hand aims this far below the released button, to keep pushing. */
const PUSH = 0.02;
/** Where a hand waits in front of its shoulder, seen from the base. */
const WAITING = { forward: 0.52, aside: 0.24 };

/** Bows to a table, with the left hand at rest and the right one pointing. */
export function pointAtTable(motion: Motion): void {
  motion.bend(BOW);
  motion.rest('left', RESET_POSE.left);
  motion.gripper('left', 1);
  motion.gripper('right', POINTING);
}

/** Brings a pointing hand above a button and presses; it keeps the button down. `top`: the button's upper face. */
export function press(motion: Motion, world: ExpertWorld, side: Side, top: Vector3, speed = 1): void {
  const tip = world.hands[side].tip;
  const aside = Math.hypot(tip[0] - top[0], tip[1] - top[1]);
  const height = FINGERTIP - PUSH + clamp((aside - 0.012) * 5, 0, HOVER + PUSH);
  const target: Vector3 = [top[0], top[1], top[2] + height];
  motion.reach(side, target, world.base[2], READY[side], speed * (aside < 0.03 ? 0.06 : 0.17));
}

/** Height of a hand that waits above a button's upper face. */
export const aboveButton = (top: number): number => top + FINGERTIP + HOVER;

/** Where a hand waits while the base drives up: in front of the shoulder, at a height. */
export function inFront(world: ExpertWorld, side: Side, height: number): Vector3 {
  const [x, y, yaw] = world.base;
  const sideways = side === 'left' ? WAITING.aside : -WAITING.aside;
  return [
    x + Math.cos(yaw) * WAITING.forward - Math.sin(yaw) * sideways,
    y + Math.sin(yaw) * WAITING.forward + Math.cos(yaw) * sideways,
    height,
  ];
}

/** From this far above the point the fingers close, metres; a hand that closes may be so far above it still. */
const LOW = { open: 0.015, closing: 0.03 };
/** Opening above which a hand may come down over a thing. */
const OPEN = 0.7;

/**
 * Lowers an open hand over a point, then closes it there. A hand that is high comes down beside nothing: it goes
 * sideways first. One that has closed on nothing rises before it opens. `point`: where the point between the fingertips
 * is to be when they close; `travel`: how far above it the hand travels, metres.
 */
export function graspFromAbove(
  motion: Motion,
  world: ExpertWorld,
  side: Side,
  point: Vector3,
  { travel, speed = 1 }: { travel: number; speed?: number },
): void {
  const { tip, opening } = world.hands[side];
  const aside = Math.hypot(point[0] - tip[0], point[1] - tip[1]);
  const above = tip[2] - point[2];
  const grasping = aside < 0.015 && above < (opening < 0.6 ? LOW.closing : LOW.open);
  motion.gripper(side, grasping ? -1 : 1);
  const closed = !grasping && opening < OPEN;
  const height = closed ? travel : clamp((aside - 0.01) * 6, 0, travel);
  // A low hand rises before it goes sideways.
  const gate = grasping ? 1 : clamp(1 - (height - above - 0.01) / 0.06, 0, 1);
  const target: Vector3 = [tip[0] + gate * (point[0] - tip[0]), tip[1] + gate * (point[1] - tip[1]), point[2] + height];
  motion.reach(side, target, world.base[2], READY[side], speed * (aside < 0.03 ? 0.12 : 0.25));
}
