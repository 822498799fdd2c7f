import { existsSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { InputError } from './errors.ts';
import { fileLines, type LinePlace } from './jsonLines.ts';

/**
 * The lines of a file that grows by a line of JSON for each thing that is done, oldest first; none where it is not
 * there. A line counts when its end is written: what a killed process left of another one is cut off.
 * @throws InputError that names a line that is no JSON
 */
export async function* eachOfJournal<T>(
  path: string,
): AsyncGenerator<{ readonly value: T; readonly place: LinePlace }> {
  if (!existsSync(path)) return;
  for await (const { text, number, isWhole, from, to } of fileLines(path)) {
    if (!isWhole) await truncate(path, from);
    else if (text !== '') yield { value: parsed<T>(text, `${path}:${number}`), place: { from, to } };
  }
}

/** All of them. */
export async function readJournal<T>(path: string): Promise<T[]> {
  const values: T[] = [];
  for await (const { value } of eachOfJournal<T>(path)) values.push(value);
  return values;
}

function parsed<T>(line: string, where: string): T {
  try {
    return JSON.parse(line) as T;
  } catch {
    throw new InputError(where, 'is no JSON. Remove the folder to begin again.');
  }
}
