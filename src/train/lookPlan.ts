import type { Robot } from '../robot/index.ts';

/** Rollouts while training: how often, and of what. Plain data; it stands in the run's `run.json`. */
export interface LookPlan {
  /** Updates between two looks. */
  readonly every: number;
  readonly tasks: readonly string[];
  /** Train instances of each task. */
  readonly episodes: number;
  /** Of the plans' noise. */
  readonly seed: string;
  /** Fewer control steps than the tasks' time-outs. */
  readonly maxSteps?: number | undefined;
}

/** What a task's episodes came to at one look. */
export interface TaskLook {
  readonly task: string;
  /** Episodes that were played to their end. */
  readonly episodes: number;
  readonly q: number;
  readonly success: number;
  /** Of each episode, in the order of the instances. */
  readonly qs: readonly number[];
  readonly instances: readonly number[];
  readonly seeds: readonly string[];
}

/** Plays a policy's episodes in threads of its own. The training knows no simulator: it is handed one. */
export interface RolloutPlayer {
  /**
   * The tasks of the data that are to be played, all that there are with `wanted` 'all'.
   * @throws InputError for a task that is none of the simulator's or none of the data's, or another robot
   */
  tasks(wanted: readonly string[] | 'all', ofData: readonly string[], robot: Robot): Promise<readonly string[]>;
  /**
   * Plays all episodes of a plan with a checkpoint, and leaves the evaluation in a folder. The same checkpoint gives
   * the same, whenever and however fast it is played.
   */
  play(checkpoint: string, plan: LookPlan, out: string, signal: AbortSignal): Promise<TaskLook[]>;
}
