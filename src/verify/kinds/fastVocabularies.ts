import { basename, dirname } from 'node:path';
import { FastFitter, FastTokenizer, readTokenizerFile, trainBpe, WordCounter } from '../../action/index.ts';
import { InputError } from '../../base/index.ts';
import type { NdArray } from '../../tensor/index.ts';
import { compareExactly, type Outcome } from '../compare.ts';
import { type GoldenCase, numbers, rowOf } from '../goldenCase.ts';

export interface Settings {
  readonly scale: number;
  readonly vocab_size: number;
  readonly min_token?: number;
  readonly time_horizon: number;
  readonly action_dim: number;
}

/** Folders of vocabularies in the case. */
export function vocabularies(golden: GoldenCase): string[] {
  const { files } = golden.manifest as { files?: unknown };
  const names = Array.isArray(files) ? files : files && typeof files === 'object' ? Object.keys(files) : [];
  const listed = [...names, ...golden.manifest.quantities.map(({ file }) => file)].filter(
    (name): name is string => typeof name === 'string' && basename(name) === 'tokenizer.json',
  );
  return [...new Set(listed.map((name) => dirname(name)))];
}

export const suffixOf = (name: string) =>
  basename(name)
    .replace(/\.[^.]*$/, '')
    .replace(/^[^_]*_?/, '');

export function load(golden: GoldenCase, folder: string): Promise<FastTokenizer> {
  return golden.once(`tokenizer ${folder}`, () => FastTokenizer.load(golden.path(folder)));
}

/** The vocabulary of a file: the folder with the same ending, else the one that the manifest's settings describe. */
export async function tokenizerFor(golden: GoldenCase, file: string): Promise<FastTokenizer> {
  const folders = vocabularies(golden);
  const same = folders.find((folder) => suffixOf(folder) === suffixOf(file));
  return load(golden, same ?? (await mainFolder(golden)));
}

export async function mainFolder(golden: GoldenCase): Promise<string> {
  const folders = vocabularies(golden);
  const {
    scale,
    vocab_size: vocabSize,
    min_token: minToken,
    time_horizon: horizon,
    action_dim: width,
  } = golden.config as unknown as Settings;
  for (const folder of folders) {
    const { settings } = await load(golden, folder);
    if (
      settings.scale === scale &&
      settings.vocabSize === vocabSize &&
      (minToken === undefined || settings.minToken === minToken) &&
      (settings.horizon ?? horizon) === horizon &&
      (settings.width ?? width) === width
    )
      return folder;
  }
  if (folders.length === 0) throw new InputError(golden.name, 'the case has no vocabulary (tokenizer.json).');
  return folders[0]!;
}

/**
 * Fits a vocabulary to what it was fitted to (`train_<name>`: symbols, or `fit_<name>`: chunks) and compares every
 * symbol and every merge.
 */
export async function vocabulary(golden: GoldenCase, folder: string): Promise<Outcome> {
  const expected = await readTokenizerFile(golden.path(`${folder}/tokenizer.json`));
  const { settings } = await load(golden, folder);
  const source = await trainingFile(golden, folder);
  const tensors = await golden.tensors(source);
  const chunks = tensors.get('chunks');
  if (chunks && !/^train_/.test(basename(source))) {
    const [, horizon, width] = chunks.shape as [number, number, number];
    const fitter = new FastFitter({ horizon, width, scale: settings.scale, vocabSize: settings.vocabSize });
    for (const row of rowsOf(chunks)) fitter.add(row.data as Float64Array);
    const fitted = fitter.finish();
    const minToken = { what: 'min_token', got: fitted.settings.minToken, expected: settings.minToken };
    return compareExactly([minToken, ...vocabularyPairs(fitted.bpe, expected)]);
  }
  const symbols = await golden.tensor(source, 'symbols');
  const words = new WordCounter();
  let largest = 0;
  for (const row of rowsOf(symbols)) {
    const points = Int32Array.from(numbers(row));
    for (const point of points) largest = Math.max(largest, point);
    words.addText(points);
  }
  const alphabet = Array.from({ length: largest + 1 }, (_, i) => String.fromCodePoint(i));
  return compareExactly(vocabularyPairs(trainBpe(words, { vocabSize: settings.vocabSize, alphabet }), expected));
}

async function trainingFile(golden: GoldenCase, folder: string): Promise<string> {
  const suffix = suffixOf(`${folder}.`);
  const tried = [`train_${suffix}.safetensors`, `fit_${suffix}.safetensors`];
  for (const name of tried) {
    const found = golden.file(name, '');
    if (found) return found;
  }
  throw new InputError(golden.name, `there is nothing to fit ${folder} to (looked for ${tried.join(', ')}).`);
}

type Vocabulary = { readonly vocab: readonly (string | undefined)[]; readonly merges: readonly (readonly string[])[] };

export function* vocabularyPairs(got: Vocabulary, expected: Vocabulary) {
  for (let i = 0; i < Math.max(got.vocab.length, expected.vocab.length); i++)
    yield { what: `symbol ${i}`, got: got.vocab[i] ?? null, expected: expected.vocab[i] ?? null };
  for (let i = 0; i < Math.max(got.merges.length, expected.merges.length); i++)
    yield { what: `merge ${i}`, got: got.merges[i] ?? null, expected: expected.merges[i] ?? null };
}

export function rowsOf(array: NdArray): NdArray[] {
  return Array.from({ length: array.shape[0]! }, (_, i) => rowOf(array, i));
}
