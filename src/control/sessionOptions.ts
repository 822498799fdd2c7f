import { GRIPPER_CHANGE } from '../action/index.ts';
import { InputError, present } from '../base/index.ts';
import {
  BEHAVIOR_STAGES,
  CHALLENGE_ROBOT,
  type Robot,
  requireTaskSuccessors,
  type TaskSuccessors,
} from '../robot/index.ts';
import { RECOVERY_DEFAULTS, type RecoverySettings } from './recovery.ts';
import { type RuleContext, ruleContext } from './ruleContext.ts';
import { type Rule, type RulesOption, type SelectedRules, selectRules } from './ruleSelection.ts';
import type { SightOptions } from './sight.ts';

export interface SessionOptions extends SightOptions {
  /** Whose states come in and whose actions go out; the challenge's by default. */
  readonly robot: Robot;
  /**
   * Rows of a plan that are executed (26), in `executeSteps` control steps (20). With as many steps as rows, or more,
   * nothing is squeezed.
   */
  readonly executeActions: number;
  readonly executeSteps: number;
  /** Rows after them that the next plan keeps to (4). */
  readonly keepActions: number;
  /** Stage votes remembered (3) and needed to go on (2). */
  readonly historyLength: number;
  readonly votes: number;
  /** Which rules are on; the original's by default. */
  readonly rules: RulesOption;
  /** Rules of one's own, asked after Valet's. */
  readonly extraRules: readonly Rule[];
  /** How recovery rules see and answer; parts that are left out keep their defaults. */
  readonly recovery: Partial<RecoverySettings>;
  /** Squeeze plans in time. */
  readonly compress: boolean;
  /**
   * What the base's commands of a squeezed plan are multiplied by; `executeActions / executeSteps` (×1.3) when left
   * out.
   */
  readonly baseFactor?: number | undefined;
  /** Do not squeeze a plan in which a gripper moves by more than `gripperChange` (0.2). */
  readonly gripperCheck: boolean;
  readonly gripperChange: number;
  /** Seed of the plans' noise; each plan of each episode gets its own. */
  readonly seed: string | number;
  /** Stages of each task by id; the challenge's by default. */
  readonly taskNumStages: readonly number[];
  /** Tasks whose stages branch: which may follow which. In all others each is followed by the next. */
  readonly stageSuccessors: TaskSuccessors;
}

/** The original's settings. */
export const SESSION_DEFAULTS: SessionOptions = {
  robot: CHALLENGE_ROBOT,
  executeActions: 26,
  executeSteps: 20,
  keepActions: 4,
  historyLength: 3,
  votes: 2,
  rules: true,
  extraRules: [],
  recovery: {},
  compress: true,
  gripperCheck: true,
  gripperChange: GRIPPER_CHANGE,
  seed: 0,
  taskNumStages: BEHAVIOR_STAGES,
  stageSuccessors: {},
  mask: [],
  fillBlack: 30,
  frozenAfter: 30,
};

/** Options that hold, with the rules that are on. */
export interface ResolvedOptions extends Omit<SessionOptions, 'rules' | 'extraRules' | 'recovery'> {
  readonly rules: SelectedRules;
  readonly context: RuleContext;
  readonly recovery: RecoverySettings;
  /** What was asked for and is off, because the robot lacks a part or the tasks are others: one line each. */
  readonly notices: readonly string[];
}

/**
 * What is executed of a plan: the original's 26 rows in 20 steps, 4 kept, where chunks are long enough; of shorter
 * chunks the same shares.
 */
export function chunkDefaults({
  horizon,
}: Robot): Pick<SessionOptions, 'executeActions' | 'executeSteps' | 'keepActions'> {
  const { executeActions, executeSteps, keepActions } = SESSION_DEFAULTS;
  const whole = executeActions + keepActions;
  if (horizon >= whole) return { executeActions, executeSteps, keepActions };
  const rows = Math.max(1, Math.floor((executeActions * horizon) / whole));
  const steps = Math.max(1, Math.round((executeSteps * horizon) / whole));
  return { executeActions: rows, executeSteps: Math.min(rows, steps), keepActions: horizon - rows };
}

/** Fills in the defaults. @throws InputError for options that cannot work */
export function resolveOptions(options: Partial<SessionOptions>): ResolvedOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const all: SessionOptions = { ...SESSION_DEFAULTS, ...chunkDefaults(options.robot ?? CHALLENGE_ROBOT), ...given };
  const recovery = { ...RECOVERY_DEFAULTS, ...all.recovery };
  integer('executeActions', all.executeActions, 1);
  integer('executeSteps', all.executeSteps, 1);
  integer('keepActions', all.keepActions, 0);
  integer('historyLength', all.historyLength, 1);
  integer('votes', all.votes, 1);
  integer('fillBlack', all.fillBlack, 0);
  integer('frozenAfter', all.frozenAfter, 0);
  integer('recovery.memory', recovery.memory, 1);
  for (const name of ['missedGrasp', 'blocked', 'stalled'] as const) {
    integer(`recovery.${name}.back`, recovery[name].back, 1);
    integer(`recovery.${name}.stride`, recovery[name].stride, 1);
  }
  for (const name of ['blocked', 'stalled'] as const) integer(`recovery.${name}.window`, recovery[name].window, 1);
  integer('recovery.rest', recovery.rest, 0);
  integer('recovery.limit', recovery.limit, 0);
  finite('gripperChange', all.gripperChange, 0);
  if (all.baseFactor !== undefined) finite('baseFactor', all.baseFactor, 0);
  for (const task of all.taskNumStages.keys())
    if (task in all.taskNumStages)
      // a hole: a task that is not known
      integer(`taskNumStages[${task}]`, present(all.taskNumStages[task], 'all.taskNumStages[task]'), 1);
  requireTaskSuccessors('session: stageSuccessors', all.stageSuccessors, all.taskNumStages);
  const context = ruleContext(all.robot, all.taskNumStages);
  const { rules, notices } = usableRules(selectRules(all.rules, all.extraRules), context, all);
  return { ...all, recovery, rules, context, notices };
}

/** The rules that this robot has the parts for, and a line for each that is off. */
function usableRules(
  selected: SelectedRules,
  { robot, sameStages }: RuleContext,
  { taskNumStages, compress, executeActions, executeSteps }: SessionOptions,
): { readonly rules: SelectedRules; readonly notices: readonly string[] } {
  const notices: string[] = [];
  const usable = <R extends Rule>(rules: readonly R[]) =>
    rules.filter(({ name, lacks }) => {
      const missing = lacks?.(robot);
      if (missing) notices.push(`rule ${name} is off: the robot ${robot.name} lacks ${missing}`);
      return missing === undefined;
    });
  const rules = { corrections: usable(selected.corrections), recoveries: usable(selected.recoveries) };
  if (compress && executeSteps < executeActions && robot.baseColumns.length === 0)
    notices.push(`plans are squeezed without a factor: the robot ${robot.name} lacks a base that is told velocities`);
  const others = [...taskNumStages.keys()].filter((task) => task in BEHAVIOR_STAGES && !sameStages(task));
  if (rules.corrections.some(({ original }) => original) && others.length > 0)
    notices.push(`rules that name stages are off in ${others.length} tasks: these are not the challenge's stages`);
  return { rules, notices };
}

/**
 * Settings of a server's sessions, looked at before anybody comes.
 * @throws InputError for options that cannot work, or more to execute than a plan of the robot has
 */
export function requireWorkable(options: Partial<SessionOptions>): void {
  const { executeActions, executeSteps, robot } = resolveOptions(options);
  if (Math.max(executeActions, executeSteps) > robot.horizon)
    throw new InputError(
      'session',
      `${executeActions} actions in ${executeSteps} steps are more than a plan of robot ${robot.name} has ` +
        `(expected ${robot.horizon} at most).`,
    );
}

function integer(name: string, value: number, low: number): void {
  if (!Number.isInteger(value) || value < low)
    throw new InputError('session', `${name} out of range (got ${value}, expected an integer of at least ${low}).`);
}

function finite(name: string, value: number, low: number): void {
  if (!Number.isFinite(value) || value < low)
    throw new InputError('session', `${name} out of range (got ${value}, expected a number of at least ${low}).`);
}
