import { closedOnNothing, type Gripper, isOpen, type Robot } from '../robot/index.ts';
import { CHALLENGE_CONTEXT, type RuleContext } from './ruleContext.ts';

/**
 * The correction rules of the original's serving wrapper: signs in the robot's state that something went wrong, and
 * what to do instead of the plan (docs/facts.md#rules). A gripper that is closed with nothing between its fingers has
 * failed to grasp; it is opened where it is, while everything else holds still.
 *
 * A new rule is one more entry of `CORRECTION_RULES`, or comes from outside as the session's option `extraRules`.
 */

/** What a rule sees: the task and stage that a plan was asked for with, and the grippers' present state by name. */
export interface RuleSituation {
  readonly task: number;
  readonly stage: number;
  readonly grippers: Readonly<Record<string, number>>;
}

/** What a rule says instead of the plan. */
export interface RuleAnswer {
  /** Grippers to open while the robot holds its state; with none the plan stands. */
  readonly open: readonly string[];
  /** The stage after the rule. */
  readonly stage: number;
  /** Why, for the record. */
  readonly reason: string;
}

export interface Correction extends RuleAnswer {
  /** Which rule has spoken. */
  readonly rule: string;
}

/** A rule that looks at the moment of a plan. Pure: the same situation gives the same answer. */
export interface CorrectionRule {
  readonly name: string;
  /** One of the original's, which are on unless somebody switches them off. */
  readonly original?: boolean;
  /** What the robot lacks for it, such as "a gripper"; undefined when nothing. */
  readonly lacks?: (robot: Robot) => string | undefined;
  /** undefined: the rule has nothing to say. */
  readonly apply: (situation: RuleSituation, context: RuleContext) => RuleAnswer | undefined;
}

/** The rules that come with Valet, in the order in which they are asked. */
export const CORRECTION_RULES: readonly CorrectionRule[] = [
  {
    // Task 0 from stage 2 on: stage 4 goes back to 2. An empty closed gripper is opened unless the other one is half
    // open, holding the radio.
    name: 'turning-on-radio',
    original: true,
    lacks: lacksGripper,
    apply({ task, stage, grippers }, { robot, sameStages }) {
      if (task !== 0 || stage < 2 || !sameStages(task)) return undefined;
      const half = (gripper: Gripper) => {
        const state = grippers[gripper.name] ?? gripper.open;
        return !closedOnNothing(gripper, state) && !isOpen(gripper, state);
      };
      const open = emptyGrippers(robot, grippers).filter(
        (name) => !robot.grippers.some((other) => other.name !== name && half(other)),
      );
      const after = stage === 4 ? 2 : stage;
      if (open.length === 0 && after === stage) return undefined;
      const parts = [emptyHands(open), after === stage ? '' : `stage ${stage} begins again at ${after}`];
      return { open, stage: after, reason: parts.filter(Boolean).join('; ') };
    },
  },
  {
    name: 'empty-gripper',
    original: true,
    lacks: lacksGripper,
    apply({ task, stage, grippers }, { robot, emptyIsErrorBefore }) {
      const open = emptyGrippers(robot, grippers).filter((name) => stage < emptyIsErrorBefore(name, task));
      return open.length === 0 ? undefined : { open, stage, reason: emptyHands(open) };
    },
  },
];

/** Those of the original's serving wrapper. */
export const ORIGINAL_RULES: readonly CorrectionRule[] = CORRECTION_RULES.filter(({ original }) => original);

/** What the rules say about a plan; undefined when they say nothing. The first rule that matches is the only one. */
export function correct(
  situation: RuleSituation,
  { rules = ORIGINAL_RULES, context = CHALLENGE_CONTEXT }: CorrectOptions = {},
): Correction | undefined {
  for (const rule of rules) {
    const said = rule.apply(situation, context);
    if (said) return { rule: rule.name, ...said };
  }
  return undefined;
}

export interface CorrectOptions {
  /** The rules that are on, in their order. */
  readonly rules?: readonly CorrectionRule[];
  readonly context?: RuleContext;
}

/** The grippers' numbers of a state [width], by name. */
export function gripperStates(state: ArrayLike<number>, { grippers }: Robot): Readonly<Record<string, number>> {
  return Object.fromEntries(grippers.map(({ name, column }) => [name, state[column] as number]));
}

/** Names of the grippers that are closed with nothing between their fingers. */
function emptyGrippers(robot: Robot, states: Readonly<Record<string, number>>): string[] {
  return robot.grippers
    .filter((gripper) => closedOnNothing(gripper, states[gripper.name] ?? gripper.open))
    .map(({ name }) => name);
}

export function lacksGripper({ grippers }: Robot): string | undefined {
  return grippers.length === 0 ? 'a gripper' : undefined;
}

/** "the left gripper closed on nothing", "both grippers …"; empty for none. */
function emptyHands(names: readonly string[]): string {
  if (names.length === 0) return '';
  if (names.length === 2) return 'both grippers closed on nothing';
  return names.length === 1
    ? `the ${names[0]} gripper closed on nothing`
    : `the grippers ${names.join(', ')} closed on nothing`;
}
