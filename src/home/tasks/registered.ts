import { InputError } from '../../base/index.ts';
import { requireSuccessors } from '../../robot/index.ts';
import type { HomeTask } from '../world/index.ts';

/**
 * The tasks, once each holds what an evaluation will ask of it.
 * @throws InputError that names the task and what it lacks, before an episode is played
 */
export function registered(tasks: readonly HomeTask[]): readonly HomeTask[] {
  for (const [i, task] of tasks.entries()) {
    requireWhole(task);
    const twin = tasks.slice(0, i).find(({ id, name }) => id === task.id || name === task.name);
    if (twin)
      throw new InputError(
        `household task ${task.name}`,
        `has the id ${task.id}, and ${twin.name} has the id ${twin.id} already. ` +
          'Give each task an id and a name of its own.',
      );
  }
  return tasks;
}

function requireWhole(task: HomeTask): void {
  const fail = (what: string, got: unknown, expected: string): never => {
    throw new InputError(`household task ${task.name}`, `${what} is ${got} (expected ${expected}).`);
  };
  const positive = (what: string, value: unknown, unit: string) => {
    if (!(typeof value === 'number' && Number.isFinite(value) && value > 0))
      fail(what, value, `${unit} above 0, measured from its expert's episodes`);
  };
  if (!(Number.isInteger(task.id) && task.id >= 0)) fail('id', task.id, 'a whole number from 0');
  if (!(Number.isInteger(task.numStages) && task.numStages > 0))
    fail('numStages', task.numStages, 'a whole number from 1');
  if (task.skills?.length !== task.numStages)
    fail('the number of skills', task.skills?.length, `${task.numStages}, one a stage`);
  if (task.stageSuccessors) requireSuccessors(`household task ${task.name}`, task.stageSuccessors, task.numStages);
  positive('meanExpertSteps', task.meanExpertSteps, 'steps');
  for (const part of ['base', 'left', 'right'] as const)
    positive(`meanExpertMetres.${part}`, task.meanExpertMetres?.[part], 'metres');
}
