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
   * The next steps after an observation: one at least, and as many of the `count` asked for as need no further
   * observation. May read the observation's pictures until it settles, no longer. @throws InputError for an observation
   * that is wrong, PlanError when there is no action
   */
  act(observation: Observation, count: number): Promise<Step[]>;
  close(): void | Promise<void>;
}
