import type { StageSuccessors } from '../../../robot/index.ts';

/** Names of the buttons from the robot's left to its right. */
export const BUTTONS = ['left_button', 'middle_button', 'right_button'] as const;
const ALL = [0, 1, 2];
/** The orders that can be shown: two different buttons. */
const ORDERS = ALL.flatMap((first) => ALL.filter((b) => b !== first).map((second) => [first, second] as const));

const say = (button: number) => (BUTTONS[button] ?? '').replace('_button', '');
/** First stages of each kind: a light was seen, both were seen, one is left to press. */
const [SEEN_ONE, SEEN_BOTH] = [1, 1 + ALL.length];
const LAST = SEEN_BOTH + ORDERS.length;

export const seenOne = (first: number): number => SEEN_ONE + first;
export const seenBoth = ([first, second]: readonly number[]): number =>
  SEEN_BOTH + ORDERS.findIndex((order) => order[0] === first && order[1] === second);
export const oneLeft = (button: number): number => LAST + button;

/** One for each stage. */
export const ORDER_SKILLS: readonly string[] = [
  'watch the lights',
  ...ALL.map((first) => `watch on: ${say(first)} was the first`),
  ...ORDERS.map(([first, second]) => `press ${say(first)}, then ${say(second)}`),
  ...ALL.map((button) => `press ${say(button)}, the last`),
];

/**
 * What is seen decides the way: a light leads to the stage of its button, the second light to the stage of the order.
 * When all is dark again, the stage alone tells what was shown.
 */
export const ORDER_SUCCESSORS: StageSuccessors = [
  ALL.map(seenOne),
  ...ALL.map((first) => ORDERS.filter((order) => order[0] === first).map(seenBoth)),
  ...ORDERS.map(([, second]) => [oneLeft(second)]),
  ...ALL.map(() => []),
];
