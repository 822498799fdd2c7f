import { existsSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { InputError, parse, readJson } from '../../base/index.ts';
import { checkpointFolder } from '../../model/index.ts';
import { BEHAVIOR_TASKS } from '../../robot/index.ts';

/** The original's form: checkpoints by name, each with its tasks. */
const NAMED = z.looseObject({
  checkpoints: z.record(
    z.string(),
    z.looseObject({ path: z.string(), tasks: z.array(z.number().int().nonnegative()) }),
  ),
});
/** The short form: a folder per list of tasks, and one for all others. */
const LISTED = z.strictObject({ default: z.string().optional(), tasks: z.record(z.string(), z.string()).default({}) });

/** Checkpoints by name, and which of them plans for which task. */
export interface CheckpointMapping {
  readonly paths: ReadonlyMap<string, string>;
  readonly byTask: ReadonlyMap<number, string>;
  /** The checkpoint of every other task, and of robots that name none. */
  readonly otherwise?: string;
}

/**
 * A mapping in one of two forms: the original's `{"checkpoints": {NAME: {"path", "tasks": [0, 1, …]}}}`, where every
 * task of the challenge must be there, once (further ones may be; golden case routing), or `{"default": FOLDER,
 * "tasks": {"0-9,12": FOLDER}}`, where a default may stand for the rest.
 * @throws InputError that names the task or the field that is wrong
 */
export function parseCheckpointMapping(value: unknown, where = 'checkpoint mapping'): CheckpointMapping {
  if (typeof value === 'object' && value !== null && ('default' in value || 'tasks' in value))
    return listed(value, where);
  const { checkpoints } = parse(where, NAMED, value);
  const byTask = new Map<number, string>();
  for (const [name, { tasks }] of Object.entries(checkpoints)) for (const task of tasks) put(byTask, task, name, where);
  const missing = BEHAVIOR_TASKS.filter(({ id }) => !byTask.has(id)).map(({ id }) => id);
  if (missing.length > 0)
    throw new InputError(
      where,
      `no checkpoint for task ${missing.join(', ')} (expected every task 0…${BEHAVIOR_TASKS.length - 1}).`,
    );
  return { paths: new Map(Object.entries(checkpoints).map(([name, { path }]) => [name, path])), byTask };
}

function listed(value: object, where: string): CheckpointMapping {
  const mapping = parse(where, LISTED, value);
  const byTask = new Map<number, string>();
  for (const [list, folder] of Object.entries(mapping.tasks))
    for (const task of parseTaskIds(list, where)) put(byTask, task, folder, where);
  const { default: otherwise } = mapping;
  if (byTask.size === 0 && otherwise === undefined) throw new InputError(where, 'maps no task to a checkpoint.');
  const folders = [...byTask.values(), ...(otherwise === undefined ? [] : [otherwise])];
  return {
    paths: new Map(folders.map((folder) => [folder, folder])),
    byTask,
    ...(otherwise === undefined ? {} : { otherwise }),
  };
}

function put(byTask: Map<number, string>, task: number, name: string, where: string): void {
  if (byTask.has(task))
    throw new InputError(where, `task ${task} is named twice (by ${byTask.get(task)} and ${name}).`);
  byTask.set(task, name);
}

/** `0-2,7` as 0, 1, 2, 7. */
function parseTaskIds(list: string, where: string): number[] {
  return list.split(',').flatMap((part) => {
    const match = /^\s*(\d{1,4})(?:\s*-\s*(\d{1,4}))?\s*$/.exec(part);
    const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
    if (!match || last < first)
      throw new InputError(where, `"${list}" is no list of tasks (expected one like "0-9,12").`);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/**
 * Reads a mapping file of either form. A relative folder is looked for beside the file first, then where the command
 * runs (as the original does); one that is in neither place may be the name of a policy that comes with the package. A
 * training folder stands for its newest checkpoint.
 * @throws InputError for a file that is none
 */
export async function readCheckpointMapping(path: string): Promise<CheckpointMapping> {
  const mapping = parseCheckpointMapping(await readJson(path, z.unknown()), path);
  const locate = (folder: string): string => {
    if (isAbsolute(folder)) return folder;
    const beside = resolve(dirname(path), folder);
    if (existsSync(beside)) return beside;
    const named = resolve(checkpointFolder(folder));
    return existsSync(named) ? named : beside;
  };
  return {
    ...mapping,
    paths: new Map([...mapping.paths].map(([name, folder]) => [name, checkpointFolder(locate(folder))])),
  };
}

/** The folder of a task's checkpoint. @throws InputError for a task that no checkpoint covers */
export function folderOfTask({ paths, byTask, otherwise }: CheckpointMapping, taskId: number): string {
  const name = byTask.get(taskId) ?? otherwise;
  if (name === undefined)
    throw new InputError(
      'serve',
      taskId === -1
        ? 'the observation names no task, and there is no checkpoint for that. Send task_id.'
        : `no checkpoint is served for task ${taskId} (served: ${ranges([...byTask.keys()])}).`,
    );
  return pathOf(paths, name);
}

function pathOf(paths: CheckpointMapping['paths'], name: string): string {
  const path = paths.get(name);
  if (path === undefined) throw new InputError('checkpoint mapping', `no checkpoint is called ${name}.`);
  return path;
}

/** 0, 1, 2, 7 as `0-2, 7`. */
export function ranges(tasks: readonly number[]): string {
  const out: [number, number][] = [];
  for (const task of [...tasks].sort((a, b) => a - b)) {
    const last = out.at(-1);
    if (last && task === last[1] + 1) last[1] = task;
    else out.push([task, task]);
  }
  return out.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(', ');
}

/**
 * Keeps one checkpoint in memory: the one whose task was asked for last. The original's rule; the server keeps several
 * (`CheckpointPool`).
 */
export class CheckpointSwitcher<T> {
  private current: { readonly name: string; readonly loaded: T } | undefined;

  constructor(
    private readonly mapping: CheckpointMapping,
    /** Opens a checkpoint; `previous` is the one to drop first. */
    private readonly load: (name: string, path: string, previous: T | undefined) => Promise<T> | T,
  ) {}

  /**
   * The checkpoint of a task; loaded only when another one is in memory.
   * @throws InputError for a task that is not mapped
   */
  async use(taskId: number): Promise<T> {
    const name = this.mapping.byTask.get(taskId);
    if (name === undefined) throw new InputError('checkpoint mapping', `task ${taskId} has no checkpoint.`);
    if (this.current?.name !== name) {
      const previous = this.current?.loaded;
      this.current = undefined;
      this.current = { name, loaded: await this.load(name, pathOf(this.mapping.paths, name), previous) };
    }
    return this.current.loaded;
  }
}
