import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '../base/index.ts';

/** What is asked of a checkpoint's `card.json`; it holds more. */
const CardSchema = z.looseObject({
  tasks: z.array(z.string()).default([]),
  step: z.number().optional(),
  selection: z.string().optional(),
  statistics: z.string().optional(),
});

async function cardOf(folder: string): Promise<z.infer<typeof CardSchema>> {
  const path = join(folder, 'card.json');
  return existsSync(path) ? readJson(path, CardSchema) : { tasks: [] };
}

/** Names of the tasks that a checkpoint was trained on, as its card says; none where it does not say. */
export async function tasksOfCheckpoint(folder: string): Promise<readonly string[]> {
  return (await cardOf(folder)).tasks;
}

/** SHA-256 of the statistics that a checkpoint was trained with (`statisticsHash`), as its card says. */
export async function recordedStatistics(folder: string): Promise<string | undefined> {
  return (await cardOf(folder)).statistics;
}

/** The rule by which a checkpoint was chosen among others, as its card says. */
export async function selectionOfCheckpoint(folder: string): Promise<string> {
  const { selection, step } = await cardOf(folder);
  return selection ?? (step === undefined ? 'not stated' : `not stated; its training was at step ${step}`);
}
