import type { HouseholdTask } from '../householdTask.ts';
import { createTrashExpert } from './expert.ts';
import { pickingUpTrash as scene, type TrashRuntime } from './task.ts';

export const pickingUpTrash: HouseholdTask<TrashRuntime> = { ...scene, createExpert: createTrashExpert };
