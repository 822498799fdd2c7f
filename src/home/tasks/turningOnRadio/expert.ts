import { Motion, type Zone } from '../../expert/index.ts';
import { clamp, type ExpertWorld, RESET_POSE, type TaskExpert, type Vector3 } from '../../world/index.ts';
import type { RadioRuntime } from './runtime.ts';

/** A slight bow: the head looks down on the table and the hand reaches it. */
const BOW = [0.9, -1.1, -0.6, 0];
const READY = [-0.5, -0.25, 0, -1.3, 0, 1.4, 0.2];
/** Where the button should be, seen from the base. */
const REACH: Zone = { x: [0.52, 0.62], y: [-0.34, -0.12] };
/**
 * Fingers nearly closed: two fingertips side by side. Not fully, since a correction rule re-opens grippers that closed
 * on nothing.
 */
const POINTING = -0.6;
/** The fingertips end this far below the point between them. */
const FINGERTIP = 0.025;
const HOVER = 0.1;
/** The hand aims this far below the released button, to keep pushing. */
const PUSH = 0.02;

/** Drives up, raises the hand, brings it above the button and presses, and keeps the button down. */
export function createRadioExpert(world: ExpertWorld, runtime: RadioRuntime): TaskExpert {
  const motion = new Motion(world);
  return {
    act(): Float32Array {
      motion.begin();
      const button = runtime.buttonTop;
      const tip = world.hands.right.tip;
      const aside = Math.hypot(tip[0] - button[0], tip[1] - button[1]);
      motion.driveToZone(button, REACH, { limit: 0.32 });
      motion.bend(BOW);
      motion.rest('left', RESET_POSE.left);
      motion.gripper('left', 1);
      motion.gripper('right', POINTING);
      const [x, y] = world.inBase(button);
      const within = x < 0.69 && y > -0.42 && y < 0.02;
      const height = FINGERTIP - PUSH + clamp((aside - 0.012) * 5, 0, HOVER + PUSH);
      const target: Vector3 = [button[0], button[1], button[2] + height];
      if (within) motion.reach('right', target, world.base[2], READY, aside < 0.03 ? 0.06 : 0.17);
      else motion.reach('right', waiting(world, button[2] + FINGERTIP + HOVER), world.base[2], READY, 0.3);
      return motion.end();
    },
    close: () => motion.close(),
  };
}

/** Where the hand waits while the base drives up: in front of the shoulder. */
function waiting(world: ExpertWorld, height: number): Vector3 {
  const [x, y, yaw] = world.base;
  const [forward, sideways] = [0.52, -0.24];
  return [
    x + Math.cos(yaw) * forward - Math.sin(yaw) * sideways,
    y + Math.sin(yaw) * forward + Math.cos(yaw) * sideways,
    height,
  ];
}
