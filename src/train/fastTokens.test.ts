import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tinyNetwork, tinyStatistics } from '../../test/support/model.ts';
import type { SampleSource } from '../data/index.ts';
import { CHALLENGE_ROBOT } from '../robot/index.ts';
import { chooseTokenizer } from './fastTokens.ts';

const VOCABULARY = join(import.meta.dirname, '../../test/cases/fast-horizon-20');
/** What the vocabulary is of: 20 steps of columns 0 to 5 and 7 to 22, 512 ids. */
const model = { ...tinyNetwork, useFastAuxiliary: true, actionHorizon: 20, fastVocabSize: 512 };
const robot = {
  ...CHALLENGE_ROBOT,
  fastColumns: [
    [0, 6],
    [7, 23],
  ] as [number, number][],
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-fast-init-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A checkpoint that plans with statistics of one asset and holds its vocabulary under another, or the same, name. */
async function checkpoint(name: string, plansWith: string, vocabularyOf?: string): Promise<string> {
  const at = join(folder, name);
  await mkdir(at);
  await writeFile(join(at, 'config.json'), JSON.stringify({ policy: { assetId: plansWith } }));
  if (vocabularyOf !== undefined)
    await cp(VOCABULARY, join(at, 'assets', vocabularyOf, 'fast_tokenizer'), { recursive: true });
  return at;
}

/** Chunks of which none may be taken: a vocabulary that is fitted anew would. */
const untouched = new Proxy({} as SampleSource, {
  get: (_, name) => {
    throw new Error(`the data were read (${String(name)})`);
  },
});

async function choose(initial: string, folderGiven?: string) {
  const said: string[] = [];
  const tokenizer = await chooseTokenizer(model, {
    ...{ folder: folderGiven, kept: undefined, initial, robot, store: untouched, statistics: tinyStatistics() },
    log: (line) => void said.push(line),
  });
  return { said: said.join('\n'), ids: tokenizer?.encode(new Float64Array(20 * 22).fill(0.5), 20, 22) };
}

it('training from a checkpoint takes its vocabulary, whatever its asset is called', async () => {
  const usual = await choose(await checkpoint('usual', 'household', 'household'));
  expect(usual.ids?.length).toBeGreaterThan(0);
  for (const [name, plansWith, of] of [
    ['named', 'b1k_2026', 'b1k_2026'],
    ['nested', 'behavior-1k/2025', 'behavior-1k/2025'],
    ['elsewhere', 'household', 'another'],
  ] as const) {
    const { said, ids } = await choose(await checkpoint(name, plansWith, of));
    expect(said).toBe(`FAST vocabulary: ${join(folder, name, 'assets', of, 'fast_tokenizer')}`);
    expect(ids).toEqual(usual.ids);
  }
});

it('a checkpoint without one is said, and only then is one fitted to the data', async () => {
  const bare = await checkpoint('bare', 'b1k_2026');
  await expect(choose(bare)).rejects.toThrow(/the data were read/);
  expect((await choose(bare, VOCABULARY)).said).toBe(`FAST vocabulary: ${VOCABULARY}`);
});
