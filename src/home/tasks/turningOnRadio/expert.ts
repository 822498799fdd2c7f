import { aboveButton, inFront, Motion, pointAtTable, press, READY, type Zone } from '../../expert/index.ts';
import type { ExpertWorld, TaskExpert } from '../../world/index.ts';
import type { RadioRuntime } from './runtime.ts';

/** Where the button should be, seen from the base. */
const REACH: Zone = { x: [0.52, 0.62], y: [-0.34, -0.12] };

/** Drives up, raises the hand, brings it above the button and presses, and keeps the button down. */
export function createRadioExpert(world: ExpertWorld, runtime: RadioRuntime): TaskExpert {
  const motion = new Motion(world);
  return {
    act(): Float32Array {
      motion.begin();
      const button = runtime.buttonTop;
      motion.driveToZone(button, REACH, { limit: 0.32 });
      pointAtTable(motion);
      const [x, y] = world.inBase(button);
      const within = x < 0.69 && y > -0.42 && y < 0.02;
      if (within) press(motion, world, 'right', button);
      else motion.reach('right', inFront(world, 'right', aboveButton(button[2])), world.base[2], READY.right, 0.3);
      return motion.end();
    },
    close: () => motion.close(),
  };
}
