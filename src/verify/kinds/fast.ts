import { basename, dirname } from 'node:path';
import {
  ByteLevelBpe,
  FastFitter,
  FastTokenizer,
  readTokenizerFile,
  splitPieces,
  trainBpe,
  WordCounter,
} from '../../action/index.ts';
import { InputError } from '../../base/index.ts';
import type { NdArray } from '../../tensor/index.ts';
import { combine, compareArrays, compareExactly, type Outcome, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers, rowOf } from '../goldenCase.ts';
import type { Check } from '../kind.ts';
import type { Quantity } from '../manifest.ts';

interface Settings {
  readonly scale: number;
  readonly vocab_size: number;
  readonly min_token?: number;
  readonly time_horizon: number;
  readonly action_dim: number;
}

/** FAST tokens: vocabularies (`<dir>/tokenizer.json`) fitted anew, encodings and decodings of `<what>_<name>.safetensors` by `tokenizer_<name>`, and lists of cases. */
export function fast(golden: GoldenCase): Check {
  return async (quantity) => {
    const { file } = quantity;
    if (basename(file) === 'tokenizer.json') return vocabulary(golden, dirname(file));
    if (file.endsWith('.safetensors')) return tensor(golden, quantity);
    if (/trainer/.test(file)) return trainerCases(golden, file);
    if (/pretokenizer/.test(file)) return splitCases(golden, file);
    if (/decode/.test(file)) return decodeCases(golden, quantity);
    throw new UnknownQuantity('fast', `${quantity.name} (${file}) is not something that this kind has.`);
  };
}

// ---- Tensors of encodings -------------------------------------------------------------------------------------------

/** One tensor of an encoding: its name without the group (`long_ids_values` is of group `long_`) says what it is. */
async function tensor(golden: GoldenCase, quantity: Quantity): Promise<Outcome> {
  const { file } = quantity;
  const name = quantity.tensor ?? quantity.name;
  const tensors = await golden.tensors(file);
  const expected = await golden.tensor(file, name);
  const match = /^(.*?)(coefficients|symbols|ids_values|ids_offsets|decoded|padded_tokens|padded_mask)(_\d+)?$/.exec(
    name,
  );
  if (!match) throw new UnknownQuantity('fast', `${name} is not something that an encoding has.`);
  const [, group, what] = match as unknown as [string, string, string];
  const tokenizer = await tokenizerFor(golden, file);
  const tolerance = toleranceOf(quantity);
  if (what.startsWith('padded')) {
    // All chunks of the file, one group after the other; the plain one first.
    const names = [...tensors.keys()].filter((key) => key.endsWith('chunks')).sort((a, b) => a.length - b.length);
    const rows = names.flatMap((key) => rowsOf(tensors.get(key)!));
    const maxTokens = expected.shape[1]!;
    const padId = Number(golden.config['pad_id'] ?? 0);
    const batches = rows.slice(0, expected.shape[0]).map((row) => {
      const [horizon, width] = row.shape as [number, number];
      return tokenizer.encodeBatch(row.data as Float64Array, { horizon, width, maxTokens, padId });
    });
    return compareArrays(
      batches.flatMap(({ tokens, mask }) => [...(what === 'padded_mask' ? mask : tokens)]),
      expected,
      tolerance,
    );
  }
  const chunks = rowsOf(await golden.tensor(file, `${group}chunks`));
  const [horizon, width] = chunks[0]!.shape as [number, number];
  const each = <T>(compute: (chunk: Float64Array) => T) => chunks.map((row) => compute(row.data as Float64Array));
  switch (what) {
    case 'coefficients':
      return compareArrays(each((c) => [...tokenizer.coefficientsOf(c, horizon, width)]).flat(), expected, tolerance);
    case 'symbols':
      return compareArrays(
        each((c) =>
          Array.from(tokenizer.coefficientsOf(c, horizon, width), (v) => Math.max(v - tokenizer.settings.minToken, 0)),
        ).flat(),
        expected,
        tolerance,
      );
    case 'decoded': {
      const ids = ragged(
        await golden.tensor(file, `${group}ids_values`),
        await golden.tensor(file, `${group}ids_offsets`),
      );
      const decoded = ids
        .slice(0, expected.shape[0])
        .flatMap((row) => [...tokenizer.decodeAsOriginal(row, horizon, width).chunk]);
      return compareArrays(decoded, expected, tolerance);
    }
    default: {
      const offsets = numbers(await golden.tensor(file, `${group}ids_offsets`));
      const rows = each((c) => tokenizer.encode(c, horizon, width)).slice(0, offsets.length - 1);
      const ends = [0];
      for (const row of rows) ends.push(ends.at(-1)! + row.length);
      if (what === 'ids_offsets') return compareArrays(ends, expected, tolerance);
      const ids = rows.flatMap((row) => [...row]);
      return combine([
        ['lengths of the rows', exact(ends, [...Array.from(offsets)], 'offset')],
        [
          name,
          ids.length === expected.data.length
            ? compareArrays(ids, expected, tolerance)
            : exact([ids.length], [expected.data.length], 'number of ids'),
        ],
      ]);
    }
  }
}

function exact(got: readonly number[], expected: readonly number[], what: string): Outcome {
  const count = Math.max(got.length, expected.length);
  return compareExactly(
    Array.from({ length: count }, (_, i) => ({ what: `${what} ${i}`, got: got[i], expected: expected[i] })),
  );
}

function rowsOf(array: NdArray): NdArray[] {
  return Array.from({ length: array.shape[0]! }, (_, i) => rowOf(array, i));
}

function ragged(values: NdArray, offsets: NdArray): number[][] {
  const [all, at] = [numbers(values), numbers(offsets)];
  return Array.from({ length: at.length - 1 }, (_, i) =>
    Array.from({ length: at[i + 1]! - at[i]! }, (_x, k) => all[at[i]! + k]!),
  );
}

// ---- Vocabularies ---------------------------------------------------------------------------------------------------

/** Folders of vocabularies in the case. */
function vocabularies(golden: GoldenCase): string[] {
  const { files } = golden.manifest as { files?: unknown };
  const names = Array.isArray(files) ? files : files && typeof files === 'object' ? Object.keys(files) : [];
  const listed = [...names, ...golden.manifest.quantities.map(({ file }) => file)].filter(
    (name): name is string => typeof name === 'string' && basename(name) === 'tokenizer.json',
  );
  return [...new Set(listed.map((name) => dirname(name)))];
}

const suffixOf = (name: string) =>
  basename(name)
    .replace(/\.[^.]*$/, '')
    .replace(/^[^_]*_?/, '');

function load(golden: GoldenCase, folder: string): Promise<FastTokenizer> {
  return golden.once(`tokenizer ${folder}`, () => FastTokenizer.load(golden.path(folder)));
}

/** The vocabulary of a file: the folder with the same ending, else the one that the manifest's settings describe. */
async function tokenizerFor(golden: GoldenCase, file: string): Promise<FastTokenizer> {
  const folders = vocabularies(golden);
  const same = folders.find((folder) => suffixOf(folder) === suffixOf(file));
  return load(golden, same ?? (await mainFolder(golden)));
}

async function mainFolder(golden: GoldenCase): Promise<string> {
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

/** Fits a vocabulary to what it was fitted to (`train_<name>`: symbols, or `fit_<name>`: chunks) and compares every symbol and every merge. */
async function vocabulary(golden: GoldenCase, folder: string): Promise<Outcome> {
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

function* vocabularyPairs(got: Vocabulary, expected: Vocabulary) {
  for (let i = 0; i < Math.max(got.vocab.length, expected.vocab.length); i++)
    yield { what: `symbol ${i}`, got: got.vocab[i] ?? null, expected: expected.vocab[i] ?? null };
  for (let i = 0; i < Math.max(got.merges.length, expected.merges.length); i++)
    yield { what: `merge ${i}`, got: got.merges[i] ?? null, expected: expected.merges[i] ?? null };
}

// ---- Lists of cases -------------------------------------------------------------------------------------------------

interface TrainerCase {
  readonly sequences: readonly number[][];
  readonly vocab_size: number;
  readonly min_frequency?: number;
  readonly max_token_length?: number;
  readonly alphabet_max: number;
  readonly merges: readonly string[][];
  readonly vocab: readonly string[];
  readonly encoded?: readonly number[][];
}

async function trainerCases(golden: GoldenCase, file: string): Promise<Outcome> {
  const cases = await golden.json<TrainerCase[]>(file);
  return combine(
    cases.map((c, i) => {
      const words = new WordCounter();
      for (const sequence of c.sequences) words.addText(Int32Array.from(sequence));
      const trained = trainBpe(words, {
        vocabSize: c.vocab_size,
        ...(c.min_frequency !== undefined && { minFrequency: c.min_frequency }),
        ...(c.max_token_length !== undefined && { maxTokenLength: c.max_token_length }),
        alphabet: Array.from({ length: c.alphabet_max + 1 }, (_, k) => String.fromCodePoint(k)),
      });
      const model = new ByteLevelBpe(trained);
      const encodings = (c.encoded ?? []).map((expected, k) => ({
        what: `encoding ${k}`,
        got: [...model.encode(Int32Array.from(c.sequences[k]!))],
        expected,
      }));
      return [`corpus ${i}`, compareExactly([...vocabularyPairs(trained, c), ...encodings])] as const;
    }),
  );
}

interface SplitCase {
  readonly code_points: readonly number[];
  readonly pieces?: readonly string[];
  readonly ranges?: readonly (readonly [number, number])[];
  readonly [idsOrBack: string]: unknown;
}

/** Pieces as ranges, and what each vocabulary (`ids_<name>`, `back_<name>`) makes of the list and back. */
async function splitCases(golden: GoldenCase, file: string): Promise<Outcome> {
  const cases = await golden.json<SplitCase[]>(file);
  const folders = vocabularies(golden);
  const parts: [string, Outcome][] = [];
  for (const [i, c] of cases.entries()) {
    const points = Int32Array.from(c.code_points);
    const ends = new Int32Array(points.length);
    const count = splitPieces(points, points.length, ends);
    const ranges = Array.from({ length: count }, (_, k) => [k === 0 ? 0 : ends[k - 1]!, ends[k]!]);
    const pairs: { what: string; got: unknown; expected: unknown }[] = [];
    if (c.ranges) pairs.push({ what: 'ranges', got: ranges, expected: c.ranges });
    for (const [key, expected] of Object.entries(c)) {
      const match = /^(ids|back)_(.+)$/.exec(key);
      if (!match) continue;
      const folder = folders.find((name) => suffixOf(`${name}.`) === match[2]);
      if (!folder) throw new InputError(golden.name, `${file} speaks of a vocabulary ${match[2]} that the case lacks.`);
      const tokenizer = await load(golden, folder);
      if (match[1] === 'ids') {
        const ids = [...new ByteLevelBpe(tokenizer.bpe).encode(points)];
        pairs.push({ what: key, got: ids, expected });
      } else {
        const ids = c[`ids_${match[2]}`] as number[];
        pairs.push({ what: key, got: [...tokenizer.decodeAsOriginal(ids, 1, 1).codePoints], expected });
      }
    }
    parts.push([`list ${i}`, compareExactly(pairs)]);
  }
  return combine(parts);
}

interface DecodeCase {
  readonly name: string;
  readonly ids: readonly number[];
  readonly time_horizon: number | null;
  readonly action_dim: number | null;
  readonly failed: boolean;
  readonly text_code_points?: readonly number[];
}

/** Results as the original gives them; and where it failed, `decode` must say so instead. */
async function decodeCases(golden: GoldenCase, quantity: Quantity): Promise<Outcome> {
  const cases = await golden.json<DecodeCase[]>(quantity.file);
  const results = golden.file(quantity.file.replace(/\.json$/, '.safetensors'));
  const tokenizer = await load(golden, await mainFolder(golden));
  const { time_horizon: horizon, action_dim: width } = golden.config as unknown as Settings;
  const parts: [string, Outcome][] = [];
  for (const c of cases) {
    const shape = [c.time_horizon ?? horizon, c.action_dim ?? width] as const;
    const got = tokenizer.decodeAsOriginal(c.ids, ...shape);
    const expected = await golden.tensor(results, c.name);
    const facts = [{ what: 'failed', got: got.failed, expected: c.failed }];
    const value = tokenizer.decode(c.ids, ...shape);
    if (c.failed) facts.push({ what: 'an error value', got: !value.ok, expected: true });
    parts.push([c.name, compareArrays(got.chunk, expected, toleranceOf(quantity))]);
    parts.push([`${c.name}: outcome`, compareExactly(facts)]);
    if (c.text_code_points)
      parts.push([
        `${c.name}: text`,
        compareExactly([{ what: 'code points', got: [...got.codePoints], expected: c.text_code_points }]),
      ]);
  }
  return combine(parts);
}
