import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FastTokenizer } from '../src/action/index.ts';
import { Random } from '../src/base/index.ts';
import { importCheckpoint } from '../src/model/index.ts';
import { train } from '../src/train/index.ts';
import { writeTinyPolicy } from './support/model.ts';
import { smallTraining, writeFakeSet } from './support/training.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let folder: string;
const at = (...names: string[]) => join(folder, ...names);

/** A vocabulary that was fitted to chunks of that size. @param columns which it says that it encodes, if any */
async function fitted(name: string, horizon: number, width: number, columns?: [number, number][]): Promise<string> {
  const random = Random.of('vocabulary', name);
  const chunks = Array.from({ length: 8 }, () =>
    Float64Array.from({ length: horizon * width }, () => random.between(-1, 1)),
  );
  const { settings, bpe } = FastTokenizer.fit(chunks, { horizon, width, vocabSize: 400 });
  await new FastTokenizer(settings, bpe, columns && { encoded_dim_ranges: columns }).save(at(name));
  return at(name);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-vocabularies-'));
  await writeFakeSet(at('data'), [{}]);
  await writeTinyPolicy(at('policy'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A checkpoint that holds the vocabulary, imported. */
async function imported(vocabulary: string) {
  await cp(at('policy'), `${vocabulary}-policy`, { recursive: true });
  await cp(vocabulary, `${vocabulary}-policy/assets/household/fast_tokenizer`, { recursive: true });
  return importCheckpoint(`${vocabulary}-policy`, `${vocabulary}-imported`);
}

/** Trains with the vocabulary until something is wrong with it: the network has no row for any of its ids. */
async function trained(vocabulary: string): Promise<string> {
  const model = { useFastAuxiliary: true, useCorrelatedNoise: false, fastVocabSize: 1 };
  const config = await smallTraining({ model, steps: 1 });
  const training = train({ config, data: [at('data')], out: `${vocabulary}-run`, threads: 1, tokenizer: vocabulary });
  return training.then(
    () => 'trained',
    (error: Error) => error.message,
  );
}

describe('a FAST vocabulary of other chunks than those of 30 × 22 numbers here is refused with both shapes:', () => {
  const here = / those here are of 30 × 22 \(columns 0:6,7:23\)\. Fit .* valet tokenizer fit/;
  it.each<[string, Parameters<typeof fitted>, RegExp]>([
    ['of a longer horizon, with no word on columns', ['longer', 50, 22], /longer: encodes chunks of 50 × 22;/],
    [
      'of the arms alone',
      [
        'arms',
        30,
        14,
        [
          [7, 14],
          [15, 22],
        ],
      ],
      /arms: encodes chunks of 30 × 14 \(columns 7:14,15:22\);/,
    ],
    ['of as many columns, but others', ['others', 30, 22, [[0, 22]]], /others: .* of 30 × 22 \(columns 0:22\);/],
    ['of a robot with one arm', ['one-arm', 20, 7, [[0, 7]]], /one-arm: .* of 20 × 7 \(columns 0:7\);/],
  ])('%s', async (_, vocabulary, message) => {
    const made = await fitted(...vocabulary);
    const { tokenizerProblem, hasTokenizer } = await imported(made);
    expect(hasTokenizer).toBe(false);
    expect(existsSync(`${made}-imported/assets/household/fast_tokenizer`)).toBe(false);
    for (const said of [tokenizerProblem, await trained(made)]) {
      expect(said?.replace('-policy/assets/household/fast_tokenizer', '')).toMatch(message);
      expect(said).toMatch(here);
    }
  });

  it('not one of these chunks', async () => {
    const made = await fitted('fits', 30, 22, [
      [0, 6],
      [7, 23],
    ]);
    expect(await imported(made)).toMatchObject({ tokenizerProblem: null, hasTokenizer: true });
    expect(await trained(made)).toMatch(/fits: has \d+ ids, the network has rows for 1\./);
  });
});
