import { join } from 'node:path';
import { z } from 'zod';
import { InputError, readJson } from '../../base/index.ts';
import { modelConfig } from '../../model/index.ts';
import { BEHAVIOR_TASKS } from '../../robot/index.ts';
import type { CheckpointMapping } from './checkpointMapping.ts';

const ConfigFile = z.looseObject({ model: z.unknown() });

/**
 * Stages of each task by id, as the checkpoint that plans for the task counts them; a hole where none knows the task. A checkpoint that cannot be read
 * (a mapping may name what comes later) counts as the challenge's: its robots are told when they ask for a plan.
 */
export async function taskStages({ paths, byTask, otherwise }: CheckpointMapping): Promise<number[]> {
  const counts = new Map<string, readonly number[]>();
  for (const [name, folder] of paths) {
    const own = await ownStages(join(folder, 'config.json')).catch((error: unknown) => {
      if (error instanceof InputError) return BEHAVIOR_TASKS.map(({ numStages }) => numStages);
      throw error;
    });
    counts.set(name, own);
  }
  const stages: number[] = [];
  for (const [task, count] of (otherwise === undefined ? [] : counts.get(otherwise)!).entries()) stages[task] = count;
  for (const [task, name] of byTask) {
    const count = counts.get(name)![task];
    if (count === undefined) delete stages[task];
    else stages[task] = count;
  }
  return stages;
}

async function ownStages(file: string): Promise<readonly number[]> {
  return modelConfig((await readJson(file, ConfigFile)).model, file).taskNumStages;
}
