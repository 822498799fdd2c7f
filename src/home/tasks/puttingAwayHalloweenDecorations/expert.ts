import { graspFromAbove, inFront, Motion, pointAtTable, READY, zoneOf } from '../../expert/index.ts';
import { clamp, type ExpertWorld, type TaskExpert, type Vector3 } from '../../world/index.ts';
import type { HalloweenRuntime } from './runtime.ts';

/** Where the place of work should be, seen from the base: forward, to the left; and how exactly. */
const STAND = { x: 0.56, y: -0.22, within: 0.03, aside: 0.06 };
/** A handle in the hand may come nearer than that when the drawer is pulled. */
const NEAREST = 0.38;
/** A bow so low that the head sees what the hands do; the knees stay behind the open drawer. */
const LOOK_DOWN = [0.6, -0.75, -0.7, 0];
/** Speed of the hands, share of that of a careful hand. */
const BRISK = 1.8;
/** The hand grasps so far above a thing's middle, and travels so far above that. */
const GRASP = 0.01;
const TRAVEL = 0.115;
/** How far ahead of the hand its goal runs when it moves the drawer, metres. */
const PULL = 0.06;
/** The same while the hand lets go of the handle. */
const LEAN = 0.03;
/** Above the drawer's rim: the hand carries a decoration there, and lets it go lower, metres. */
const CARRY = 0.1;
const RELEASE = 0.03;
/** A hand below this height, metres, rises before it travels. */
const LOW = 0.58;

/** Opens the drawer, puts the decorations in, the leftmost first, shuts it, and brings the cauldron to the stool. */
export function createHalloweenExpert(world: ExpertWorld, runtime: HalloweenRuntime): TaskExpert {
  const motion = new Motion(world);
  const pace = (): number => BRISK * runtime.style.speed;
  const raised = (): number => clamp((world.hands.right.tip[2] - LOW) / 0.04, 0, 1);

  /** The base goes to where it works at a point. @returns whether the hand can begin there */
  function stand(point: Vector3, { nearest = STAND.x - STAND.within, gate = 1 } = {}): boolean {
    const zone = zoneOf(runtime.style, {
      x: [nearest, STAND.x + STAND.within],
      y: [STAND.y - STAND.aside, STAND.y + STAND.aside],
    });
    const [x, y] = world.inBase(point);
    const near = x < zone.x[1] + 0.07 && x > zone.x[0] - 0.1 && y > zone.y[0] - 0.16 && y < zone.y[1] + 0.16;
    motion.driveToZone(point, zone, { limit: 0.57, gate: near ? 1 : gate });
    return near;
  }

  /** The hand waits high in front of the shoulder while the base drives; it rises first. */
  function travel(height: number, command: number): void {
    const { tip } = world.hands.right;
    const [x, y] = inFront(world, 'right', height);
    const gate = raised();
    motion.gripper('right', command);
    const target: Vector3 = [tip[0] + gate * (x - tip[0]), tip[1] + gate * (y - tip[1]), height];
    motion.reach('right', target, world.base[2], READY.right, 0.25 * pace());
  }

  function take([x, y, z]: Vector3): void {
    const { style } = runtime;
    const up = TRAVEL + style.lift;
    if (letGoOfHandle()) return;
    if (stand([x, y, z], { gate: raised() }))
      graspFromAbove(motion, world, 'right', [x, y, z + GRASP], { travel: up, speed: pace() });
    else travel(z + up, 1);
  }

  /** A hand at the handle opens and rises; it leans on, lest the drawer comes back. @returns whether it does */
  function letGoOfHandle(): boolean {
    const { tip } = world.hands.right;
    const { handle } = runtime.drawer;
    if (Math.hypot(tip[0] - handle[0], tip[1] - handle[1]) > 0.05 || tip[2] > handle[2] + 0.09) return false;
    motion.gripper('right', 1);
    const lean = runtime.held === 'handle' ? (runtime.wide ? -LEAN : LEAN) : 0;
    const open = world.hands.right.opening > 0.6;
    const target: Vector3 = [tip[0] + lean, tip[1], open ? handle[2] + TRAVEL : tip[2]];
    motion.reach('right', target, world.base[2], READY.right, 0.22 * pace());
    return true;
  }

  /** Lifts what is in the hand, brings its middle over a place, lowers it and lets go. */
  function put(thing: Vector3, place: Vector3, { carry, release }: { carry: number; release: number }): void {
    const { style } = runtime;
    const { tip } = world.hands.right;
    const [dx, dy] = [place[0] - thing[0], place[1] - thing[1]];
    const off = Math.hypot(dx, dy);
    const high = carry + style.lift;
    const near = stand(place, { gate: raised() });
    if (!near) {
      travel(tip[2] + place[2] + high - thing[2], -1);
      return;
    }
    const height = place[2] + release + clamp((off - 0.012) * 6, 0, high - release);
    const gate = clamp(1 - (height - thing[2] - 0.02) / 0.06, 0, 1);
    motion.gripper('right', off < 0.03 && thing[2] < place[2] + release + 0.012 ? 1 : -1);
    const target: Vector3 = [tip[0] + gate * dx, tip[1] + gate * dy, tip[2] + height - thing[2]];
    motion.reach('right', target, world.base[2], READY.right, (off < 0.03 ? 0.18 : 0.25) * pace());
  }

  /** Takes the drawer's handle from above and moves it: towards the robot (-1), or away from it. */
  function slide(direction: 1 | -1): void {
    const { style, drawer, held } = runtime;
    const [x, y, z] = drawer.handle;
    const { tip } = world.hands.right;
    const holding = held === 'handle';
    const near = stand([x, y, z], holding ? { nearest: NEAREST } : { gate: raised() });
    if (holding) {
      motion.gripper('right', -1);
      const target: Vector3 = [tip[0] + direction * PULL, tip[1], z + GRASP];
      motion.reach('right', target, world.base[2], READY.right, 0.18 * pace());
    } else if (near)
      graspFromAbove(motion, world, 'right', [x, y, z + GRASP], { travel: TRAVEL + style.lift, speed: pace() });
    else travel(z + TRAVEL + style.lift, 1);
  }

  return {
    act(): Float32Array {
      motion.begin();
      pointAtTable(motion);
      motion.bend(LOOK_DOWN);
      const { held, next, wide, ajar, cauldron } = runtime;
      if (held === 'cauldron') put(cauldron, runtime.spot, { carry: 0.2, release: 0.004 });
      else if (held === 'decoration' && next)
        put(next.position, runtime.placeInDrawer, { carry: CARRY, release: RELEASE });
      else if (next && wide) take(runtime.slip.aim(next.position));
      else if (next) slide(-1);
      else if (ajar) slide(1);
      else take(cauldron);
      return motion.end();
    },
    close: () => motion.close(),
  };
}
