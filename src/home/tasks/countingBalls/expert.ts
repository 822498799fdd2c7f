import { aboveButton, graspFromAbove, inFront, Motion, pointAtTable, press, READY } from '../../expert/index.ts';
import { clamp, type ExpertWorld, RESET_POSE, type TaskExpert, type Vector3 } from '../../world/index.ts';
import { BALL, type CountingRuntime } from './runtime.ts';

/** Where the ball's stand should be, seen from the base: forward, to the left; and how exactly. */
const STAND = { x: 0.56, y: -0.23, within: 0.025 };
/** How much farther away it reads the sign, metres. */
const WATCHING = 0.25;
/** The fingertips hold the ball this far above its middle. */
const GRASP = 0.008;
/** Above the ball: where an open hand travels. Above the box's opening: where it lets go. */
const TRAVEL = 0.12;
const CARRY = 0.085;
/** How far above its nest it lets go of a ball that it took too much. */
const LET_GO = 0.008;
/** Fingertips so far above the middle of the ball do not touch it. */
const CLEAR = 0.08;

/** Reads the sign from afar, then takes ball after ball to the box, and rings the bell when the number is in. */
export function createCountingExpert(world: ExpertWorld, runtime: CountingRuntime): TaskExpert {
  const motion = new Motion(world);

  function takeBall(): void {
    const { style } = runtime;
    const [x, y, z] = runtime.slip.aim(runtime.ball);
    graspFromAbove(motion, world, 'right', [x, y, z + GRASP], {
      travel: TRAVEL + style.lift,
      speed: style.speed,
    });
  }

  /** Lifts the ball first, then moves it over the box, and lets it go there. */
  function dropBall(): void {
    const { style, opening } = runtime;
    const tip = world.hands.right.tip;
    const height = opening[2] + CARRY + BALL.radius + style.lift;
    const aside = Math.hypot(opening[0] - tip[0], opening[1] - tip[1]);
    motion.gripper('right', aside < 0.033 ? 1 : -1);
    const gate = clamp(1 - (height - tip[2] - 0.02) / 0.05, 0, 1);
    const target: Vector3 = [tip[0] + gate * (opening[0] - tip[0]), tip[1] + gate * (opening[1] - tip[1]), height];
    motion.reach('right', target, world.base[2], READY.right, 0.25 * style.speed);
  }

  /** Puts a ball that is one too many back onto the stand, and rises from it with an open hand. */
  function giveBack(): void {
    const { style, nest, held } = runtime;
    const { tip } = world.hands.right;
    const [x, y, z] = nest;
    const aside = Math.hypot(x - tip[0], y - tip[1]);
    const low = z + GRASP + LET_GO;
    const isThere = aside < 0.02 && tip[2] < low + 0.015;
    motion.gripper('right', held && !isThere ? -1 : 1);
    const rise = held ? clamp((aside - 0.015) * 4, 0, TRAVEL + style.lift) : TRAVEL;
    motion.reach('right', [x, y, low + rise], world.base[2], READY.right, 0.25 * style.speed);
  }

  /** Whether a hand that does not hold the ball still has it between its fingers. */
  function isAroundBall(): boolean {
    const { tip } = world.hands.right;
    const [x, y, z] = runtime.ball;
    return Math.hypot(x - tip[0], y - tip[1]) < BALL.radius && tip[2] < z + CLEAR;
  }

  /** Waits above the stand with the hand open. */
  function wait(): void {
    const { style, nest } = runtime;
    motion.gripper('right', 1);
    const [x, y, z] = nest;
    const up = z + GRASP + TRAVEL + style.lift;
    motion.reach('right', [x, y, up], world.base[2], READY.right, 0.25 * style.speed);
  }

  return {
    act(): Float32Array {
      motion.begin();
      const { style, stand, turnOfRobot, left, held, waiting } = runtime;
      const [dx, dy] = style.stand;
      const forward = STAND.x + dx + (turnOfRobot ? 0 : WATCHING);
      const zone = {
        x: [forward - STAND.within, forward + STAND.within],
        y: [STAND.y + dy - STAND.within, STAND.y + dy + STAND.within],
      } as const;
      motion.driveToZone(stand, zone, { limit: 0.32 });
      pointAtTable(motion);
      const [x, y] = world.inBase(stand);
      const near = x < 0.66 && Math.abs(y - STAND.y) < 0.12;
      if (!turnOfRobot) motion.rest('right', RESET_POSE.right);
      else if (!near) {
        if (left > 0 || waiting) motion.gripper('right', held ? -1 : 1);
        const up = aboveButton(runtime.bellTop[2]) + style.lift;
        motion.reach('right', inFront(world, 'right', up), world.base[2], READY.right, 0.3 * style.speed);
      } else if (waiting) wait();
      else if (left <= 0 && (held || isAroundBall())) giveBack();
      else if (left <= 0) press(motion, world, 'right', runtime.bellTop, style.speed);
      else if (held) dropBall();
      else takeBall();
      return motion.end();
    },
    close: () => motion.close(),
  };
}
