import { ByteLevelBpe, splitPieces, trainBpe, WordCounter } from '../../action/index.ts';
import { InputError } from '../../base/index.ts';
import { compareArrays, compareExactly, type Outcome, toleranceOf, worstOf } from '../compare.ts';
import type { GoldenCase } from '../goldenCase.ts';
import type { Quantity } from '../manifest.ts';
import { load, mainFolder, type Settings, suffixOf, vocabularies, vocabularyPairs } from './fastVocabularies.ts';

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

export async function trainerCases(golden: GoldenCase, file: string): Promise<Outcome> {
  const cases = await golden.json<TrainerCase[]>(file);
  return worstOf(
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
export async function splitCases(golden: GoldenCase, file: string): Promise<Outcome> {
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
  return worstOf(parts);
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
export async function decodeCases(golden: GoldenCase, quantity: Quantity): Promise<Outcome> {
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
  return worstOf(parts);
}
