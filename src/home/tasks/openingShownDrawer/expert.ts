import { graspFromAbove, inFront, Motion, pointAtTable, READY } from '../../expert/index.ts';
import { type ExpertWorld, RESET_POSE, type TaskExpert, type Vector3 } from '../../world/index.ts';
import type { DrawerRuntime } from './runtime.ts';

/** Where the handle should be, seen from the base: forward, to the left; and how exactly. */
const STAND = { x: 0.56, y: -0.22, within: 0.03 };
/** How much farther away it watches, metres: no hand hides a drawer from there. */
const WATCHING = 0.25;
/** The hand grasps so far above the handle's middle, and travels so far above that. */
const GRASP = 0.012;
const TRAVEL = 0.12;
/** How far ahead of the hand its goal runs when it pulls, metres. */
const PULL = 0.06;

/** Looks on from afar until the drawer has closed, then drives up to it, takes its handle from above and pulls. */
export function createDrawerExpert(world: ExpertWorld, runtime: DrawerRuntime): TaskExpert {
  const motion = new Motion(world);

  return {
    act(): Float32Array {
      motion.begin();
      const { style, drawer, turnOfRobot, held } = runtime;
      const handle = turnOfRobot ? drawer.handle : runtime.middle;
      const [dx, dy] = style.stand;
      const forward = STAND.x + dx + (turnOfRobot ? 0 : WATCHING);
      const zone = {
        x: [forward - STAND.within, forward + STAND.within],
        y: [STAND.y + dy - STAND.within, STAND.y + dy + STAND.within],
      } as const;
      pointAtTable(motion);
      motion.gripper('right', 1);
      const tip = world.hands.right.tip;
      const [x, y] = world.inBase(handle);
      const near = x < 0.68 && Math.abs(y - STAND.y) < 0.1;
      if (!held) motion.driveToZone(handle, zone, { limit: 0.32 });
      if (!turnOfRobot) motion.rest('right', RESET_POSE.right);
      else if (held) {
        motion.gripper('right', -1);
        const target: Vector3 = [tip[0] - PULL, tip[1], handle[2] + GRASP];
        motion.reach('right', target, world.base[2], READY.right, 0.2 * style.speed);
      } else if (near) {
        const [hx, hy, hz] = runtime.slip.aim(handle);
        const { speed, lift } = style;
        graspFromAbove(motion, world, 'right', [hx, hy, hz + GRASP], { travel: TRAVEL + lift, speed });
      } else {
        const up = handle[2] + TRAVEL + style.lift;
        motion.reach('right', inFront(world, 'right', up), world.base[2], READY.right, 0.3 * style.speed);
      }
      return motion.end();
    },
    close: () => motion.close(),
  };
}
