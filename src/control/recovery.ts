import { CHALLENGE_ROBOT } from '../robot/index.ts';
import { BEHAVIOR_RULES, type RuleTable } from './rules.ts';
import { firstToSpeak } from './ruleTable.ts';

/**
 * The second kind of rule: a slight misalignment before a key step, seen in proprioception alone, and answered by a short motion that needs to know nothing
 * of the task: back along the way that the robot came, then a fresh plan. Off unless asked for (docs/system2.md says what it was measured to do).
 */

/** One control step that has been played: what the robot measured, and what it was then told; 23 numbers each. */
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
}

export const RECOVERY_DEFAULTS: RecoverySettings = {
  memory: 150,
  rest: 30,
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
};

/** What a detector sees: the task and its stage, the past (oldest first), and the present state. */
export interface RecoverySituation {
  readonly task: number;
  readonly stage: number;
  readonly past: readonly Moment[];
  readonly state: ArrayLike<number>;
}

export interface Detection {
  readonly way: WayBack;
  /** Gripper columns to open on the way back. */
  readonly open: readonly number[];
  readonly reason: string;
}

export interface Recovery extends Detection {
  readonly rule: RecoveryRuleName;
  /** What to do instead: absolute actions, float64 [rows, 23]. */
  readonly actions: Float64Array;
  readonly rows: number;
}

type Detector = (situation: RecoverySituation, settings: RecoverySettings, table: RuleTable) => Detection | undefined;

export const RECOVERY_RULES = {
  'missed-grasp': missedGrasp,
  'blocked-approach': blockedApproach,
  'stalled-approach': stalledApproach,
} as const satisfies Readonly<Record<string, Detector>>;

export type RecoveryRuleName = keyof typeof RECOVERY_RULES;
export const RECOVERY_RULE_NAMES = Object.keys(RECOVERY_RULES) as readonly RecoveryRuleName[];

/** What the named rules see in the present moment, and the motion that answers it; undefined when all is well. */
export function recover(
  situation: RecoverySituation,
  names: readonly string[],
  settings: RecoverySettings = RECOVERY_DEFAULTS,
  table: RuleTable = BEHAVIOR_RULES,
): Recovery | undefined {
  const found = firstToSpeak(RECOVERY_RULES, names, (rule: Detector) => rule(situation, settings, table));
  if (!found) return undefined;
  const { way, open } = found.said;
  const actions = retrace(situation.past.slice(-way.back), way.stride, open);
  return { rule: found.rule, ...found.said, actions, rows: actions.length / CHALLENGE_ROBOT.width };
}

/** A gripper that was open a moment ago, was told to close, and met nothing, where the table says that it must not be empty. */
function missedGrasp(
  { task, stage, past, state }: RecoverySituation,
  { missedGrasp: way }: RecoverySettings,
  { closedBelow, emptyGripperIsErrorBefore: before }: RuleTable,
): Detection | undefined {
  const { settle, wasOpenAbove } = way;
  if (past.length < settle) return undefined;
  const missed = (['left', 'right'] as const).filter((side, i) => {
    const column = CHALLENGE_ROBOT.gripperColumns[i]!;
    return (
      state[column]! < closedBelow &&
      stage < (before[side][task] ?? 0) &&
      past.slice(-settle).every(({ action }) => action[column]! < 0) &&
      past.some((moment) => moment.state[column]! > wasOpenAbove)
    );
  });
  if (missed.length === 0) return undefined;
  const open = missed.map((side) => CHALLENGE_ROBOT.gripperColumns[side === 'left' ? 0 : 1]!);
  return { way, open, reason: `the ${missed.join(' and the ')} gripper closed on nothing` };
}

/** A joint that stays away from where it is told to be, or a base that stands though it is told to go, for a whole window. */
function blockedApproach(
  { past, state }: RecoverySituation,
  { blocked: way }: RecoverySettings,
): Detection | undefined {
  const { window, jointGap, jointStill, baseCommand, baseStill } = way;
  if (past.length < window) return undefined;
  const recent = past.slice(-window);
  for (const {
    name,
    columns: [start, end],
  } of CHALLENGE_ROBOT.parts) {
    if (name === 'leftGripper' || name === 'rightGripper') continue;
    for (let d = start; d < end; d++) {
      if (name === 'base') {
        const told = recent[0]!.action[d]!;
        const pushes = recent.every(({ action }) => action[d]! * Math.sign(told) >= baseCommand);
        const stands = recent.slice(1).every((moment) => Math.abs(moment.state[d]!) < baseStill);
        if (pushes && stands && Math.abs(state[d]!) < baseStill)
          return { way, open: [], reason: `the base was told to go (${told.toFixed(2)} along axis ${d}) and did not` };
      } else {
        const gap = (moment: Moment, next: ArrayLike<number>) => moment.action[d]! - next[d]!;
        const sign = Math.sign(gap(recent[0]!, state));
        const away = recent.every((moment, i) => gap(moment, recent[i + 1]?.state ?? state) * sign > jointGap);
        const still = recent.every((moment) => Math.abs(moment.state[d]! - state[d]!) < jointStill);
        if (away && still) {
          const off = Math.abs(gap(recent.at(-1)!, state)).toFixed(2);
          return {
            way,
            open: [],
            reason: `joint ${d - start + 1} of the ${name} is held up ${off} rad short of its command`,
          };
        }
      }
    }
  }
  return undefined;
}

/** A robot that gets nowhere: its base stays in place and its grippers do nothing, however its arms move. */
function stalledApproach({ past }: RecoverySituation, { stalled: way }: RecoverySettings): Detection | undefined {
  const { window, baseTravel, gripperTravel } = way;
  if (past.length < window) return undefined;
  const recent = past.slice(-window);
  const travelled = [0, 1].map((axis) =>
    recent.reduce((sum, { state }) => sum + state[axis]! / CHALLENGE_ROBOT.rate, 0),
  );
  if (Math.hypot(...travelled) >= baseTravel) return undefined;
  for (const column of CHALLENGE_ROBOT.gripperColumns) {
    const told = recent.map(({ action }) => action[column]!);
    if (Math.max(...told) - Math.min(...told) > gripperTravel) return undefined;
  }
  return { way, open: [], reason: `neither base nor gripper got anywhere in ${window} steps` };
}

/**
 * The way back: the remembered joint states, newest first, every `stride`-th; the base's commands undone (reversed, `stride` at a time, at most full
 * speed); the given grippers open, the others as they were last told. Float64 [rows, 23]; no row when there is no past.
 */
export function retrace(past: readonly Moment[], stride: number, open: readonly number[]): Float64Array {
  const { width, baseColumns, gripperColumns } = CHALLENGE_ROBOT;
  const rows = Math.ceil(past.length / stride);
  const out = new Float64Array(rows * width);
  const last = past.at(-1)?.action;
  for (let row = 0; row < rows; row++) {
    const newest = past.length - 1 - row * stride;
    const oldest = Math.max(0, newest - stride + 1);
    for (let d = 0; d < width; d++) {
      let value = past[oldest]!.state[d]!;
      if (baseColumns.includes(d)) {
        value = 0;
        for (let k = oldest; k <= newest; k++) value -= Math.min(1, Math.max(-1, past[k]!.action[d]!));
        value = Math.min(1, Math.max(-1, value)) + 0; // never -0
      } else if (gripperColumns.includes(d)) value = open.includes(d) ? 1 : last![d]!;
      out[row * width + d] = value;
    }
  }
  return out;
}
