import { InputError } from '../base/index.ts';

/** For each stage of a task the stages that may follow it; none: the task ends there. */
export type StageSuccessors = readonly (readonly number[])[];

/** By task id. A task that is not named has the plain order: each stage is followed by the next. */
export type TaskSuccessors = Readonly<Record<string, StageSuccessors>>;

/** @throws InputError when they are not those of a task with so many stages */
export function requireSuccessors(where: string, successors: StageSuccessors, numStages: number): void {
  if (successors.length !== numStages)
    throw new InputError(
      where,
      `the number of stages with successors is ${successors.length} (expected ${numStages}, one list a stage).`,
    );
  for (const [stage, next] of successors.entries()) {
    const bad = next.find((one) => !Number.isInteger(one) || one < 0 || one >= numStages || one === stage);
    if (bad !== undefined)
      throw new InputError(where, `stage ${stage} is followed by ${bad} (expected another stage, 0…${numStages - 1}).`);
  }
}

/** @throws InputError when a task is not in the table of stages, or has other stages there */
export function requireTaskSuccessors(where: string, tasks: TaskSuccessors, taskNumStages: readonly number[]): void {
  for (const [task, successors] of Object.entries(tasks)) {
    const numStages = /^\d+$/.test(task) ? taskNumStages[Number(task)] : undefined;
    if (numStages === undefined)
      throw new InputError(
        where,
        `names task ${task}, which the table of stages lacks (it has 0…${taskNumStages.length - 1}).`,
      );
    requireSuccessors(`${where} of task ${task}`, successors, numStages);
  }
}

/** Stages that come right after a stage or right before it. */
export const neighboursOf = (stage: number, successors: StageSuccessors): number[] => [
  ...(successors[stage] ?? []),
  ...successors.flatMap((next, before) => (next.includes(stage) ? [before] : [])),
];
