/**
 * The correction rules of the original's serving wrapper: signs in the robot's state that something went wrong, and what to do instead of the plan.
 * A gripper that is closed with nothing between its fingers has failed to grasp; it is opened where it is, while everything else holds still.
 */

/** Thresholds on a gripper's state (-1 closed … +1 open), compared in float64: float32(-0.98) is closed, float32(0.90) is not open. */
export const CLOSED_BELOW = -0.98;
export const OPEN_ABOVE = 0.9;

const ALWAYS = Number.POSITIVE_INFINITY;
const NEVER = 0;

/** Entries `[first task, last task, stage]` as one number per task: an empty closed gripper is an error before that stage. */
function perTask(rows: readonly (readonly [number, number, number])[]): readonly number[] {
  const out: number[] = Array(50).fill(NEVER);
  for (const [first, last, stage] of rows) out.fill(stage, first, last + 1);
  return out;
}

/** General rule: for each task, the stage before which an empty closed gripper is an error. Golden case rules holds the full table. */
export const EMPTY_GRIPPER_IS_ERROR_BEFORE = {
  left: perTask([
    [0, 0, 2],
    [1, 40, ALWAYS],
    [41, 41, 14],
    [42, 45, ALWAYS],
    [46, 46, 8],
    [47, 48, ALWAYS],
    [49, 49, 14],
  ]),
  right: perTask([
    [0, 0, 2],
    [1, 29, ALWAYS],
    [30, 30, 6],
    [31, 31, 8],
    [32, 32, 5],
    [33, 33, 11],
    [34, 37, ALWAYS],
    [38, 39, NEVER],
    [40, 40, 4],
    [41, 41, 14],
    [42, 44, ALWAYS],
    [45, 45, 10],
    [46, 46, 8],
    [47, 49, ALWAYS],
  ]),
} as const;

export interface Correction {
  /** Which rule has spoken. */
  readonly rule: 'turning on radio' | 'empty gripper';
  /** Grippers to open while the robot holds its state; neither = the plan stands. */
  readonly openLeft: boolean;
  readonly openRight: boolean;
  /** The stage after the rule. */
  readonly stage: number;
}

/**
 * What the rules say about a plan that was asked for with (task, stage), given the grippers' present state; undefined when they say nothing.
 * The first rule that matches is the only one.
 */
export function correct(task: number, stage: number, left: number, right: number): Correction | undefined {
  const correction = (task === 0 ? radioRule(stage, left, right) : undefined) ?? generalRule(task, stage, left, right);
  return correction;
}

/** Task 0 from stage 2 on: stage 4 goes back to 2; an empty closed gripper is opened unless the other one is half open (holding the radio). */
function radioRule(stage: number, left: number, right: number): Correction | undefined {
  if (stage < 2) return undefined;
  const between = (x: number) => x >= CLOSED_BELOW && x <= OPEN_ABOVE;
  const openLeft = left < CLOSED_BELOW && !between(right);
  const openRight = right < CLOSED_BELOW && !between(left);
  const after = stage === 4 ? 2 : stage;
  if (!openLeft && !openRight && after === stage) return undefined;
  return { rule: 'turning on radio', openLeft, openRight, stage: after };
}

function generalRule(task: number, stage: number, left: number, right: number): Correction | undefined {
  const openLeft = left < CLOSED_BELOW && stage < (EMPTY_GRIPPER_IS_ERROR_BEFORE.left[task] ?? NEVER);
  const openRight = right < CLOSED_BELOW && stage < (EMPTY_GRIPPER_IS_ERROR_BEFORE.right[task] ?? NEVER);
  return openLeft || openRight ? { rule: 'empty gripper', openLeft, openRight, stage } : undefined;
}
