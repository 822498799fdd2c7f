import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { InputError, readJson } from '../base/index.ts';

/** Which checkpoint folder plans for which task. */
export interface Routes {
  readonly byTask: ReadonlyMap<number, string>;
  /** For every other task, and when the task is not known. */
  readonly otherwise?: string;
}

const MAPPING = z.strictObject({ default: z.string().optional(), tasks: z.record(z.string(), z.string()).default({}) });

/**
 * Reads a mapping file: `{"default": FOLDER, "tasks": {"0-9,12": FOLDER, …}}`, folders relative to the file.
 * @throws InputError for a list of tasks that is none, a task named twice, or a file that maps nothing
 */
export async function readRoutes(path: string): Promise<Routes> {
  const mapping = await readJson(path, MAPPING);
  const folder = (name: string) => (isAbsolute(name) ? name : resolve(dirname(path), name));
  const byTask = new Map<number, string>();
  for (const [list, name] of Object.entries(mapping.tasks))
    for (const task of parseTaskIds(list, path)) {
      if (byTask.has(task)) throw new InputError(path, `task ${task} is named twice.`);
      byTask.set(task, folder(name));
    }
  if (byTask.size === 0 && mapping.default === undefined) throw new InputError(path, 'maps no task to a checkpoint.');
  return { byTask, ...(mapping.default === undefined ? {} : { otherwise: folder(mapping.default) }) };
}

/** @throws InputError for a task that no checkpoint covers */
export function route({ byTask, otherwise }: Routes, taskId: number): string {
  const folder = byTask.get(taskId) ?? otherwise;
  if (folder === undefined)
    throw new InputError(
      'serve',
      `no checkpoint is served for task ${taskId} (served: ${[...byTask.keys()].join(', ')}).`,
    );
  return folder;
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

/** The folder of the policy that comes with the package, by its name; any other name is a folder of the caller's. */
export function checkpointFolder(name: string): string {
  if (!/^[a-z][a-z0-9_-]*$/.test(name) || existsSync(name)) return name;
  // The package's root lies above src/serve/ as well as above dist/.
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, 'policies', name);
    if (existsSync(join(candidate, 'config.json'))) return candidate;
    if (existsSync(join(folder, 'package.json')) || dirname(folder) === folder) return name;
  }
}
