import { InputError } from '../../base/index.ts';
import { type ModelConfig, parameterTree } from '../../model/index.ts';
import type { Parameters } from '../../tensor/index.ts';
import { compareBoth, type Outcome, type Tolerance, toleranceOf, UnknownQuantity, worstOf } from '../compare.ts';
import { numbers, pattern } from '../goldenCase.ts';
import type { Quantity } from '../manifest.ts';
import { backwardRank } from '../order.ts';
import { type SubcaseOf, tensorOf } from './subcase.ts';

/** A gradient's leaf: `gradients/<leaf>` or the leaf alone. */
const leafOf = (name: string): string => name.replace(/^(d_|grads?\/|gradients?\/)/, '');

/** Gradients lie in the file that the sub-case calls so, or under names of leaves. */
export function asksForGradients(
  quantity: Quantity,
  { options }: SubcaseOf,
  config: ModelConfig,
  expected: Parameters,
): boolean {
  if (quantity.file === options['gradients']) return true;
  const leaves = new Set(parameterTree(config).map(({ name }) => name));
  const fits = pattern(tensorOf(quantity));
  const names = [...expected.keys()].filter((name) => fits.test(name));
  return (names.length > 0 ? names : [...expected.keys()]).every((name) => leaves.has(leafOf(name)));
}

/** Every leaf that the quantity covers; with `*` that is the whole tree, and the file must hold no other. */
export function compareGradients(
  quantity: Quantity,
  { options }: SubcaseOf,
  expected: Parameters,
  own: Parameters,
  exact: Parameters | undefined,
): Outcome {
  const names = new Map([...expected.keys()].map((name) => [leafOf(name), name]));
  for (const leaf of names.keys())
    if (!own.has(leaf)) throw new InputError(quantity.file, `has leaf ${leaf}, which this network does not have.`);
  const asked = tensorOf(quantity);
  const whole = quantity.file === options['gradients'] && (quantity.tensor ?? '*') === '*';
  const fits = pattern(asked);
  const wanted = [...own.keys()].filter(
    (leaf) => whole || fits.test(leaf) || (names.has(leaf) && fits.test(names.get(leaf)!)),
  );
  if (wanted.length === 0) throw new UnknownQuantity('network', `no leaf fits ${asked}.`);
  const zero = new Set(options['gradients_that_are_entirely_zero'] as readonly string[] | undefined);
  const parts = wanted.map((leaf): [string, Outcome] => {
    const got = own.get(leaf)!;
    const named = names.get(leaf);
    if (named === undefined && !zero.has(leaf)) throw new InputError(quantity.file, `has no gradient of ${leaf}.`);
    const target = named === undefined ? { ...got, data: new Float32Array(got.data.length) } : expected.get(named)!;
    return [leaf, compareBoth(numbers(got), exact && numbers(exact.get(leaf)!), target, leafTolerance(quantity, leaf))];
  });
  const outcome = parts.length === 1 ? { ...parts[0]![1] } : worstOf(parts);
  const off = parts.filter(([, { error, tolerance }]) => !(error <= tolerance)).map(([leaf]) => leaf);
  if (off.length < 2) return outcome;
  const first = off.reduce((a, b) => (backwardRank(b) < backwardRank(a) ? b : a));
  return { ...outcome, note: `${off.length} of ${parts.length} leaves are off; going backward the first is ${first}` };
}

/** A leaf's own tolerance, where the quantity makes an exception of it. */
function leafTolerance(quantity: Quantity, leaf: string): Tolerance {
  const own = [quantity.exception ?? []].flat().find((exception) => pattern(exception.leaf).test(leaf));
  return own ? { absolute: own.tolerance_absolute } : toleranceOf(quantity);
}
