import type { Device, NdArray, Precision } from '../../tensor/index.ts';
import { compareBoth, type Outcome, toleranceOf, worstOf } from '../compare.ts';
import { type GoldenCase, numbers } from '../goldenCase.ts';
import type { Check, VerifyOptions } from '../kind.ts';
import { forward, lossCase, lossGradients } from './lossCase.ts';
import { asksForGradients, compareGradients } from './networkGradients.ts';
import { computed, whereValid } from './networkValues.ts';
import { matching, needSubcase } from './subcase.ts';

/** Forward values, losses and gradients of the network (golden README of network-tiny). */
export function network(
  golden: GoldenCase,
  { float64 = false, precision: chosen = 'float32', device }: VerifyOptions,
): Check {
  return async (quantity) => {
    const subcase = needSubcase(golden, quantity);
    const { name } = subcase;
    const given = await golden.once(`${name}: given`, () => {
      for (const other of Object.keys(golden.manifest.subcases ?? {})) if (other !== name) golden.forget(`${other}: `);
      return lossCase(golden, subcase);
    });
    const both = async <T>(key: string, make: (precision: Precision, on?: Device) => Promise<T>) => ({
      own: await golden.once(`${name}: ${key} float32`, () => make(chosen, device)),
      exact: float64 ? await golden.once(`${name}: ${key} float64`, () => make('float64')) : undefined,
    });
    const expected = await golden.tensors(quantity.file);
    if (asksForGradients(quantity, subcase, given.config, expected)) {
      const { own, exact } = await both('gradients', (precision, on) => lossGradients(given, precision, on));
      return compareGradients(quantity, subcase, expected, own, exact);
    }
    const { own, exact } = await both('values', (precision, on) => forward(given, precision, on));
    return combineIfMany(
      matching(expected, quantity).map(([tensor, target]) => {
        const counts = quantity.compare_where ? whereValid(tensor, target, own) : undefined;
        const got = computed(tensor, given.config, own);
        const outcome = compareBoth(
          got,
          exact && computed(tensor, given.config, exact),
          target,
          toleranceOf(quantity),
          counts,
        );
        const layers = tensor.startsWith('kv_') && target.shape.length === 5;
        const note = layers ? layersOff(got, target, outcome.tolerance, counts) : '';
        return [tensor, { ...outcome, ...(note && { note }) }];
      }),
    );
  };
}

/** One comparison as it is; several by the worst. */
function combineIfMany(parts: readonly (readonly [string, Outcome])[]): Outcome {
  return parts.length === 1 ? parts[0]![1] : worstOf(parts);
}

/** Which layers of a cache [layers, …] are off: the worst element need not lie in the first of them. */
function layersOff(
  got: ArrayLike<number>,
  expected: NdArray,
  tolerance: number,
  counts: (i: number) => boolean = () => true,
): string {
  const target = numbers(expected);
  const size = target.length / expected.shape[0]!;
  let largest = 0;
  for (let i = 0; i < target.length; i++) if (counts(i)) largest = Math.max(largest, Math.abs(target[i]!));
  const off = Array.from({ length: expected.shape[0]! }, (_, layer) => layer).filter((layer) => {
    for (let i = layer * size; i < (layer + 1) * size; i++)
      if (counts(i) && !(Math.abs(got[i]! - target[i]!) <= tolerance * largest)) return true;
    return false;
  });
  return off.length > 0 ? `layers off: ${off.join(', ')}` : '';
}
