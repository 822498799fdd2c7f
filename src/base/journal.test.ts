import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readJournal } from './journal.ts';

const folder = await mkdtemp(join(tmpdir(), 'valet-journal-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const path = join(folder, 'done.jsonl');

it('reads whole lines, cuts off what a killed process left, and names a line that is no JSON', async () => {
  expect(await readJournal(path)).toEqual([]);
  await writeFile(path, '{"n": 1, "name": "ü"}\n{"n": 2}\n{"n": 3');
  expect(await readJournal(path)).toEqual([{ n: 1, name: 'ü' }, { n: 2 }]);
  expect(await readFile(path, 'utf8')).toBe('{"n": 1, "name": "ü"}\n{"n": 2}\n');
  await writeFile(path, '{"n": 1}\n{"n": \n{"n": 3}\n');
  await expect(readJournal(path)).rejects.toThrow(/done\.jsonl:2.*is no JSON/);
});
