import { aboveButton, inFront, Motion, pointAtTable, press, READY } from '../../expert/index.ts';
import { type ExpertWorld, RESET_POSE, type TaskExpert, type Vector3 } from '../../world/index.ts';
import type { OrderRuntime } from './runtime.ts';

/** Where the middle button should be, seen from the base: forward, to the left; and how exactly. */
const STAND = { x: 0.56, y: -0.22, within: 0.03 };

/** How much farther away it watches, metres: no hand hides a light from there. */
const WATCHING = 0.25;

/** Looks on from afar until the lights are over, then drives up and presses the buttons in their order. */
export function createOrderExpert(world: ExpertWorld, runtime: OrderRuntime): TaskExpert {
  const motion = new Motion(world);
  return {
    act(): Float32Array {
      motion.begin();
      const { style, next } = runtime;
      const middle = runtime.top(1);
      const [dx, dy] = style.stand;
      const forward = STAND.x + dx + (runtime.turnOfRobot ? 0 : WATCHING);
      const zone = {
        x: [forward - STAND.within, forward + STAND.within],
        y: [STAND.y + dy - STAND.within, STAND.y + dy + STAND.within],
      } as const;
      motion.driveToZone(middle, zone, { limit: 0.32 });
      pointAtTable(motion);
      const [x, y] = world.inBase(middle);
      const near = x < 0.66 && Math.abs(y - STAND.y) < 0.12;
      const up = aboveButton(middle[2]) + style.lift;
      const tip = world.hands.right.tip;
      const waiting: Vector3 = near ? [tip[0], tip[1], up] : inFront(world, 'right', up);
      const down = [0, 1, 2].some((button) => button !== next && runtime.isDown(button));
      if (!runtime.turnOfRobot) motion.rest('right', RESET_POSE.right);
      else if (near && next !== undefined && !down) press(motion, world, 'right', runtime.aim, style.speed);
      else motion.reach('right', waiting, world.base[2], READY.right, 0.3 * style.speed);
      return motion.end();
    },
    close: () => motion.close(),
  };
}
