import { InputError, nearest } from '../../base/index.ts';
import type { HomeTask } from '../task.ts';
import { pickingUpTrash } from './pickingUpTrash.ts';
import { turningOnRadio } from './turningOnRadio.ts';

/** The tasks of the embedded household, by the challenge's numbers. */
export const HOME_TASKS: readonly HomeTask[] = [turningOnRadio, pickingUpTrash];

/** @throws InputError that names the nearest task */
export function homeTask(name: string): HomeTask {
  const task = HOME_TASKS.find((candidate) => candidate.name === name);
  if (task) return task;
  const names = HOME_TASKS.map((candidate) => candidate.name);
  const guess = nearest(name, names);
  throw new InputError(
    'home',
    `no household task ${name}.${guess ? ` Did you mean ${guess}?` : ''} There are: ${names.join(', ')}.`,
  );
}
