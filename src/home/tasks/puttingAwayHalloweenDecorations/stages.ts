/** What goes into the cabinet, and what goes beside the table. */
export const PUMPKINS = ['pumpkin_1', 'pumpkin_2'] as const;
export const CANDLES = ['candle_1', 'candle_2', 'candle_3'] as const;
export const STOWED = [...PUMPKINS, ...CANDLES];

const NTH = ['first', 'second', 'third', 'fourth', 'fifth'];
const [OPEN, FIRST] = [0, 1];
const CLOSE = FIRST + 2 * STOWED.length;
const [TAKE_CAULDRON, PUT_CAULDRON] = [CLOSE + 1, CLOSE + 2];

/** One for each stage. */
export const HALLOWEEN_SKILLS: readonly string[] = [
  'pull the drawer of the cabinet open',
  ...NTH.flatMap((nth) => [`take the ${nth} decoration`, `put the ${nth} decoration into the drawer`]),
  'push the drawer shut',
  'take the cauldron',
  'put the cauldron on the stool beside the table',
];

/** @param stowed how many lie in the drawer; @param held what is in the hand */
export function halloweenStage(state: {
  readonly stowed: number;
  readonly held: 'decoration' | 'cauldron' | 'handle' | 'nothing';
  /** The drawer stands open wide enough to put things in. */
  readonly wide: boolean;
  /** The drawer is not shut. */
  readonly ajar: boolean;
}): number {
  const { stowed, held, wide, ajar } = state;
  if (held === 'cauldron') return PUT_CAULDRON;
  if (held === 'decoration') return FIRST + 2 * Math.min(stowed, STOWED.length - 1) + 1;
  if (stowed < STOWED.length) return wide ? FIRST + 2 * stowed : OPEN;
  return ajar ? CLOSE : TAKE_CAULDRON;
}
