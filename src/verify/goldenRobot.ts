import { CHALLENGE_ROBOT } from '../robot/index.ts';

/** The robot that the original's numbers were made with, where a case does not say otherwise. */
export const GOLDEN_ROBOT = CHALLENGE_ROBOT;
