import { firstToSpeak } from './ruleTable.ts';

/**
 * The correction rules of the original's serving wrapper: signs in the robot's state that something went wrong, and what to do instead of the plan.
 * A gripper that is closed with nothing between its fingers has failed to grasp; it is opened where it is, while everything else holds still.
 * A rule is data (`RuleTable`) and a pure function over it.
 */

/** What the rules go by. */
export interface RuleTable {
  /** A gripper's state (-1 closed … +1 open) below this is closed on nothing; compared in float64: float32(-0.98) is closed. */
  readonly closedBelow: number;
  /** Above this it is open; float32(0.90) is not. */
  readonly openAbove: number;
  /** For each task, the stage before which a gripper closed on nothing is an error: 0 never, Infinity always. */
  readonly emptyGripperIsErrorBefore: { readonly left: readonly number[]; readonly right: readonly number[] };
}

const ALWAYS = Number.POSITIVE_INFINITY;
const NEVER = 0;

/** Entries `[first task, last task, stage]` as one number per task. */
function perTask(rows: readonly (readonly [number, number, number])[]): readonly number[] {
  const out: number[] = Array(50).fill(NEVER);
  for (const [first, last, stage] of rows) out.fill(stage, first, last + 1);
  return out;
}

/** The original's whole table for the 50 tasks of the challenge (golden case rules). */
export const BEHAVIOR_RULES: RuleTable = {
  closedBelow: -0.98,
  openAbove: 0.9,
  emptyGripperIsErrorBefore: {
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
  },
};

/** What a rule sees: the task and stage that a plan was asked for with, and the grippers' present state. */
export interface Situation {
  readonly task: number;
  readonly stage: number;
  readonly left: number;
  readonly right: number;
}

export interface Correction {
  /** Which rule has spoken. */
  readonly rule: CorrectionRuleName;
  /** Grippers to open while the robot holds its state; neither = the plan stands. */
  readonly openLeft: boolean;
  readonly openRight: boolean;
  /** The stage after the rule. */
  readonly stage: number;
  /** Why, for the record. */
  readonly reason: string;
}

type Rule = (situation: Situation, table: RuleTable) => Omit<Correction, 'rule'> | undefined;

/** The rules by name, in the order in which they are asked. */
export const CORRECTION_RULES = {
  'turning-on-radio': radioRule,
  'empty-gripper': emptyGripperRule,
} as const satisfies Readonly<Record<string, Rule>>;

export type CorrectionRuleName = keyof typeof CORRECTION_RULES;
export const CORRECTION_RULE_NAMES = Object.keys(CORRECTION_RULES) as readonly CorrectionRuleName[];

/** What the rules say about a plan; undefined when they say nothing. The first rule that matches is the only one. */
export function correct(
  situation: Situation,
  { table = BEHAVIOR_RULES, names = CORRECTION_RULE_NAMES }: { table?: RuleTable; names?: readonly string[] } = {},
): Correction | undefined {
  const found = firstToSpeak(CORRECTION_RULES, names, (rule: Rule) => rule(situation, table));
  return found && { rule: found.rule, ...found.said };
}

/** Task 0 from stage 2 on: stage 4 goes back to 2; an empty closed gripper is opened unless the other one is half open (holding the radio). */
function radioRule({ task, stage, left, right }: Situation, { closedBelow, openAbove }: RuleTable) {
  if (task !== 0 || stage < 2) return undefined;
  const between = (x: number) => x >= closedBelow && x <= openAbove;
  const openLeft = left < closedBelow && !between(right);
  const openRight = right < closedBelow && !between(left);
  const after = stage === 4 ? 2 : stage;
  if (!openLeft && !openRight && after === stage) return undefined;
  const parts = [emptyHands(openLeft, openRight), after === stage ? '' : `stage ${stage} begins again at ${after}`];
  return { openLeft, openRight, stage: after, reason: parts.filter(Boolean).join('; ') };
}

function emptyGripperRule({ task, stage, left, right }: Situation, table: RuleTable) {
  const { closedBelow, emptyGripperIsErrorBefore: before } = table;
  const openLeft = left < closedBelow && stage < (before.left[task] ?? NEVER);
  const openRight = right < closedBelow && stage < (before.right[task] ?? NEVER);
  if (!openLeft && !openRight) return undefined;
  return { openLeft, openRight, stage, reason: emptyHands(openLeft, openRight) };
}

function emptyHands(left: boolean, right: boolean): string {
  if (left && right) return 'both grippers closed on nothing';
  return left || right ? `the ${left ? 'left' : 'right'} gripper closed on nothing` : '';
}
