import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { readJsonLines } from './jsonLines.ts';

it('reads a value a line, passes over empty ones, and names file and line of what is none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'valet-lines-'));
  const path = join(folder, 'some.jsonl');
  const read = async (text: string) => {
    await writeFile(path, text);
    return readJsonLines(path, z.object({ a: z.number() }));
  };
  expect(await read('{"a":1}\n\n{"a":2}\r\n')).toEqual([{ a: 1 }, { a: 2 }]);
  await expect(read('{"a":1}\n{"a"')).rejects.toThrow(`${path}:2: is not valid JSON`);
  await expect(read('{"a":"x"}\n')).rejects.toThrow(`${path}:1: a: `);
  await rm(folder, { recursive: true });
  await expect(readJsonLines(path, z.unknown())).rejects.toThrow(`${path}: cannot be read (ENOENT)`);
});
