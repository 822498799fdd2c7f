import { join } from 'node:path';
import { dimensionName, type Robot } from '../../robot/index.ts';
import type { Dataset } from '../lerobot/index.ts';
import type { ReportProblem } from './problem.ts';
import type { SetNumbers, Survey } from './survey.ts';

/** A dimension whose numbers differ by less never moves. */
const STILL = 1e-6;
/** A measured velocity that moves by less of what is commanded stands still. */
const STANDS = 0.02;
/** Of a gripper's way, beyond which a number is none of a gripper. */
const BEYOND = 0.05;
/** A half turn and a half for joints in radians; what goes farther is degrees, perhaps. */
const MOST_RADIANS = 3 * Math.PI;
/** No base goes faster, m/s or rad/s. */
const MOST_VELOCITY = 10;
/** Radians between a joint's command and where it is, on average: a controller keeps it far below. */
const FAR_FROM_STATE = 0.5;
/** Names and pairs that a sentence tells. */
const TOLD = 6;

/** Tells what shows in all numbers together, and is no fault by itself: a person should know it before a training. */
export function surveyNotes(
  survey: Survey,
  { root, robot }: Pick<Dataset, 'root' | 'robot'>,
  note: ReportProblem,
): void {
  const { equal } = survey;
  if (equal.length > 0) {
    const pairs = equal.slice(0, TOLD).map(([a, b]) => `${a} and ${b}`);
    const more = equal.length > TOLD ? `, and ${equal.length - TOLD} more` : '';
    note('equal-episodes', join(root, 'data'), `episodes hold the same numbers: ${pairs.join(', ')}${more}.`);
  }
  const numbers = survey.numbers();
  if (!robot || !numbers) return;
  const say = (code: Parameters<ReportProblem>[0], message: string) => note(code, join(root, 'data'), message);
  tellStill(robot, numbers, say);
  tellBase(robot, numbers, say);
  tellGrippers(robot, numbers, say);
  tellLimits(robot, numbers, say);
}

type Say = (code: Parameters<ReportProblem>[0], message: string) => void;

/** Dimensions of which something holds, by name; undefined when there is none. */
function named(robot: Robot, holds: (d: number) => boolean): string | undefined {
  const found = Array.from({ length: robot.width }, (_, d) => d).filter(holds);
  const names = found.slice(0, TOLD).map((d) => dimensionName(robot, d));
  if (found.length === 0) return undefined;
  return `${names.join(', ')}${found.length > TOLD ? ` and ${found.length - TOLD} more` : ''}`;
}

const at = (values: Float64Array, d: number): number => values[d] as number;

function tellStill(robot: Robot, { frames, action }: SetNumbers, say: Say): void {
  const still = named(robot, (d) => at(action.max, d) - at(action.min, d) < STILL);
  if (still) say('still', `in ${frames} frames these actions never change: ${still}.`);
}

/** The challenge's recordings of 2025 are so. */
function tellBase(robot: Robot, { state, action }: SetNumbers, say: Say): void {
  const stands = named(
    robot,
    (d) => robot.baseColumns.includes(d) && at(action.std, d) > STILL && at(state.std, d) < STANDS * at(action.std, d),
  );
  if (stands)
    say(
      'base-velocity',
      `the state says that the base stands while it is driven: ${stands}. A network never learns what a velocity ` +
        'there means. Where the robot measures one, serve it with --mask base-velocity.',
    );
}

function tellGrippers(robot: Robot, { state, action }: SetNumbers, say: Say): void {
  for (const { name, column, closed, open } of robot.grippers) {
    const [low, high, way] = [Math.min(closed, open), Math.max(closed, open), Math.abs(open - closed)];
    for (const [what, { min, max }] of [
      ['action', action],
      ['state', state],
    ] as const) {
      const [from, to] = [at(min, column), at(max, column)];
      const range = `${name}: its ${what} goes from ${round(from)} to ${round(to)} (${closed} is closed, ${open} open)`;
      if (from < low - BEYOND * way || to > high + BEYOND * way) say('gripper', `${range}: that is beyond its way.`);
      else if (what === 'action' && to - from > STILL && (to - low < 0.55 * way || from - low > 0.45 * way))
        say('gripper', `${range}: it uses half of its way. Does the robot count otherwise?`);
    }
  }
}

function tellLimits(robot: Robot, { action, delta }: SetNumbers, say: Say): void {
  const partOf = (d: number) => robot.parts.find(({ columns: [start, end] }) => d >= start && d < end);
  const isIn = (d: number, kind: string, unit: RegExp) => partOf(d)?.kind === kind && unit.test(partOf(d)?.unit ?? '');
  const farthest = (d: number) => Math.max(-at(action.min, d), at(action.max, d));
  const turns = named(robot, (d) => isIn(d, 'joint position', /^rad/i) && farthest(d) > MOST_RADIANS);
  if (turns) say('limits', `beyond ${round(MOST_RADIANS)} rad: ${turns}. Are these degrees?`);
  const fast = named(robot, (d) => isIn(d, 'base velocity', /./) && farthest(d) > MOST_VELOCITY);
  if (fast) say('limits', `beyond ${MOST_VELOCITY} m/s or rad/s: ${fast}.`);
  const apart = named(
    robot,
    (d) =>
      robot.deltas.includes(d) && isIn(d, 'joint position', /^rad/i) && Math.abs(at(delta.mean, d)) > FAR_FROM_STATE,
  );
  if (apart)
    say(
      'limits',
      `commanded ${FAR_FROM_STATE} rad or more from where the state says that it is, on average: ${apart}. Are ` +
        'columns of actions and states in the same order?',
    );
}

const round = (x: number): string => String(Number(x.toPrecision(4)));
