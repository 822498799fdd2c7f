import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { InputError } from './errors.ts';
import { oneLine, parse } from './parse.ts';

/** Reads a file of JSON lines, each of the schema's form. @throws InputError that names file and line */
export async function readJsonLines<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new InputError(path, `cannot be read (${(error as NodeJS.ErrnoException).code ?? error}). Check the path.`);
  }
  const out: z.infer<S>[] = [];
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw new InputError(`${path}:${i + 1}`, `is not valid JSON (${oneLine((error as Error).message)}).`);
    }
    out.push(parse(`${path}:${i + 1}`, schema, value));
  });
  return out;
}
