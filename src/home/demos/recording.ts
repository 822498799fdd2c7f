import type { Random } from '../../base/index.ts';
import type { EpisodeRecord } from '../../data/index.ts';
import type { Expert } from '../expert/index.ts';
import { HOUSEHOLD_ROBOT, type Household } from '../world/index.ts';
import { type Demonstration, EpisodeLog } from './episodeLog.ts';

/** Frames kept after the goal is reached, so that whole chunks can begin right up to the end. */
export const TAIL = 35;

export interface RecordOptions {
  /** At most so many frames; the goal's tail may end it earlier. No limit when left out. */
  readonly frames?: number;
  /** Pictures are drawn in every n-th frame and repeat in between; in every one when left out. */
  readonly picturesEvery?: number | undefined;
  readonly meta?: EpisodeRecord['meta'];
}

/** Windows of a scene. */
export interface WindowOptions {
  /** Of a window. */
  readonly seconds: number;
  readonly random: Random;
  /** They begin in the first so many seconds of the scene; anywhere when left out. */
  readonly until?: number | undefined;
  readonly picturesEvery?: number | undefined;
}

/** Control steps of so many seconds, at least one; no end when left out. */
export const stepsUntil = (seconds = Number.POSITIVE_INFINITY): number =>
  Math.max(1, Math.round(seconds * HOUSEHOLD_ROBOT.rate));

/**
 * The expert plays and every frame is kept: what the robot sensed, then the action it answered with.
 * @returns undefined when the episode became invalid or the time was up
 */
export function record(
  household: Household,
  expert: Expert,
  { frames = Number.POSITIVE_INFINITY, picturesEvery = 1, meta = {} }: RecordOptions,
): Demonstration | undefined {
  const log = new EpisodeLog(household);
  let tail = 0;
  while (log.frames < frames && tail < TAIL) {
    log.look(household.observe({ cameras: log.frames % picturesEvery === 0 }), expert.stage);
    const next = expert.act();
    log.act(next);
    const { done, success, invalid } = household.step(next);
    if (invalid !== undefined || (done && !success)) return undefined;
    if (success) tail++;
  }
  return log.episode(meta);
}

/** The expert plays without being recorded, until its goal's tail is over. */
export function rehearse(
  household: Household,
  expert: Expert,
  each: () => void = () => {},
): { success: boolean; length: number } {
  let tail = 0;
  while (tail < TAIL) {
    each();
    const { done, success, invalid } = household.step(expert.act());
    if (invalid !== undefined || (done && !success)) return { success: false, length: household.steps };
    if (success) tail++;
  }
  return { success: true, length: household.steps };
}
