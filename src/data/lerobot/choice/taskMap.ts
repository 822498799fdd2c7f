import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { z } from 'zod';
import { InputError, oneLine, parse, readJsonLines } from '../../../base/index.ts';
import { taskByName } from '../../../robot/index.ts';
import { shownPlaces } from '../../remote/index.ts';
import { TaskLine } from '../layout.ts';
import type { TaskRow } from '../v30Tables.ts';
import { plainWords } from './knownTasks.ts';

type Entries = Readonly<Record<string, number>>;

/** What the tasks of data sets are called by number; plain data. */
export interface TaskMap {
  /** The file that it comes from. */
  readonly file: string;
  /** Numbers by a set's own number, name or sentence; of every set. */
  readonly all: Entries;
  /** The same for the sets of one folder, by its path or its last name. */
  readonly folders: Readonly<Record<string, Entries>>;
}

const Target = z.union([z.number().int().nonnegative().max(65535), z.string()]);
const MapFile = z.record(z.string(), z.union([Target, z.record(z.string(), Target)]));

/**
 * Reads a map of tasks: a JSON object `{ "can_meat": 4, "0": 17 }`, the same for each folder
 * `{ "folder": { "0": 17 } }`, or a tasks.jsonl whose numbers are meant. A name of the challenge may stand for its
 * number. @throws InputError that names what is wrong
 */
export async function readTaskMap(file: string): Promise<TaskMap> {
  if (file.endsWith('.jsonl')) {
    const lines = await readJsonLines(file, TaskLine);
    const all = lines.flatMap(({ task_index: id, task_name: name, task }) =>
      [name, task].flatMap((text) => (text === undefined ? [] : [[text, id] as const])),
    );
    return filled({ file, all: Object.fromEntries(all), folders: {} });
  }
  const found = parse(file, MapFile, await readAsJson(file));
  const all: Record<string, number> = {};
  const folders: Record<string, Entries> = {};
  for (const [key, value] of Object.entries(found))
    if (typeof value === 'object')
      folders[key] = Object.fromEntries(Object.entries(value).map(([own, to]) => [own, numberOf(file, own, to)]));
    else all[key] = numberOf(file, key, value);
  return filled({ file, all, folders });
}

async function readAsJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InputError(file, `cannot be read (${error.code ?? error.message}).`);
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(file, `is not valid JSON (${oneLine((error as Error).message)}).`);
  }
}

function filled(map: TaskMap): TaskMap {
  if (Object.keys(map.all).length + Object.keys(map.folders).length > 0) return map;
  throw new InputError(map.file, 'maps no task (expected such as {"can_meat": 4}).');
}

function numberOf(file: string, key: string, target: string | number): number {
  if (typeof target === 'number') return target;
  try {
    return taskByName(target).id;
  } catch (error) {
    throw new InputError(`${file}: ${key}`, (error as Error).message.replace(/^task: /, ''));
  }
}

/** The number that a map gives a task of the set in `root`; a folder's own map goes first, and names before numbers. */
export function mappedTask(map: TaskMap | undefined, root: string, row: TaskRow): number | undefined {
  if (!map) return undefined;
  for (const entries of [...foldersOf(map, root), map.all]) {
    const found = entryOf(entries, row);
    if (found !== undefined) return entries[found];
  }
  return undefined;
}

const foldersOf = (map: TaskMap, root: string): Entries[] =>
  Object.entries(map.folders).flatMap(([name, entries]) =>
    resolve(name) === resolve(root) || name === basename(resolve(root)) || name === shownPlaces(root) ? [entries] : [],
  );

/** The key that means a task: one of its texts word for word, then in other spelling, then its number. */
function entryOf(entries: Entries, { index, name, texts }: TaskRow): string | undefined {
  const own = [...(name === undefined ? [] : [name]), ...texts];
  const keys = Object.keys(entries);
  const plain = new Set(own.map(plainWords));
  return (
    keys.find((key) => own.includes(key)) ??
    keys.find((key) => !/^\d+$/.test(key) && plain.has(plainWords(key))) ??
    (String(index) in entries ? String(index) : undefined)
  );
}

/** Whether the map gives the task by its number in a form that means every set. */
export const mappedByNumberAlone = (map: TaskMap, root: string, row: TaskRow): boolean =>
  foldersOf(map, root).every((entries) => entryOf(entries, row) === undefined) &&
  entryOf(map.all, row) === String(row.index);
