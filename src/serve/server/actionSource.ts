import type { Observation, PolicyNote } from '../../robot/index.ts';

/** One action, and what there is to say about it. */
export interface Step {
  /** float32 [width]. */
  readonly action: Float32Array;
  readonly note: PolicyNote | undefined;
}

/**
 * Where a robot's actions come from: a planner behind its System 2, or a policy. One robot each; one call at a time.
 */
export interface ActionSource {
  /** Forgets the episode. */
  reset(): void | Promise<void>;
  /**
   * The next steps after an observation: `count` of them, or one where it cannot say so many without a further
   * observation. May read the observation's pictures until it settles, no longer. When it fails, the same observation
   * may be given again. @throws InputError for an observation that is wrong, PlanError when there is no action
   */
  act(observation: Observation, count: number): Promise<Step[]>;
  /** Nobody may come back for long: what is not needed to go on is let go. */
  rest?(): void;
  close(): void | Promise<void>;
}
