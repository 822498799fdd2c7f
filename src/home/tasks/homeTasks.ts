import { InputError, nearest } from '../../base/index.ts';
import type { HouseholdTask } from './householdTask.ts';
import { pickingUpTrash } from './pickingUpTrash/index.ts';
import { turningOnRadio } from './turningOnRadio/index.ts';

/** The tasks of the embedded household, by the challenge's numbers. A new task is one more line here. */
export const HOME_TASKS: readonly HouseholdTask[] = [turningOnRadio, pickingUpTrash];

/** @throws InputError that names the nearest task */
export function homeTask(name: string): HouseholdTask {
  const task = HOME_TASKS.find((candidate) => candidate.name === name);
  if (task) return task;
  const names = HOME_TASKS.map((candidate) => candidate.name);
  const guess = nearest(name, names);
  throw new InputError(
    'home',
    `no household task ${name}.${guess ? ` Did you mean ${guess}?` : ''} There are: ${names.join(', ')}.`,
  );
}
