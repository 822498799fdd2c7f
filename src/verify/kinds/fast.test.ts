import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Verdict, verify } from '../verify.ts';

const GOLDEN = join(import.meta.dirname, '../../../test/golden/fast');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-verify-fast-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function verdicts(dir: string): Promise<Verdict[]> {
  const all: Verdict[] = [];
  for await (const verdict of verify([dir])) all.push(verdict);
  return all;
}

it('the committed case passes', async () => {
  const all = await verdicts(GOLDEN);
  expect(all.filter(({ pass }) => pass !== true)).toEqual([]);
  expect(all.length).toBe(5);
});

it('a merge out of place, another split and another outcome fail', async () => {
  const copy = join(folder, 'fast');
  await cp(GOLDEN, copy, { recursive: true });
  const edit = async (file: string, change: (value: never) => void) => {
    const value = JSON.parse(await readFile(join(copy, file), 'utf8'));
    change(value as never);
    await writeFile(join(copy, file), JSON.stringify(value));
  };
  await edit('tokenizer_256/tokenizer.json', ({ model }: { model: { merges: unknown[] } }) => model.merges.reverse());
  await edit('bpe_trainer_cases.json', (cases: { merges: unknown[] }[]) => cases[0]!.merges.pop());
  await edit('pretokenizer_cases.json', (cases: { ranges: unknown[] }[]) => cases[3]!.ranges.pop());
  await edit('decode_cases.json', (cases: { failed: boolean }[]) => (cases[0]!.failed = true));
  const all = await verdicts(copy);
  const failed = all.filter(({ pass }) => pass === false).map(({ quantity }) => quantity);
  expect(failed).toEqual(
    expect.arrayContaining(['bpe_merges_256', 'bpe_trainer_cases', 'pretokenizer_cases', 'decode_cases']),
  );
});
