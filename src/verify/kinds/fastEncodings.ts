import type { NdArray } from '../../tensor/index.ts';
import { compareArrays, compareExactly, type Outcome, toleranceOf, UnknownQuantity, worstOf } from '../compare.ts';
import { type GoldenCase, numbers } from '../goldenCase.ts';
import type { Quantity } from '../manifest.ts';
import { rowsOf, tokenizerFor } from './fastVocabularies.ts';

/** One tensor of an encoding: its name without the group (`long_ids_values` is of group `long_`) says what it is. */
export async function tensor(golden: GoldenCase, quantity: Quantity): Promise<Outcome> {
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
      return worstOf([
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

function ragged(values: NdArray, offsets: NdArray): number[][] {
  const [all, at] = [numbers(values), numbers(offsets)];
  return Array.from({ length: at.length - 1 }, (_, i) =>
    Array.from({ length: at[i + 1]! - at[i]! }, (_x, k) => all[at[i]! + k]!),
  );
}
