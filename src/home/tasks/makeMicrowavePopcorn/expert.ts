import {
  AHEAD,
  drawBack,
  FORWARD,
  graspAhead,
  leadDoor,
  letGo,
  Motion,
  pressAhead,
  pushDoorClear,
  UPRIGHT,
  within,
  type Zone,
  zoneOf,
} from '../../expert/index.ts';
import { clamp, type ExpertWorld, type TaskExpert, type Vector3, wrapAngle } from '../../world/index.ts';
import { OVEN_OPEN, type PopcornRuntime } from './runtime.ts';

/** Where things should be, seen from the base, metres. */
const BAG_ZONE: Zone = { x: [0.58, 0.64], y: [-0.26, -0.18] };
const HANDLE: Zone = { x: [0.5, 0.58], y: [0.04, 0.2] };
const SPOT: Zone = { x: [0.7, 0.75], y: [-0.15, -0.08] };
const BUTTON_ZONE: Zone = { x: [0.56, 0.64], y: [-0.38, -0.2] };
/** Where the base stays while it closes the door, and how far it may be turned, radians. */
const CLOSING: Zone = { x: [0.55, 0.9], y: [-0.3, 0.07] };
const TURNED = 0.15;
/** A hand lines up this far in front of the opening, metres. */
const IN_FRONT = 0.2;
/** A hand that has let go of the handle is clear of it this far away, metres. */
const NEAR_HANDLE = 0.08;
/** A gripper command that takes hold of nothing. */
const LOOSE = 0.6;
/** The door is shut, radians. */
const SHUT = 0.06;
/** How high the bag is carried in, above where it will stand. */
const LIFT = 0.025;

/** Takes the bag with the right hand; the left one opens and closes the door; the right one presses the button. */
export function createPopcornExpert(world: ExpertWorld, runtime: PopcornRuntime): TaskExpert {
  const motion = new Motion(world);
  const shifted = (zone: Zone): Zone => zoneOf(runtime.style, zone);

  function takeBag(): void {
    const { bag, style } = runtime;
    const zone = shifted(BAG_ZONE);
    withdrawLeft();
    if (within(world, bag, zone, 0.06)) graspAhead(motion, world, 'right', bag, { speed: style.speed });
    else {
      motion.gripper('right', 1);
      drawBack(motion, world, 'right');
    }
    motion.driveToZone(bag, zone, { limit: 0.5 });
  }

  /** The left hand lets go of the handle and waits at the body. */
  function withdrawLeft(): boolean {
    if (!letGo(motion, world, 'left', runtime.door.handle, NEAR_HANDLE)) return false;
    motion.gripper('left', 1);
    drawBack(motion, world, 'left');
    return true;
  }

  /** The right hand holds the bag in front of the body. @returns whether it is there */
  function carryClose(): boolean {
    const { bag, style } = runtime;
    const [x, y] = world.inBase(bag);
    const back = x < 0.44;
    const goal = world.inWorld([0.36, back ? -0.24 : y, 0]);
    motion.gripper('right', -1);
    const height = Math.max(bag[2], back ? 0.66 : 0.6);
    motion.reach('right', [goal[0], goal[1], height], world.base[2], AHEAD.right, 0.33 * style.speed, FORWARD);
    return back;
  }

  function open(): void {
    const { door, style, misjudgement } = runtime;
    const zone = shifted(HANDLE);
    const free = carryClose();
    if (runtime.handleHeld) leadDoor(motion, world, 'left', door, OVEN_OPEN + 0.45, style.speed);
    else if (within(world, door.handle, zone, 0.08) && free)
      graspAhead(motion, world, 'left', misjudgement.seen(door.handle), { speed: style.speed });
    else {
      motion.gripper('left', 1);
      drawBack(motion, world, 'left');
    }
    motion.driveToZone(door.handle, zone, { limit: 0.5, gate: free ? 1 : 0 });
  }

  function putIn(): void {
    const { bag, spot, style } = runtime;
    const zone = shifted(SPOT);
    withdrawLeft();
    const free = !runtime.handleHeld;
    const tip = world.hands.right.tip;
    const [dx, dy, dz] = [spot[0] - bag[0], spot[1] - bag[1], spot[2] - bag[2]];
    const across = Math.hypot(dy, dz + LIFT);
    const there = Math.abs(dx) < 0.025 && Math.abs(dy) < 0.025;
    motion.gripper('right', there && dz > -0.012 ? 1 : -1);
    if (free && within(world, spot, zone, 0.05)) {
      const back = there ? 0 : clamp((across - 0.012) * 6, 0, IN_FRONT);
      const height = there ? dz - 0.01 : dz + LIFT;
      const target: Vector3 = [tip[0] + dx - back, tip[1] + dy, tip[2] + height];
      motion.reach('right', target, world.base[2], AHEAD.right, (there ? 0.18 : 0.3) * style.speed, FORWARD);
    } else carryClose();
    if (free) motion.driveToZone(spot, zone, { limit: 0.45 });
  }

  /** The hand that closes the door goes on until it is shut: what is only just closed opens again. */
  function stillPushing(): boolean {
    const { door } = runtime;
    const { along, out } = door.seen(world.hands.left.tip);
    return door.angle > SHUT && out > 0 && out < 0.15 && along > 0.05 && along < door.shape.width;
  }

  function close(): void {
    const { door, style, bag, spot } = runtime;
    const clear = letGo(motion, world, 'right', bag);
    if (clear) {
      motion.gripper('right', 1);
      drawBack(motion, world, 'right');
    }
    if (clear) pushDoorClear(motion, world, 'left', door, style.speed);
    else withdrawLeft();
    // A base that was pushed or turned away cannot hold against the door.
    const [x, y] = world.inBase(spot);
    const stands = x > CLOSING.x[0] && x < CLOSING.x[1] && y > CLOSING.y[0] && y < CLOSING.y[1];
    if (!stands || Math.abs(wrapAngle(world.base[2])) > TURNED)
      motion.driveToZone(spot, shifted(SPOT), { limit: 0.45 });
  }

  function start(): void {
    const { buttonFace, style, on, cooked } = runtime;
    const zone = shifted(BUTTON_ZONE);
    motion.gripper('left', LOOSE);
    drawBack(motion, world, 'left');
    const near = within(world, buttonFace, zone, 0.06);
    if (near && !on && !cooked) pressAhead(motion, world, 'right', buttonFace, style.speed);
    else {
      motion.gripper('right', -1);
      drawBack(motion, world, 'right');
    }
    motion.driveToZone(buttonFace, zone, { limit: 0.45 });
  }

  return {
    act(): Float32Array {
      motion.begin();
      motion.bend(UPRIGHT);
      if (runtime.bagInside && !runtime.bagHeld) {
        if (runtime.door.isOpen || stillPushing()) close();
        else start();
      } else if (!runtime.bagHeld) takeBag();
      else if (runtime.wideOpen) putIn();
      else open();
      return motion.end();
    },
    close: () => motion.close(),
  };
}
