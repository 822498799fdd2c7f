import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { z } from 'zod';
import { InputError, systemError } from './errors.ts';
import { oneLine, parse } from './parse.ts';

/** Bytes that are read or written at once. */
const PIECE = 1 << 20;
const END = 0x0a;

/** Where a line lies in its file, bytes; its end is not part of it. */
export interface LinePlace {
  readonly from: number;
  readonly to: number;
}

interface Line extends LinePlace {
  readonly text: string;
  /** Counted from 1. */
  readonly number: number;
  /** Its end is written; of the last one it may be missing. */
  readonly isWhole: boolean;
}

/** The lines of a file, one after the other: the memory holds one of them, whatever the size of the file. */
export async function* fileLines(path: string): AsyncGenerator<Line> {
  let [from, number] = [0, 0];
  let begun: Buffer[] = [];
  const line = (rest: Buffer, isWhole: boolean): Line => {
    const bytes = begun.length === 0 ? rest : Buffer.concat([...begun, rest]);
    begun = [];
    const to = from + bytes.length;
    const found = { text: bytes.toString('utf8'), number: ++number, isWhole, from, to };
    from = to + 1;
    return found;
  };
  for await (const piece of createReadStream(path, { highWaterMark: PIECE }) as AsyncIterable<Buffer>) {
    let at = 0;
    for (let end = piece.indexOf(END); end >= 0; end = piece.indexOf(END, at)) {
      yield line(piece.subarray(at, end), true);
      at = end + 1;
    }
    if (at < piece.length) begun.push(piece.subarray(at));
  }
  if (begun.length > 0) yield line(Buffer.alloc(0), false);
}

/**
 * The values of a file of JSON lines, one after the other, each of the schema's form.
 * @throws InputError that names file and line
 */
export async function* eachJsonLine<S extends z.ZodType>(
  path: string,
  schema: S,
): AsyncGenerator<{ readonly value: z.infer<S>; readonly place: LinePlace }> {
  const lines = fileLines(path);
  for (;;) {
    const next = await lines.next().catch((error: NodeJS.ErrnoException) => {
      throw new InputError(path, `cannot be read (${error.code ?? error}). Check the path.`);
    });
    if (next.done) return;
    const { text, number, from, to } = next.value;
    if (text.trim() === '') continue;
    yield { value: parse(`${path}:${number}`, schema, jsonOf(text, `${path}:${number}`)), place: { from, to } };
  }
}

/** Reads a file of JSON lines whole, as `eachJsonLine` does. */
export async function readJsonLines<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>[]> {
  const out: z.infer<S>[] = [];
  for await (const { value } of eachJsonLine(path, schema)) out.push(value);
  return out;
}

/** The value of one line of a file. @throws InputError when there is no JSON */
export async function jsonLineAt(path: string, { from, to }: LinePlace): Promise<unknown> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(to - from), 0, to - from, from);
    return jsonOf(buffer.toString('utf8', 0, bytesRead), `${path}, byte ${from}`);
  } finally {
    await file.close();
  }
}

function jsonOf(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(where, `is not valid JSON (${oneLine((error as Error).message)}).`);
  }
}

/**
 * Writes values as JSON lines, a piece after the other: no text has room for those of a large set. An error of whoever
 * gives the values is passed on as it is.
 */
export async function writeJsonLines(path: string, values: Iterable<unknown> | AsyncIterable<unknown>): Promise<void> {
  const refused = (error: unknown): never => {
    throw systemError(error, { where: path }) ?? error;
  };
  const file = await open(path, 'w').catch(refused);
  try {
    let text = '';
    for await (const value of values) {
      text += `${JSON.stringify(value)}\n`;
      if (text.length < PIECE) continue;
      await file.writeFile(text).catch(refused);
      text = '';
    }
    await file.writeFile(text).catch(refused);
  } finally {
    await file.close().catch(refused);
  }
}
