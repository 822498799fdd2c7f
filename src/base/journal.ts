import { existsSync } from 'node:fs';
import { readFile, truncate } from 'node:fs/promises';
import { InputError } from './errors.ts';

/**
 * The lines of a file that grows by a line of JSON for each thing that is done, oldest first; none where it is not
 * there. A line counts when its end is written: what a killed process left of another one is cut off.
 * @throws InputError that names a line that is no JSON
 */
export async function readJournal<T>(path: string): Promise<T[]> {
  const text = existsSync(path) ? await readFile(path, 'utf8') : '';
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole));
  return whole
    .split('\n')
    .filter(Boolean)
    .map((line, i) => parsed<T>(line, `${path}:${i + 1}`));
}

function parsed<T>(line: string, where: string): T {
  try {
    return JSON.parse(line) as T;
  } catch {
    throw new InputError(where, 'is no JSON. Remove the folder to begin again.');
  }
}
