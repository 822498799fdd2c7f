import { InputError } from '../../base/index.ts';
import { sincos, sincosFrequencies } from '../../model/index.ts';
import { compareArrays, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers, pick } from '../goldenCase.ts';
import type { Check } from '../kind.ts';

/**
 * Sine-cosine codes: `<code>/frequency_D` [D/2] and `<code>/encoding_D` (or some of its rows) of the positions in
 * `<code>/position`.
 */
export function sincosCodes(golden: GoldenCase): Check {
  return async (quantity) => {
    const name = quantity.tensor ?? quantity.name;
    const match = /^(.+)\/(frequency|encoding)_(\d+)(_\w+)?$/.exec(name);
    if (!match) throw new UnknownQuantity('sincos', `${name} is neither a frequency nor an encoding.`);
    const [, which, what, dimension] = match as unknown as [string, string, string, string];
    const periods = golden.config[which] as { min_period: number; max_period: number } | undefined;
    if (!periods) throw new InputError(golden.name, `the manifest's config has no periods for ${which}.`);
    const range = [Number(dimension), periods.min_period, periods.max_period] as const;
    const expected = await golden.tensor(quantity.file, name);
    if (what === 'frequency') return compareArrays(sincosFrequencies(...range), expected, toleranceOf(quantity));
    const tensors = await golden.tensors(quantity.file);
    const positions = numbers(pick(tensors, `${which}/position`, quantity.file));
    const listed = tensors.get(`${name}_row_numbers`) ?? tensors.get(`${name}_row_indices`);
    const chosen = listed
      ? Array.from(numbers(listed), (row) => positions[row]!)
      : everyNth(positions, expected.shape[0]!);
    return compareArrays(sincos(chosen, ...range), expected, toleranceOf(quantity));
  };
}

/**
 * `count` of the values at a regular distance from the first on: all when that many are there, else every tenth when
 * that fits, else the nearest that does.
 */
function everyNth(values: ArrayLike<number>, count: number): number[] {
  const fits = (step: number) => Math.ceil(values.length / step) === count;
  const steps = [1, 10, ...Array.from({ length: values.length }, (_, i) => i + 2)];
  const step = steps.find(fits) ?? 1;
  return Array.from({ length: count }, (_, i) => values[i * step]!);
}
