import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, nearest } from '../../base/index.ts';
import {
  initialiseAsOriginal,
  openTree,
  parameterTree,
  planImport,
  readLeaf,
  type StoredTree,
} from '../../model/index.ts';
import { compareArrays, compareExactly, type Outcome, toleranceOf, UnknownQuantity, worstOf } from '../compare.ts';
import { type GoldenCase, numbers, pattern } from '../goldenCase.ts';
import type { Check } from '../kind.ts';
import { configOfGoldenCase } from '../networkConfig.ts';

/**
 * The tensors inside real checkpoints, one or several forms of the same tree; what a Pi0.5 base gives to the winner's
 * network.
 */
export function checkpoint(golden: GoldenCase): Check {
  const places = placesOf(golden);
  return async (quantity) => {
    if (!quantity.file.endsWith('.safetensors'))
      throw new UnknownQuantity(golden.name, `no way to compare ${quantity.file}.`);
    const wanted = quantity.tensor && quantity.tensor !== '*' ? pattern(quantity.tensor) : /^/;
    const expected = [...(await golden.tensors(quantity.file))].filter(([name]) => wanted.test(name));
    if (expected.length === 0)
      throw new UnknownQuantity(golden.name, `no tensor ${quantity.tensor} in ${quantity.file}.`);
    const parts: [string, Outcome][] = [];
    for (const place of places) {
      const stored = await golden.once(`tree ${place}`, () => openTree(golden.path(place)));
      const at = places.length > 1 ? `${place}: ` : '';
      for (const [name, tensor] of expected) {
        const leaf = stored.leaves.get(name);
        if (!leaf) {
          const near = nearest(name, stored.leaves.keys());
          throw new InputError(golden.path(place), `holds no ${name}.${near ? ` The nearest is ${near}.` : ''}`);
        }
        const got = await readLeaf(leaf);
        parts.push([`${at}${name} shape`, compareExactly([{ what: name, got: got.shape, expected: tensor.shape }])]);
        parts.push([`${at}${name}`, compareArrays(numbers(got), tensor, toleranceOf(quantity))]);
      }
      parts.push([`${at}types`, compareExactly(typePairs(golden, stored))]);
      parts.push([
        `${at}names`,
        compareExactly(await namePairs(golden, stored, new Set(expected.map(([name]) => name)), wanted)),
      ]);
    }
    return worstOf(parts);
  };
}

/** The checkpoint's folder, or one per variant. */
function placesOf(golden: GoldenCase): string[] {
  const variants = golden.config['variants'];
  const places = Array.isArray(variants) ? variants.map(String) : [golden.file('checkpoint', 'checkpoint')];
  for (const place of places)
    if (!existsSync(golden.path(place))) throw new InputError(golden.path(place), 'is not there.');
  return places.map((place) => (existsSync(golden.path(join(place, 'params'))) ? join(place, 'params') : place));
}

function typePairs(golden: GoldenCase, stored: StoredTree) {
  const dtypes = (golden.config['dtypes'] ?? {}) as Record<string, string>;
  return [
    ...Object.entries(dtypes).map(([name, expected]) => ({
      what: name,
      got: stored.leaves.get(name)?.dtype,
      expected,
    })),
    { what: 'arrays', got: stored.leaves.size > 0, expected: true },
  ];
}

/** Leaves that nobody expected, and for a base checkpoint: which leaves are taken and which stay as they were drawn. */
async function namePairs(golden: GoldenCase, stored: StoredTree, expected: ReadonlySet<string>, wanted: RegExp) {
  const { config } = golden;
  const surplus = [...stored.leaves.keys()].filter(
    (name) => wanted.test(name) && !expected.has(name) && name !== 'action_correlation_cholesky',
  );
  const lists = ['taken_from_base', 'stay_at_initialisation', 'in_base_but_unused'] as const;
  const unused = (config['in_base_but_unused'] ?? []) as string[];
  const pairs: { what: string; got: unknown; expected: unknown }[] = [
    {
      what: 'leaves beside the expected ones',
      got: surplus,
      expected: surplus.filter((name) => unused.includes(name)),
    },
  ];
  if (!lists.some((key) => key in config)) return pairs;
  const network = configOfGoldenCase(config, { use_fast_auxiliary: config['fast_vocab_size'] !== undefined });
  const plan = planImport(stored, network);
  const got = { taken_from_base: plan.taken, stay_at_initialisation: plan.fresh, in_base_but_unused: plan.unused };
  for (const key of lists)
    if (config[key])
      pairs.push({ what: key, got: [...got[key]].sort(), expected: [...(config[key] as string[])].sort() });
  const leaves = new Map(parameterTree(network).map((leaf) => [leaf.name, leaf]));
  for (const name of plan.fresh) {
    const { data } = initialiseAsOriginal(leaves.get(name)!, 0);
    pairs.push({ what: `${name} is finite`, got: data.every((x) => Number.isFinite(x)), expected: true });
  }
  return pairs;
}
