import type { StageSuccessors } from '../../../robot/index.ts';

/** The most balls that are asked for. */
export const MOST_BALLS = 3;

const LEFT = Array.from({ length: MOST_BALLS }, (_, i) => MOST_BALLS - i);
const BELL = 1 + 2 * MOST_BALLS;

/** So many balls are left to put in: one is to be taken to the box; or one has just fallen in and there is no other. */
const taking = (left: number): number => 1 + 2 * (MOST_BALLS - left);
const waitingWith = (left: number): number => 2 * (MOST_BALLS - left);

/** What has been read, and how many balls are left to put in. */
export function countingStage({ seen, left, waiting }: { seen: boolean; left: number; waiting: boolean }): number {
  if (!seen) return 0;
  if (waiting) return waitingWith(Math.max(0, left));
  return left > 0 ? taking(left) : BELL;
}

const say = (left: number) => `${left === 0 ? 'none' : left} ${left < 2 ? 'is' : 'are'} left`;

/** One for each stage. */
export const COUNTING_SKILLS: readonly string[] = [
  'read the sign',
  ...LEFT.flatMap((left) => [`take the ball to the box: ${say(left)}`, `wait for the next ball: ${say(left - 1)}`]),
  'ring the bell',
];

/** The sign leads to the stage of its number; then each ball that is in leads on, and nothing leads back. */
export const COUNTING_SUCCESSORS: StageSuccessors = [
  LEFT.map(taking),
  ...LEFT.flatMap((left) => [[waitingWith(left - 1)], [left > 1 ? taking(left - 1) : BELL]]),
  [],
];
