import { InputError, nearest } from '../base/index.ts';
import tasks from './tasks/behavior1k.json' with { type: 'json' };

/** One task of the BEHAVIOR challenge. */
export interface BehaviorTask {
  /** 0…49, the number on the wire and in the network. */
  readonly id: number;
  readonly name: string;
  readonly scene: string;
  /** Stages that the task is cut into: clip(ceil(mean length / 900), 5, 15); 5…15. */
  readonly numStages: number;
  /** Where its stages begin in the table of all 596 task-stage pairs. */
  readonly stageOffset: number;
  /** Mean length of a human demonstration, control steps. */
  readonly meanLengthFrames: number;
  /** Time-out of an evaluation, control steps: 2 × the mean length in 2025, 1.5 × in 2026. */
  readonly maxSteps2025: number;
  readonly maxSteps2026: number;
  readonly goal: string;
}

/** The 50 tasks of the 2025 challenge by id. */
export const BEHAVIOR_TASKS: readonly BehaviorTask[] = tasks;

/** Stages of each task of the challenge by id. */
export const BEHAVIOR_STAGES: readonly number[] = BEHAVIOR_TASKS.map(({ numStages }) => numStages);

/** The task called `name`. @throws InputError that suggests the nearest name */
export function taskByName(name: string): BehaviorTask {
  const task = BEHAVIOR_TASKS.find((t) => t.name === name);
  if (task) return task;
  const guess = nearest(
    name,
    BEHAVIOR_TASKS.map((t) => t.name),
  );
  throw new InputError('task', `no task called ${JSON.stringify(name)}.${guess ? ` Did you mean ${guess}?` : ''}`);
}

/** The task with number `id`. @throws InputError when there is none */
export function taskById(id: number): BehaviorTask {
  const task = BEHAVIOR_TASKS[id];
  if (!task) throw new InputError('task', `no task with id ${id} (expected 0…${BEHAVIOR_TASKS.length - 1}).`);
  return task;
}

/**
 * Stage of a frame by equal-time bins: clamp(floor(time·rate / (length / stages))), the original's training label.
 * @param time seconds
 * @param lengthFrames length of the demonstration in control steps
 * @param rate control steps a second
 */
export function stageAtTime(time: number, lengthFrames: number, numStages: number, rate: number): number {
  return Math.min(numStages - 1, Math.max(0, Math.trunc((time * rate) / (lengthFrames / numStages))));
}
