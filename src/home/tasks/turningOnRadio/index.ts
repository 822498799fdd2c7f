import type { HouseholdTask } from '../householdTask.ts';
import { createRadioExpert } from './expert.ts';
import { type RadioRuntime, turningOnRadio as scene } from './task.ts';

export const turningOnRadio: HouseholdTask<RadioRuntime> = { ...scene, createExpert: createRadioExpert };
