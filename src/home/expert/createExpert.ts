import type { Household } from '../world/index.ts';

/**
 * A program that knows the world and does the task. It decides from the present state alone and may take over at any
 * time.
 */
export interface Expert {
  /** The next action, [width]; the caller plays it with `household.step`. */
  act(): Float32Array;
  /** The goal is fulfilled. It may still be asked to act: it then holds still where it ends. */
  readonly done: boolean;
  readonly stage: number;
  readonly skill: string;
  close(): void;
}

/** The expert of the household's task. The caller closes it. */
export function createExpert(household: Household): Expert {
  const expert = household.task.createExpert(household, household.runtime);
  return {
    act: () => expert.act(),
    get done() {
      return household.success;
    },
    get stage() {
      return household.situation().stage;
    },
    get skill() {
      return household.situation().skill;
    },
    close: () => expert.close(),
  };
}
