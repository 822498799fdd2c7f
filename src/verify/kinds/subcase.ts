import { InputError, nearest } from '../../base/index.ts';
import { type ModelConfig, parameterTree } from '../../model/index.ts';
import type { NdArray, Parameters } from '../../tensor/index.ts';
import { type GoldenCase, pattern, pick } from '../goldenCase.ts';
import type { Quantity } from '../manifest.ts';

/** A sub-case of a manifest: its name and what it sets. A case without sub-cases is one, with the empty name. */
export interface SubcaseOf {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * The sub-case that a quantity belongs to: the one before its colon, else the one that names its file. Null when there
 * is none.
 */
export function subcaseOf(golden: GoldenCase, { name, file }: Quantity): SubcaseOf | null {
  const { subcases = {} } = golden.manifest;
  const own = name.split(':')[0]!;
  if (Object.hasOwn(subcases, own)) return { name: own, options: subcases[own]! };
  const found = Object.entries(subcases).find(([, options]) => Object.values(options).includes(file));
  if (found) return { name: found[0], options: found[1] };
  return Object.keys(subcases).length === 0 ? { name: '', options: {} } : null;
}

/** @throws InputError when the quantity belongs to no sub-case */
export function needSubcase(golden: GoldenCase, quantity: Quantity): SubcaseOf {
  const found = subcaseOf(golden, quantity);
  if (found) return found;
  const near = nearest(quantity.name.split(':')[0]!, Object.keys(golden.manifest.subcases ?? {}));
  throw new InputError(
    golden.name,
    `quantity ${quantity.name} belongs to no sub-case.${near ? ` The nearest is ${near}.` : ''}`,
  );
}

/**
 * What a quantity says is in the file: its `tensor`, else its name without the sub-case. Several where it has a `*`.
 */
export function tensorOf({ name, tensor }: Quantity): string {
  return tensor ?? name.slice(name.indexOf(':') + 1);
}

/** The tensors of a file that a quantity names. @throws InputError that names the nearest one when none is there */
export function matching(tensors: Parameters, quantity: Quantity): [string, NdArray][] {
  const name = tensorOf(quantity);
  if (!name.includes('*')) return [[name, pick(tensors, name, quantity.file)]];
  const fits = pattern(name);
  const found = [...tensors].filter(([key]) => fits.test(key));
  if (found.length === 0) throw new InputError(quantity.file, `has no tensor that fits ${name}.`);
  return found;
}

/** A file that a sub-case names under `key` in place of the case's own. */
export function fileOf(golden: GoldenCase, { options }: SubcaseOf, key: string, ending: string): string {
  const own = options[key];
  return typeof own === 'string' ? own : golden.file(ending);
}

/** The case's parameters. @throws InputError when one is missing or of another shape than the configuration makes it */
export async function parametersOf(golden: GoldenCase, file: string, config: ModelConfig): Promise<Parameters> {
  const parameters = await golden.tensors(file);
  for (const { name, shape } of parameterTree(config)) {
    const { shape: found } = pick(parameters, name, file);
    if (String(found) !== String(shape))
      throw new InputError(golden.name, `parameter ${name} is [${found}] (the configuration makes it [${shape}]).`);
  }
  return parameters;
}
