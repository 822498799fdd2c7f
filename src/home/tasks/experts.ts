import { NotBuiltError } from '../../base/index.ts';
import type { Household } from '../world/index.ts';
import type { HouseholdTask } from './householdTask.ts';

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

/** The expert of the household's task. @throws NotBuiltError for a task without one */
export function createExpert(household: Household): Expert {
  const task: HouseholdTask = household.task;
  const expert = task.createExpert?.(household, household.runtime);
  if (!expert) throw new NotBuiltError('createExpert', `an expert for ${task.name}`);
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
