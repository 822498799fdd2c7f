import type { HingedDoor } from '../fixtures/index.ts';
import { clamp, type ExpertWorld, matrixAt, type Side, type Vector3 } from '../world/index.ts';
import type { Motion, Zone } from './motion.ts';

/** Knees bent, chest upright: hands that point forward reach from knee to chest. */
export const UPRIGHT = [1.4, -2.1, -0.7, 0];
/** The hand points forward. */
export const FORWARD = Math.PI / 2;
/** Arms before their work with hands that point forward, elbows at the sides. */
export const AHEAD: Readonly<Record<Side, readonly number[]>> = {
  left: [-0.2, 0.25, 0, -1.6, 0, 0.2, -0.2],
  right: [-0.2, -0.25, 0, -1.6, 0, 0.2, 0.2],
};
/** Where a hand that points forward waits, close to the body. */
const DRAWN: Readonly<Record<Side, readonly number[]>> = {
  left: [0.95, 0.15, 0, -2.52, 0, 0, 0],
  right: [0.95, -0.15, 0, -2.52, 0, 0, 0],
};
/** How far the fingers stay away until they are in front of what they are to grasp, metres. */
const BEFORE = 0.09;
/** An opened hand is clear of what it held this far from it, metres. */
const CLEAR = 0.17;
/** A hand passes a door's handle so far in front of it, and has passed it so far behind it, metres. */
const PASSING = { out: 0.08, along: 0.06 };
/** Fingers side by side, not fully closed: a correction rule re-opens grippers that closed on nothing. */
const NEARLY_CLOSED = -0.6;
/** Radians that the door is led ahead of where it stands. */
const LEAD = 0.3;

/**
 * Brings a hand that points forward around something upright and closes it.
 * @param before how far in front of it the hand lines up, metres
 */
export function graspAhead(
  motion: Motion,
  world: ExpertWorld,
  side: Side,
  aim: Vector3,
  { speed = 1, before = BEFORE }: { speed?: number; before?: number } = {},
): void {
  const { tip, opening } = world.hands[side];
  const yaw = world.base[2];
  const [dx, dy, dz] = [aim[0] - tip[0], aim[1] - tip[1], aim[2] - tip[2]];
  const ahead = Math.cos(yaw) * dx + Math.sin(yaw) * dy;
  const across = Math.hypot(-Math.sin(yaw) * dx + Math.cos(yaw) * dy, dz);
  const between = Math.abs(ahead) < 0.02 && across < 0.018;
  const grasping = between && (ahead < 0.012 || opening < 0.6);
  motion.gripper(side, grasping ? -1 : 1);
  const back = grasping ? 0 : clamp((across - 0.01) * 5, 0, before);
  const target: Vector3 = [aim[0] - back * Math.cos(yaw), aim[1] - back * Math.sin(yaw), aim[2]];
  motion.reach(side, target, yaw, AHEAD[side], (across < 0.03 ? 0.2 : 0.32) * speed, FORWARD);
}

/** Leads a held handle along its arc until the door stands at `goal` radians. */
export function leadDoor(
  motion: Motion,
  world: ExpertWorld,
  side: Side,
  door: HingedDoor,
  goal: number,
  speed = 1,
): void {
  const { angle, shape } = door;
  const next = angle + clamp(goal - angle, -LEAD, LEAD);
  const offset = [0, 1, 2].map((k) => (world.hands[side].tip[k] as number) - (door.handle[k] as number));
  const to = door.point(shape.handleAt, shape.standoff, next);
  const target = to.map((x, k) => x + clamp(offset[k] as number, -0.02, 0.02)) as unknown as Vector3;
  motion.gripper(side, -1);
  motion.reach(side, target, world.base[2] - 0.35 * angle, AHEAD[side], 0.3 * speed, FORWARD);
}

/** Pushes a door from outside until it is closed; first the hand goes in front of its outer face. */
export function pushDoor(motion: Motion, world: ExpertWorld, side: Side, door: HingedDoor, speed = 1): void {
  const { angle, shape } = door;
  const along = 0.62 * shape.handleAt;
  const tip = world.hands[side].tip;
  const seen = door.seen(tip);
  // A fist is wider than its fingers stick out.
  const gap = 0.03 + 0.035 * Math.sin(angle);
  const touching = seen.out > 0.01 && seen.out < gap + 0.07 && seen.along > 0.1 && seen.along < shape.width;
  // Around the handle from afar; then it pushes where it is.
  const outside = seen.along > along + 0.06 ? shape.standoff + 0.1 : gap + 0.05;
  const place = clamp(seen.along, along, shape.handleAt);
  const target = touching ? door.point(place, gap - 0.03, angle - 0.25) : door.point(along, outside, angle);
  motion.gripper(side, -1);
  motion.reach(side, target, world.base[2], AHEAD[side], (touching ? 0.28 : 0.33) * speed, FORWARD);
}

/**
 * The same with a half-closed hand that stays clear of the handle, so that it catches on nothing: out beside the door,
 * past the handle, then between hinge and handle against the door, the fingers leading.
 */
export function pushDoorClear(motion: Motion, world: ExpertWorld, side: Side, door: HingedDoor, speed = 1): void {
  const { angle, shape } = door;
  const seen = door.seen(world.hands[side].tip);
  const past = seen.along < shape.handleAt - PASSING.along;
  const wide = seen.out > shape.standoff + PASSING.out;
  const along = 0.45 * shape.handleAt;
  const outside = shape.standoff + PASSING.out + 0.03;
  const touching = past && seen.out < 0.08;
  const target = past
    ? door.point(along, touching ? 0 : 0.05, touching ? angle - 0.25 : angle)
    : door.point(wide ? along : seen.along, outside, angle);
  motion.gripper(side, NEARLY_CLOSED);
  const yaw = world.base[2] - 0.45 * angle;
  motion.reach(side, target, yaw, AHEAD[side], (touching ? 0.26 : 0.33) * speed, FORWARD);
}

/** Draws a hand back to the body. @returns whether it is there */
export function drawBack(motion: Motion, world: ExpertWorld, side: Side): boolean {
  motion.rest(side, DRAWN[side]);
  const { qpos } = world.physics.views;
  return world.hands[side].positions.every(
    (at, k) => Math.abs((qpos[at] as number) - (DRAWN[side][k] as number)) < 0.3,
  );
}

/** Opens a hand that points forward and takes it straight back from what it held. @returns whether it is clear of it */
export function letGo(motion: Motion, world: ExpertWorld, side: Side, from: Vector3, clear = CLEAR): boolean {
  motion.gripper(side, 1);
  const { tip, site } = world.hands[side];
  if (Math.hypot(tip[0] - from[0], tip[1] - from[1]) > clear) return true;
  const m = matrixAt(world.physics.views.siteMatrix, site);
  const yaw = Math.atan2(-m[5], -m[2]);
  const back = world.hands[side].opening < 0.6 ? 0 : CLEAR;
  motion.reach(
    side,
    [tip[0] - back * Math.cos(yaw), tip[1] - back * Math.sin(yaw), from[2]],
    yaw,
    AHEAD[side],
    0.3,
    FORWARD,
  );
  return false;
}

/** The fingertips end this far in front of the point between them, metres. */
const FINGERTIP = 0.025;

/** Brings a closed hand that points forward in front of a button and presses it. `face`: the button's outer face. */
export function pressAhead(motion: Motion, world: ExpertWorld, side: Side, face: Vector3, speed = 1): void {
  const { tip } = world.hands[side];
  const yaw = world.base[2];
  const [dx, dy, dz] = [face[0] - tip[0], face[1] - tip[1], face[2] - tip[2]];
  const across = Math.hypot(-Math.sin(yaw) * dx + Math.cos(yaw) * dy, dz);
  const back = FINGERTIP - 0.02 + clamp((across - 0.012) * 5, 0, 0.08);
  motion.gripper(side, -1);
  const target: Vector3 = [face[0] - back * Math.cos(yaw), face[1] - back * Math.sin(yaw), face[2]];
  motion.reach(side, target, yaw, AHEAD[side], (across < 0.03 ? 0.08 : 0.28) * speed, FORWARD);
}

/** A point is in a zone of the base's frame, or so near that the hand may begin; it may be nearer to the robot. */
export function within(world: ExpertWorld, point: Vector3, { x, y }: Zone, margin: number): boolean {
  const [px, py] = world.inBase(point);
  return px < x[1] + margin && px > x[0] - 0.2 && py > y[0] - margin && py < y[1] + margin;
}
