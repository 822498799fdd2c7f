import type { HomeTask, Household, TaskRuntime } from '../world/index.ts';

/** The moving part of an expert: one action after the other, from the present state alone. */
export interface TaskExpert {
  /** The next action, [width]; the caller plays it with `household.step`. */
  act(): Float32Array;
  close(): void;
}

/** A task of the household with the expert that demonstrates it. One object is all that a new task needs. */
export interface HouseholdTask<Runtime extends TaskRuntime = TaskRuntime> extends HomeTask<Runtime> {
  /** An expert in a household that runs this task; left out, the task has no demonstrations. */
  createExpert?(household: Household, runtime: Runtime): TaskExpert;
}
