import type { Side } from './robot.ts';

/** Where one episode is. Replaced at every reset. */
export interface HouseholdEpisode {
  /** -1 before the first reset. */
  readonly instance: number;
  /** Whether each literal of the goal held at the start. */
  readonly initial: readonly boolean[];
  /** Control steps played. */
  steps: number;
  /** Why it does not count. */
  invalid: string | undefined;
  /** Metres: base, left hand, right hand. */
  travelled: readonly [number, number, number];
  /** The action played last [width]; after a reset the one that holds the reset pose. */
  lastAction: Float32Array;
}

/** What one control step came to. */
export interface StepOutcome {
  /** The episode is over: success, time-out or invalid. */
  readonly done: boolean;
  readonly success: boolean;
  /** Why the episode does not count: the engine or the action broke down. */
  readonly invalid?: string;
}

/** A moment of one episode to come back to, bit by bit. */
export interface Snapshot {
  readonly task: string;
  readonly episode: HouseholdEpisode;
  readonly physics: Float64Array;
  readonly equalityData: Float64Array;
  readonly equalityObject2: Int32Array;
  readonly held: Readonly<Record<Side, number>>;
  /** The task's own bookkeeping. */
  readonly runtime: readonly number[];
}

/** A copy that later steps leave alone. */
export const copyEpisode = (episode: HouseholdEpisode): HouseholdEpisode => ({
  ...episode,
  lastAction: episode.lastAction.slice(),
});
