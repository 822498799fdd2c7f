import { closedOnNothing, type Gripper, type Robot } from '../robot/index.ts';
import { CHALLENGE_CONTEXT, type RuleContext } from './ruleContext.ts';
import { lacksGripper } from './rules.ts';

/**
 * Recovery rules: a slight misalignment before a key step, seen in proprioception alone, and answered by a short motion
 * that needs to know nothing of the task: back along the way that the robot came, then a fresh plan. Off unless asked
 * for (docs/system2.md says what they were measured to do).
 */

/** One control step that has been played: what the robot measured, and what it was then told; [width] each. */
export interface Moment {
  readonly state: ArrayLike<number>;
  readonly action: ArrayLike<number>;
}

/** How far a recovery goes back, and how fast. */
export interface WayBack {
  /** Remembered steps that are undone, at most. */
  readonly back: number;
  /** Remembered steps that one step of the way back undoes. */
  readonly stride: number;
}

export interface RecoverySettings {
  /** Steps of the past that are remembered. */
  readonly memory: number;
  /** Steps after a recovery in which no other begins. */
  readonly rest: number;
  /** Recoveries in one episode. */
  readonly limit: number;
  readonly missedGrasp: WayBack & {
    /** A gripper that was above this within the memory, and is now closed on nothing, has missed. */
    readonly wasOpenAbove: number;
    /** It must have been told to close for so many steps. */
    readonly settle: number;
  };
  readonly blocked: WayBack & {
    /** Steps over which nothing must have moved. */
    readonly window: number;
    /** A joint this far (rad) from where it was told to be … */
    readonly jointGap: number;
    /** … that moved less than this (rad) over the window is held up. */
    readonly jointStill: number;
    /** A base told to go at this part of its full speed or more … */
    readonly baseCommand: number;
    /** … that goes slower than this (m/s) is held up. */
    readonly baseStill: number;
  };
  readonly stalled: WayBack & {
    /** Steps in which the robot got nowhere: … */
    readonly window: number;
    /** … its base ended less than this (m) from where it was, … */
    readonly baseTravel: number;
    /** … and neither gripper was told to move by more than this. */
    readonly gripperTravel: number;
  };
  readonly strayed: WayBack & {
    /** Steps in which the robot left what it was at: … */
    readonly window: number;
    /** … its base ended this far (m) or farther from where it was, … */
    readonly baseTravel: number;
    /** … and in no second of them faster than this (m/s), as somebody goes who does not know where to. */
    readonly baseSpeed: number;
    /** … and neither gripper was told to move by more than this. */
    readonly gripperTravel: number;
  };
}

export const RECOVERY_DEFAULTS: RecoverySettings = {
  memory: 150,
  rest: 30, // robot-literal: steps of rest, a choice
  limit: 8,
  missedGrasp: { wasOpenAbove: 0, settle: 4, back: 45, stride: 2 },
  blocked: {
    window: 12,
    jointGap: 0.15,
    jointStill: 0.01,
    baseCommand: 0.25,
    baseStill: 0.03,
    back: 45,
    stride: 2,
  },
  stalled: { window: 100, baseTravel: 0.1, gripperTravel: 0.3, back: 150, stride: 5 },
  strayed: { window: 150, baseTravel: 0.8, baseSpeed: 0.5, gripperTravel: 0.3, back: 150, stride: 3 },
};

/** What a recovery rule sees: the task and its stage, the past (oldest first), and the present state. */
export interface RecoverySituation {
  readonly task: number;
  readonly stage: number;
  readonly past: readonly Moment[];
  readonly state: ArrayLike<number>;
}

/** What a recovery rule has seen. */
export interface Detection {
  readonly way: WayBack;
  /** Gripper columns to open on the way back. */
  readonly open: readonly number[];
  readonly reason: string;
}

/** A rule that looks at every control step, and whose answer is the way back. Pure. */
export interface RecoveryRule {
  readonly name: string;
  /** What the robot lacks for it; undefined when nothing. */
  readonly lacks?: (robot: Robot) => string | undefined;
  /** undefined: all is well. */
  readonly detect: (
    situation: RecoverySituation,
    settings: RecoverySettings,
    context: RuleContext,
  ) => Detection | undefined;
}

export interface Recovery extends Detection {
  readonly rule: string;
  /** What to do instead: absolute actions, float64 [rows, width]. */
  readonly actions: Float64Array;
  readonly rows: number;
}

/** The recovery rules in the order in which they are asked. A new one is one more entry. */
export const RECOVERY_RULES: readonly RecoveryRule[] = [
  { name: 'missed-grasp', lacks: lacksGripper, detect: missedGrasp },
  { name: 'blocked-approach', detect: blockedApproach },
  { name: 'stalled-approach', lacks: lacksBase, detect: stalledApproach },
  { name: 'strayed', lacks: lacksBase, detect: strayed },
];

export interface RecoverOptions {
  /** The rules that are on, in their order. */
  readonly rules?: readonly RecoveryRule[];
  readonly settings?: RecoverySettings;
  readonly context?: RuleContext;
}

/** What the rules see in the present moment, and the motion that answers it; undefined when all is well. */
export function recover(
  situation: RecoverySituation,
  { rules = RECOVERY_RULES, settings = RECOVERY_DEFAULTS, context = CHALLENGE_CONTEXT }: RecoverOptions = {},
): Recovery | undefined {
  for (const rule of rules) {
    const found = rule.detect(situation, settings, context);
    if (!found) continue;
    const actions = retrace(situation.past.slice(-found.way.back), found.way.stride, found.open, context.robot);
    return { rule: rule.name, ...found, actions, rows: actions.length / context.robot.width };
  }
  return undefined;
}

function lacksBase({ baseColumns }: Robot): string | undefined {
  return baseColumns.length < 2 ? 'a base that is told velocities' : undefined;
}

/** How far a gripper is open, -1 closed … +1 open, whatever its own numbers are. */
function opening({ closed, open }: Gripper, value: number): number {
  return closed === -1 && open === 1 ? value : (2 * (value - closed)) / (open - closed) - 1;
}

/**
 * A gripper that was open a moment ago, was told to close, and met nothing, where the table says that it must not be
 * empty.
 */
function missedGrasp(
  { task, stage, past, state }: RecoverySituation,
  { missedGrasp: way }: RecoverySettings,
  { robot, emptyIsErrorBefore }: RuleContext,
): Detection | undefined {
  const { settle, wasOpenAbove } = way;
  if (past.length < settle) return undefined;
  const missed = robot.grippers.filter((gripper) => {
    const { name, column } = gripper;
    return (
      closedOnNothing(gripper, at(state, column)) &&
      stage < emptyIsErrorBefore(name, task) &&
      past.slice(-settle).every(({ action }) => opening(gripper, at(action, column)) < 0) &&
      past.some((moment) => opening(gripper, at(moment.state, column)) > wasOpenAbove)
    );
  });
  if (missed.length === 0) return undefined;
  const names = missed.map(({ name }) => name);
  const reason = `the ${names.join(' and the ')} gripper closed on nothing`;
  return { way, open: missed.map(({ column }) => column), reason };
}

/** A joint that stays away from where it is told to be, or a base that stands though it is told to go, for long. */
function blockedApproach(
  { past, state }: RecoverySituation,
  { blocked: way }: RecoverySettings,
  { robot }: RuleContext,
): Detection | undefined {
  if (past.length < way.window) return undefined;
  const recent = past.slice(-way.window);
  for (const { name, kind, columns } of robot.parts)
    for (let column = columns[0]; column < columns[1]; column++) {
      const reason =
        kind === 'base velocity'
          ? blockedBase(recent, state, column, column - columns[0], way)
          : kind === 'joint position'
            ? blockedJoint(recent, state, column, `joint ${column - columns[0] + 1} of the ${name}`, way)
            : undefined;
      if (reason) return { way, open: [], reason };
    }
  return undefined;
}

type Blocked = RecoverySettings['blocked'];

function blockedBase(
  recent: readonly Moment[],
  state: ArrayLike<number>,
  column: number,
  axis: number,
  { baseCommand, baseStill }: Blocked,
): string | undefined {
  const [first, ...later] = recent;
  if (!first) return undefined;
  const told = at(first.action, column);
  const pushes = recent.every(({ action }) => at(action, column) * Math.sign(told) >= baseCommand);
  const stands = later.every((moment) => Math.abs(at(moment.state, column)) < baseStill);
  if (!pushes || !stands || Math.abs(at(state, column)) >= baseStill) return undefined;
  return `the base was told to go (${told.toFixed(2)} along axis ${axis}) and did not`;
}

function blockedJoint(
  recent: readonly Moment[],
  state: ArrayLike<number>,
  column: number,
  what: string,
  { jointGap, jointStill }: Blocked,
): string | undefined {
  const [first] = recent;
  const last = recent.at(-1);
  if (!first || !last) return undefined;
  const gap = (moment: Moment, next: ArrayLike<number>) => at(moment.action, column) - at(next, column);
  const sign = Math.sign(gap(first, state));
  const away = recent.every((moment, i) => gap(moment, recent[i + 1]?.state ?? state) * sign > jointGap);
  const still = recent.every((moment) => Math.abs(at(moment.state, column) - at(state, column)) < jointStill);
  if (!away || !still) return undefined;
  return `${what} is held up ${Math.abs(gap(last, state)).toFixed(2)} rad short of its command`;
}

/** A robot that gets nowhere: its base stays in place and its grippers do nothing, however its arms move. */
function stalledApproach(
  { past }: RecoverySituation,
  { stalled: way }: RecoverySettings,
  { robot }: RuleContext,
): Detection | undefined {
  const { window, baseTravel, gripperTravel } = way;
  if (past.length < window) return undefined;
  const recent = past.slice(-window);
  if (baseTravelled(recent, robot) >= baseTravel || grippersMoved(recent, robot, gripperTravel)) return undefined;
  return { way, open: [], reason: `neither base nor gripper got anywhere in ${window} steps` };
}

/**
 * A robot that drifts away from its work: the base is far from where it was, got there slowly, and its grippers did
 * nothing on the way. Asked only once the window is full, so that the approach at an episode's beginning is none.
 */
function strayed(
  { past }: RecoverySituation,
  { strayed: way }: RecoverySettings,
  { robot }: RuleContext,
): Detection | undefined {
  const { window, baseTravel, baseSpeed, gripperTravel } = way;
  if (past.length < window) return undefined;
  const recent = past.slice(-window);
  const travelled = baseTravelled(recent, robot);
  if (travelled < baseTravel || grippersMoved(recent, robot, gripperTravel)) return undefined;
  for (let from = 0; from + robot.rate <= recent.length; from += robot.rate)
    if (baseTravelled(recent.slice(from, from + robot.rate), robot) > baseSpeed) return undefined;
  const metres = travelled.toFixed(2);
  return { way, open: [], reason: `the base drifted ${metres} m in ${window} steps while the grippers did nothing` };
}

/** Metres from where the base was to where it is, as far as its heading stayed the same. */
function baseTravelled(moments: readonly Moment[], { baseColumns, rate }: Robot): number {
  const metres = baseColumns
    .slice(0, 2)
    .map((column) => moments.reduce((sum, { state }) => sum + at(state, column) / rate, 0));
  return Math.hypot(...metres);
}

/** Whether a gripper was told to move by more than `travel` (-1 closed … +1 open). */
function grippersMoved(moments: readonly Moment[], { grippers }: Robot, travel: number): boolean {
  return grippers.some((gripper) => {
    const told = moments.map(({ action }) => opening(gripper, at(action, gripper.column)));
    return Math.max(...told) - Math.min(...told) > travel;
  });
}

/**
 * The way back: the remembered joint states, newest first, every `stride`-th; the base's commands undone (reversed,
 * `stride` at a time, at most full speed); the given grippers open, the others as they were last told. Float64
 * [rows, width]; no row when there is no past.
 */
export function retrace(past: readonly Moment[], stride: number, open: readonly number[], robot: Robot): Float64Array {
  const { width, baseColumns, grippers } = robot;
  const rows = Math.ceil(past.length / stride);
  const out = new Float64Array(rows * width);
  const told = past.at(-1)?.action ?? [];
  for (let row = 0; row < rows; row++) {
    const newest = past.length - 1 - row * stride;
    const undone = past.slice(Math.max(0, newest - stride + 1), newest + 1);
    const to = undone[0]?.state ?? [];
    for (let column = 0; column < width; column++) out[row * width + column] = at(to, column);
    for (const column of baseColumns) {
      let back = 0;
      for (const { action } of undone) back -= unit(at(action, column));
      out[row * width + column] = unit(back) + 0; // never -0
    }
    for (const { column, open: opened } of grippers)
      out[row * width + column] = open.includes(column) ? opened : at(told, column);
  }
  return out;
}

const unit = (x: number) => Math.min(1, Math.max(-1, x));
/** A number of a row as long as the robot's actions. */
const at = (row: ArrayLike<number>, column: number): number => row[column] as number;
