import { NotBuiltError } from '../../base/index.ts';
import type { Household } from '../world/index.ts';
import { createTrashExpert } from './pickingUpTrash/expert.ts';
import { TrashRuntime } from './pickingUpTrash/task.ts';
import { createRadioExpert } from './turningOnRadio/expert.ts';
import { RadioRuntime } from './turningOnRadio/task.ts';

/** A program that knows the world and does the task. It decides from the present state alone and may take over at any time. */
export interface Expert {
  /** The next action, [23]; the caller plays it with `household.step`. */
  act(): Float32Array;
  /** The goal is fulfilled. It may still be asked to act: it then holds still where it ends. */
  readonly done: boolean;
  readonly stage: number;
  readonly skill: string;
  close(): void;
}

export function createExpert(household: Household): Expert {
  const { runtime } = household;
  const expert =
    runtime instanceof RadioRuntime
      ? createRadioExpert(household, runtime)
      : runtime instanceof TrashRuntime
        ? createTrashExpert(household, runtime)
        : undefined;
  if (!expert) throw new NotBuiltError('createExpert', `an expert for ${household.task.name}`);
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
