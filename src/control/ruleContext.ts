import { BEHAVIOR_STAGES, CHALLENGE_ROBOT, type Robot } from '../robot/index.ts';

/** What rules know beside the moment: the robot, and what holds for its tasks. */
export interface RuleContext {
  readonly robot: Robot;
  /** The stage before which a gripper that closed on nothing is an error in a task: 0 never, Infinity always. */
  readonly emptyIsErrorBefore: (gripper: string, task: number) => number;
  /** Whether a task has the challenge's stages, which rules that name stages were written for. */
  readonly sameStages: (task: number) => boolean;
}

const ALWAYS = Number.POSITIVE_INFINITY;
const NEVER = 0;

/** Entries [first task, last task, stage] as one number per task of the challenge. */
function perTask(rows: readonly (readonly [number, number, number])[]): readonly number[] {
  const out: number[] = BEHAVIOR_STAGES.map(() => NEVER);
  for (const [first, last, stage] of rows) out.fill(stage, first, last + 1);
  return out;
}

/** The original's whole table for the tasks of the challenge, by gripper (golden case rules). */
const EMPTY_IS_ERROR_BEFORE: Readonly<Record<string, readonly number[]>> = {
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
    [30, 30, 6], // robot-literal: tasks and stages
    [31, 31, 8],
    [32, 32, 5], // robot-literal: tasks and stages
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
};

/**
 * What rules go by for a robot whose tasks have these numbers of stages. The challenge's table speaks of its own
 * stages: where a task is cut into another number of them, entries that name a stage are off, and with fewer tasks
 * than the challenge has, such a task is another one altogether and has no entry.
 */
export function ruleContext(robot: Robot, taskNumStages: readonly number[]): RuleContext {
  const sameStages = (task: number) => taskNumStages[task] === BEHAVIOR_STAGES[task] && task in BEHAVIOR_STAGES;
  const isChallenge = taskNumStages.length >= BEHAVIOR_STAGES.length;
  return {
    robot,
    sameStages,
    emptyIsErrorBefore(gripper, task) {
      const stage = EMPTY_IS_ERROR_BEFORE[gripper]?.[task] ?? NEVER;
      if (sameStages(task)) return stage;
      return isChallenge && stage === ALWAYS ? ALWAYS : NEVER;
    },
  };
}

/** The challenge's robot and tasks. */
export const CHALLENGE_CONTEXT: RuleContext = ruleContext(CHALLENGE_ROBOT, BEHAVIOR_STAGES);
