import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { InputError } from './errors.ts';

/**
 * Checks `value` against `schema` at the door.
 * @throws InputError that names the field, what it was and what was expected
 */
export function parse<S extends z.ZodType>(where: string, schema: S, value: unknown): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, 3).map((issue) => `${issue.path.join('.') || 'value'}: ${issue.message}`);
  const more = result.error.issues.length > 3 ? `; and ${result.error.issues.length - 3} more` : '';
  throw new InputError(where, `${issues.join('; ')}${more}.`);
}

/** Reads and checks a JSON file. @throws InputError when the file is missing, no JSON, or not of the schema's form */
export async function readJson<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new InputError(
      path,
      `cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message}). Check the path.`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(path, `is not valid JSON (${oneLine((error as Error).message)}).`);
  }
  return parse(path, schema, value);
}

/** A message on one line: errors quote pieces of files, line breaks and all. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s*[\r\n\u2028\u2029]\s*/g, ' ');
}
