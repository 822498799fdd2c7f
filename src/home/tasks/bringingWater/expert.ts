import {
  AHEAD,
  drawBack,
  FORWARD,
  graspAhead,
  leadDoor,
  letGo,
  Motion,
  pushDoor,
  UPRIGHT,
  within,
  type Zone,
  zoneOf,
} from '../../expert/index.ts';
import { clamp, type ExpertWorld, type Side, type TaskExpert, type Vector3 } from '../../world/index.ts';
import { type BottleState, type WaterRuntime, WIDE } from './runtime.ts';

const SIDES = ['left', 'right'] as const;
/** Where things should be, seen from the base, metres. */
const HANDLE: Zone = { x: [0.48, 0.56], y: [-0.3, -0.12] };
const TAKE: Zone = { x: [0.67, 0.72], y: [0.08, 0.13] };
const PUT: Zone = { x: [0.55, 0.62], y: [-0.04, 0.04] };
const PUSH: Zone = { x: [0.44, 0.5], y: [0.2, 0.26] };
/** A hand lines up with a bottle this far in front of it: outside the fridge, metres. */
const IN_FRONT = 0.19;
/** A bottle is held this far above its middle. */
const GRIP = 0.01;
/** A drawn hand is beside the open door this far from it. */
const BESIDE_DOOR = 0.08;
type Seen = ReturnType<WaterRuntime['door']['seen']>;
/** How high a bottle is lifted off its floor before it is drawn out. */
const LIFT = 0.03;

/** Opens the fridge, takes a bottle in each hand, puts both on the table, comes back and pushes the door closed. */
export function createWaterExpert(world: ExpertWorld, runtime: WaterRuntime): TaskExpert {
  const motion = new Motion(world);
  const shifted = (zone: Zone): Zone => zoneOf(runtime.style, zone);
  function open(): void {
    const { door, style } = runtime;
    drawBack(motion, world, 'left');
    const zone = shifted(HANDLE);
    if (runtime.handleHeld) {
      leadDoor(motion, world, 'right', door, WIDE + 0.55, style.speed);
      motion.driveToZone(door.handle, zone, { limit: 0.5 });
      return;
    }
    const near = within(world, door.handle, zone, 0.08);
    if (near) graspAhead(motion, world, 'right', runtime.misjudgement.seen(door.handle), { speed: style.speed });
    else {
      motion.gripper('right', 1);
      drawBack(motion, world, 'right');
    }
    motion.driveToZone(door.handle, zone, { limit: 0.5 });
  }

  /** Holds a bottle in front of the body while the other hand works or the base drives. */
  function carryClose(side: Side, bottle: BottleState): boolean {
    const [x, y] = world.inBase(bottle.position);
    const back = x < 0.42;
    const up = bottle.position[2] + (back ? 0 : LIFT);
    motion.gripper(side, -1);
    const rest = world.inWorld([0.36, side === 'left' ? 0.22 : -0.22, 0]);
    const straight = world.inWorld([0.36, y, 0]);
    const goal = back ? rest : straight;
    const height = Math.max(0.66, Math.min(up, 0.72));
    motion.reach(side, [goal[0], goal[1], height], world.base[2], AHEAD[side], 0.33 * runtime.style.speed, FORWARD);
    return back;
  }

  /**
   * Around the end of the open door, to its inside (-1) or outside (1): back until the hands are clear of it, then
   * sideways. @returns whether it still drives
   */
  function passDoor(to: 1 | -1): boolean {
    const { door } = runtime;
    const [left, right] = SIDES.map((side) => door.seen(world.hands[side].tip)) as [Seen, Seen];
    if (left.out * to > BESIDE_DOOR || door.angle < 0.5) return false;
    const clear = Math.min(left.along, right.out * to > BESIDE_DOOR ? left.along : right.along) - door.shape.width;
    motion.drive(clear > 0.03 ? [0, to * 0.57, 0] : [-0.55, 0, 0]);
    return true;
  }

  function take(bottle: BottleState): void {
    const { style } = runtime;
    const other = bottle.hand === 'left' ? 'right' : 'left';
    const holding = runtime.bottles.find(({ held, hand }) => held && hand === other);
    const zone = shifted(TAKE);
    let free = true;
    if (holding) free = carryClose(other, holding);
    else {
      motion.gripper(other, 1);
      drawBack(motion, world, other);
    }
    if (!holding && !letGo(motion, world, 'right', runtime.door.handle)) return;
    const { stand } = runtime;
    const near = within(world, stand, zone, 0.04);
    const [x, y, z] = bottle.position;
    if (near && free)
      graspAhead(motion, world, bottle.hand, [x, y, z + GRIP], { speed: style.speed, before: IN_FRONT });
    else {
      motion.gripper(bottle.hand, 1);
      drawBack(motion, world, bottle.hand);
    }
    if (!passDoor(-1)) motion.driveToZone(stand, zone, { limit: 0.55, gate: free ? 1 : 0 });
  }

  /** Opens a hand and draws it back, first straight from the bottle that it has put down. */
  function withdraw(side: Side): void {
    const tip = world.hands[side].tip;
    const put = runtime.bottles.find(
      ({ delivered, position: [x, y] }) => delivered && Math.hypot(x - tip[0], y - tip[1]) < 0.2,
    );
    if (put && !letGo(motion, world, side, put.position)) return;
    motion.gripper(side, 1);
    drawBack(motion, world, side);
  }

  function deliver(held: readonly BottleState[]): void {
    const { style } = runtime;
    const middle = runtime
      .spot('left')
      .map((x, k) => (x + (runtime.spot('right')[k] as number)) / 2) as unknown as Vector3;
    const zone = shifted(PUT);
    const near = within(world, middle, zone, 0.05);
    let free = true;
    for (const side of SIDES) {
      const bottle = held.find(({ hand }) => hand === side);
      if (!bottle) {
        withdraw(side);
        continue;
      }
      const spot = runtime.spot(side);
      if (!near) {
        free = carryClose(side, bottle) && free;
        continue;
      }
      const [dx, dy, dz] = spot.map((x, k) => x - (bottle.position[k] as number)) as [number, number, number];
      const off = Math.hypot(dx, dy);
      const landed = off < 0.05 && dz > -0.008;
      motion.gripper(side, landed ? 1 : -1);
      const tip = world.hands[side].tip;
      const height = off < 0.025 ? -0.01 : clamp(off, 0.03, 0.08) + style.lift;
      const target: Vector3 = [tip[0] + dx, tip[1] + dy, tip[2] + dz + height];
      motion.reach(side, target, world.base[2], AHEAD[side], (off < 0.025 ? 0.18 : 0.3) * style.speed, FORWARD);
    }
    motion.driveToZone(middle, zone, { limit: 0.55, gate: free ? 1 : 0 });
  }

  function close(): void {
    const { door, style } = runtime;
    const out = SIDES.map((side) => {
      const tip = world.hands[side].tip;
      return world.inBase(tip)[0] < 0.42;
    });
    const place = door.point(0.2, 0.1);
    const zone = shifted(PUSH);
    const seen = door.seen(world.hands.left.tip);
    const pushing = seen.out > 0 && seen.out < 0.2 && seen.along < door.shape.width - 0.05;
    const near = pushing || within(world, place, zone, 0.06);
    withdraw('right');
    if (near) pushDoor(motion, world, 'left', door, style.speed);
    else withdraw('left');
    if (near || (out.every(Boolean) && !passDoor(1))) motion.driveToZone(place, zone, { limit: 0.5 });
  }

  return {
    act(): Float32Array {
      motion.begin();
      motion.bend(UPRIGHT);
      const { next, bottles } = runtime;
      const held = bottles.filter((bottle) => bottle.held);
      if (!next && held.length === 0) close();
      else if (held.length > 0 && (!next || bottles.some(({ delivered }) => delivered))) deliver(held);
      else if (next && (runtime.wideOpen || held.length > 0)) take(next);
      else open();
      return motion.end();
    },
    close: () => motion.close(),
  };
}
