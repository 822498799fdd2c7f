import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { z } from 'zod';
import { eachJsonLine, jsonLineAt, readJsonLines, writeJsonLines } from './jsonLines.ts';

const folder = await mkdtemp(join(tmpdir(), 'valet-lines-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const path = join(folder, 'some.jsonl');

it('reads a value a line, passes over empty ones, and names file and line of what is none', async () => {
  const read = async (text: string) => {
    await writeFile(path, text);
    return readJsonLines(path, z.object({ a: z.number() }));
  };
  expect(await read('{"a":1}\n\n{"a":2}\r\n')).toEqual([{ a: 1 }, { a: 2 }]);
  await expect(read('{"a":1}\n{"a"')).rejects.toThrow(`${path}:2: is not valid JSON`);
  await expect(read('{"a":"x"}\n')).rejects.toThrow(`${path}:1: a: `);
  await rm(path);
  await expect(readJsonLines(path, z.unknown())).rejects.toThrow(`${path}: cannot be read (ENOENT)`);
});

it('writes and reads more than is held at once, and one value again where it lies', async () => {
  // Letters of two and three bytes over the borders of the pieces; the lines are short, and longer than a piece.
  const values = Array.from({ length: 40 }, (_, i) => ({ i, text: 'ü€'.repeat(i % 9 === 0 ? 400_000 : 3 * i) }));
  await writeJsonLines(path, values);
  expect(await readFile(path, 'utf8')).toBe(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
  const seen: unknown[] = [];
  for await (const { value, place } of eachJsonLine(path, z.unknown())) {
    seen.push(value);
    expect(await jsonLineAt(path, place)).toEqual(value);
  }
  expect(seen).toEqual(values);
});

it('passes on what whoever gives the values says', async () => {
  const refused = Object.assign(new Error('refused'), { code: 'EACCES', syscall: 'open' });
  async function* some() {
    yield { a: 1 };
    throw refused;
  }
  await expect(writeJsonLines(path, some())).rejects.toBe(refused);
  await expect(writeJsonLines(join(folder, 'none', 'a.jsonl'), [1])).rejects.toThrow(/a\.jsonl: is not there/);
});
