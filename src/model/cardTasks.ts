import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '../base/index.ts';

const CardSchema = z.looseObject({ tasks: z.array(z.string()).default([]) });

/** Names of the tasks that a checkpoint was trained on, as its card.json says; none where it does not say. */
export async function tasksOfCheckpoint(folder: string): Promise<readonly string[]> {
  const path = join(folder, 'card.json');
  return existsSync(path) ? (await readJson(path, CardSchema)).tasks : [];
}
