import { Motion, type Zone } from '../../expert/index.ts';
import {
  add,
  clamp,
  type ExpertWorld,
  type Side,
  subtract,
  type TaskExpert,
  turn,
  type Vector3,
  wrapAngle,
} from '../../world/index.ts';
import { type BoxesRuntime, type BoxState, CARTON } from './runtime.ts';

/** Knees bent, chest low: the hands reach the floor. */
const SQUAT = [1.6, -2.32, -1.5, 0];
/** Half as low, to put a container on one that stands on its end: that high from the floor, metres. */
const STOOP = [0.8, -1.16, -0.75, 0];
const HIGH = 0.4;
const READY: Readonly<Record<Side, readonly number[]>> = {
  left: [-0.7, 0.2, 0, -1.5, 0, 1.5, -0.2],
  right: [-0.7, -0.2, 0, -1.5, 0, 1.5, 0.2],
};
const SIDES = ['left', 'right'] as const;
/** Where a container's middle should be, seen from the base. */
const ZONE: Zone = { x: [0.55, 0.59], y: [-0.03, 0.03] };
/** The fingertips hold a container this far below its upper edge, metres. */
const BELOW_EDGE = 0.035;
/** The point between closed fingertips from a container's side: before it is pressed, and while. */
const BESIDE = 0.075;
const PRESSED = -0.01;
/** Gripper commands: fingers that press, and the half open ones that let go and take hold of nothing. */
const CLOSED = -1;
const LOOSE = 0.6;
/** Height of the fingertips on the way to a container, and of its foot above what it is carried over. */
const TRAVEL = 0.3;
const CLEAR = 0.05;
/** How exactly a container is put down. */
const PLACED = 0.02;

/** Carries the leftmost container that is not in its place there, between both hands; until none is left. */
export function createBoxesExpert(world: ExpertWorld, runtime: BoxesRuntime): TaskExpert {
  const motion = new Motion(world);
  const sign = (side: Side) => (side === 'left' ? 1 : -1);

  /** Where a hand that still leans on the container that stands goes first: straight away from its side. */
  function away(side: Side): Vector3 | undefined {
    const box = runtime.lowest;
    if (!box) return undefined;
    const tip = world.hands[side].tip;
    const [ahead, across] = turn(subtract(tip, box.position), -box.yaw);
    const beside = sign(side) * across - box.half[1];
    const low = tip[2] < box.position[2] + box.half[2] + 0.03;
    if (!low || Math.abs(ahead) > box.half[0] + 0.03 || beside < -0.05 || beside > BESIDE - 0.01) return undefined;
    const place = add(box.position, turn([ahead, sign(side) * (box.half[1] + BESIDE + 0.02), 0], box.yaw));
    return [place[0], place[1], tip[2]];
  }

  function take(box: BoxState): void {
    const { style } = runtime;
    const edge = box.position[2] + box.half[2];
    const [x, y] = world.inBase(box.position);
    const near = x < 0.66 && Math.abs(y) < 0.1 && Math.abs(wrapAngle(world.base[2])) < 0.1;
    // Beside the container first, then down, then together.
    const places = (out: number, height: number) =>
      SIDES.map((side): Vector3 => {
        const aside = turn([0, sign(side) * (box.half[1] + out), 0], box.yaw);
        return add([box.position[0], box.position[1], height], aside);
      }) as [Vector3, Vector3];
    const low = edge - BELOW_EDGE;
    const tips = SIDES.map((side) => world.hands[side].tip) as [Vector3, Vector3];
    const beside = places(BESIDE, low);
    const pressed = places(PRESSED, low);
    const seen = tips.map((tip) => turn(subtract(tip, box.position), -box.yaw));
    const along = Math.max(...seen.map(([ahead]) => Math.abs(ahead)));
    const outside = Math.min(...seen.map(([, across], i) => (i === 0 ? across : -across))) - box.half[1];
    const down = Math.max(...tips.map((tip) => tip[2] - low));
    const aligned = near && along < 0.03 && outside > -0.005;
    const press = aligned && down < 0.025;
    const closed = SIDES.every((side) => world.hands[side].opening < -0.5);
    for (const [i, side] of SIDES.entries()) {
      motion.gripper(side, press ? CLOSED : LOOSE);
      const goal = ((): Vector3 => {
        const leaving = away(side);
        if (leaving) return leaving;
        if (!near) {
          const [wx, wy] = world.inWorld([0.55, sign(side) * (CARTON.half[1] + BESIDE), 0]);
          return [wx, wy, TRAVEL + style.lift];
        }
        const place = beside[i] as Vector3;
        if (!aligned) return [place[0], place[1], Math.max(world.hands[side].tip[2], low + clamp(along * 3, 0, 0.1))];
        return press && closed ? (pressed[i] as Vector3) : place;
      })();
      motion.reach(side, goal, near ? box.yaw : world.base[2], READY[side], 0.28 * style.speed);
    }
    const gate = SIDES.some((side) => away(side)) ? 0 : 1;
    // Back first, then sideways: the base would push it along.
    const clear = x > ZONE.x[0] - 0.06 || Math.abs(y) < 0.1;
    motion.driveToZone(clear ? box.position : world.inWorld([x, 0, 0]), ZONE, { limit: 0.55, gate });
  }

  function carry(box: BoxState): void {
    const { style, seenDestination: destination } = runtime;
    const off = subtract(destination, box.position);
    const aside = Math.hypot(off[0], off[1]);
    const [x, y] = world.inBase(destination);
    const within = x > 0.5 && x < 0.65 && Math.abs(y) < 0.1;
    // The lower it is, the less exactly: what has begun to sink goes on.
    const over = within && aside < PLACED + clamp(CLEAR + off[2], 0, 0.03);
    const height = destination[2] + (over ? -0.01 : clamp(aside * 2, 0.02, CLEAR) + (within ? 0 : style.lift));
    const gate = over ? 1 : clamp(1 - (height - 0.02 - box.position[2]) / 0.05, 0, 1);
    const [gx, gy] = within ? destination : world.inWorld([clamp(x, 0.54, 0.6), clamp(y, -0.05, 0.05), 0]);
    const goal: Vector3 = [
      box.position[0] + gate * (gx - box.position[0]),
      box.position[1] + gate * (gy - box.position[1]),
      height,
    ];
    const turning = clamp(wrapAngle(-box.yaw), -0.2, 0.2);
    const landed = over && off[2] > -0.006;
    for (const side of SIDES) {
      const tip = world.hands[side].tip;
      const arm = subtract(tip, box.position);
      motion.gripper(side, landed ? LOOSE : CLOSED);
      motion.reach(
        side,
        add(goal, turn(arm, turning)),
        motion.handYaw(side) + turning,
        READY[side],
        (over ? 0.15 : 0.28) * style.speed,
      );
    }
    motion.driveToZone(destination, ZONE, { limit: 0.5, gate: over ? 0 : gate });
  }

  /** Lets go of what was put down, and stays there. */
  function leave(): void {
    for (const side of SIDES) {
      motion.gripper(side, LOOSE);
      const tip = world.hands[side].tip;
      motion.reach(side, [tip[0], tip[1], tip[2]], world.base[2], READY[side]);
    }
  }

  return {
    act(): Float32Array {
      motion.begin();
      const box = runtime.current();
      motion.bend(box?.held && runtime.destination[2] > HIGH ? STOOP : SQUAT);
      if (box?.held) carry(box);
      else if (box) take(box);
      else leave();
      return motion.end();
    },
    close: () => motion.close(),
  };
}
