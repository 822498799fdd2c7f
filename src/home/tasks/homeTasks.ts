import { InputError, nearest } from '../../base/index.ts';
import type { HomeTask } from '../world/index.ts';
import { bringingWater } from './bringingWater/task.ts';
import { countingBalls } from './countingBalls/task.ts';
import { makeMicrowavePopcorn } from './makeMicrowavePopcorn/task.ts';
import { movingBoxesToStorage } from './movingBoxesToStorage/task.ts';
import { openingShownDrawer } from './openingShownDrawer/task.ts';
import { pickingUpTrash } from './pickingUpTrash/task.ts';
import { puttingAwayHalloweenDecorations } from './puttingAwayHalloweenDecorations/task.ts';
import { registered } from './registered.ts';
import { repeatingShownOrder } from './repeatingShownOrder/task.ts';
import { turningOnRadio } from './turningOnRadio/task.ts';

/**
 * The tasks of the embedded household, by the challenge's numbers. A new one is a folder beside this file and its line
 * here.
 */
export const HOME_TASKS = registered([
  turningOnRadio,
  pickingUpTrash,
  puttingAwayHalloweenDecorations,
  movingBoxesToStorage,
  bringingWater,
  makeMicrowavePopcorn,
  countingBalls,
  openingShownDrawer,
  repeatingShownOrder,
]);

/** The task of that name. @throws InputError that names the nearest task */
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
