import { z } from 'zod';
import { BEHAVIOR_TASKS } from '../action/index.ts';
import { InputError, parse } from '../base/index.ts';

const MAPPING = z.looseObject({
  checkpoints: z.record(
    z.string(),
    z.looseObject({ path: z.string(), tasks: z.array(z.number().int().nonnegative()) }),
  ),
});

/** Checkpoints by name, and which of them plans for which task. */
export interface CheckpointMapping {
  readonly paths: ReadonlyMap<string, string>;
  readonly byTask: ReadonlyMap<number, string>;
}

/**
 * The original's mapping file, `{"checkpoints": {NAME: {"path", "tasks": [0, 1, …]}}}`. Every task of the challenge must be there, once;
 * further ones may be (golden case routing). @throws InputError that names the task or the field that is wrong
 */
export function parseCheckpointMapping(value: unknown, where = 'checkpoint mapping'): CheckpointMapping {
  const { checkpoints } = parse(where, MAPPING, value);
  const byTask = new Map<number, string>();
  for (const [name, { tasks }] of Object.entries(checkpoints))
    for (const task of tasks) {
      if (byTask.has(task))
        throw new InputError(where, `task ${task} is named twice (by ${byTask.get(task)} and ${name}).`);
      byTask.set(task, name);
    }
  const missing = BEHAVIOR_TASKS.filter(({ id }) => !byTask.has(id)).map(({ id }) => id);
  if (missing.length > 0)
    throw new InputError(where, `no checkpoint for task ${missing.join(', ')} (expected every task 0…49).`);
  return { paths: new Map(Object.entries(checkpoints).map(([name, { path }]) => [name, path])), byTask };
}

/** Keeps one checkpoint in memory: the one whose task was asked for last. */
export class CheckpointSwitcher<T> {
  private current: { readonly name: string; readonly loaded: T } | undefined;

  constructor(
    private readonly mapping: CheckpointMapping,
    /** Opens a checkpoint; `previous` is the one to drop first. */
    private readonly load: (name: string, path: string, previous: T | undefined) => Promise<T> | T,
  ) {}

  /** The checkpoint of a task; loaded only when another one is in memory. @throws InputError for a task that is not mapped */
  async use(taskId: number): Promise<T> {
    const name = this.mapping.byTask.get(taskId);
    if (name === undefined) throw new InputError('checkpoint mapping', `task ${taskId} has no checkpoint.`);
    if (this.current?.name !== name) {
      const previous = this.current?.loaded;
      this.current = undefined;
      this.current = { name, loaded: await this.load(name, this.mapping.paths.get(name)!, previous) };
    }
    return this.current.loaded;
  }
}
