import { present } from '../base/index.ts';
import { type Lora, type ModelConfig, type Part, programParameters } from '../model/index.ts';
import type { Parameters, TrainingState } from '../tensor/index.ts';
import { type Histogram, histogram } from './histogram.ts';

/** Norms and histograms go by part of the network. */
export type ByPart<T> = Partial<Record<Part, T>>;

/** How one layer of the action expert sees the prefix: keys or values (`mixCache`). */
export interface Mixing {
  /** Mean weight of a layer's own keys or values; 1 at first. */
  readonly own: number;
  /** Mean magnitude of the weights of other layers'; 0 at first. */
  readonly others: number;
}

/** What the weights and their gradients look like, before an update. */
export interface NetworkReading {
  /** Euclidean norms, before clipping. Frozen weights have none. */
  readonly gradientNorms: ByPart<number>;
  readonly parameterNorms: ByPart<number>;
  /** With `model.useKvTransform`. */
  readonly mixing?: { readonly keys: Mixing; readonly values: Mixing };
  readonly histograms?: { readonly gradients: ByPart<Histogram>; readonly parameters: ByPart<Histogram> };
}

/** What `readNetwork` is asked for. */
export interface ReadingOptions {
  readonly histograms: boolean;
}

/**
 * Norms of the trained weights and their gradients by part of the network, the mixing of keys and values, and
 * histograms when asked for. Reads every number once; nothing changes.
 */
export function readNetwork(
  model: ModelConfig,
  { parameters, gradients }: Pick<TrainingState, 'parameters' | 'gradients'>,
  { histograms }: ReadingOptions,
  lora?: Lora | null,
): NetworkReading {
  const inputs = new Map<Part, string[]>();
  for (const { input, part } of programParameters(model, lora))
    if (parameters.has(input)) inputs.set(part, [...(inputs.get(part) ?? []), input]);
  const arrays = (tree: Parameters, names: readonly string[]) =>
    names.map((name) => present(tree.get(name), name).data as Float32Array);
  const byPart = <T>(tree: Parameters, reduce: (all: Float32Array[]) => T): ByPart<T> =>
    Object.fromEntries([...inputs].map(([part, names]) => [part, reduce(arrays(tree, names))]));
  const mixing = readMixing(model, parameters);
  return {
    gradientNorms: byPart(gradients, norm),
    parameterNorms: byPart(parameters, norm),
    ...(mixing && { mixing }),
    ...(histograms && {
      histograms: { gradients: byPart(gradients, histogram), parameters: byPart(parameters, histogram) },
    }),
  };
}

function norm(arrays: readonly Float32Array[]): number {
  let all = 0;
  for (const values of arrays) {
    // Two sums keep the additions from waiting for one another.
    let [even, odd] = [0, 0];
    const pairs = values.length & ~1;
    for (let i = 0; i < pairs; i += 2) {
      const [a, b] = [values[i] as number, values[i + 1] as number];
      even += a * a;
      odd += b * b;
    }
    if (pairs < values.length) even += (values[pairs] as number) ** 2;
    all += even + odd;
  }
  return Math.sqrt(all);
}

function readMixing({ layers }: ModelConfig, parameters: Parameters): NetworkReading['mixing'] {
  const [keys, values] = ['k', 'v'].map((name) => parameters.get(`kv_transform/${name}_coeffs`));
  if (!keys || !values) return undefined;
  const mixing = (coefficients: Float32Array): Mixing => {
    let [own, others] = [0, 0];
    coefficients.forEach((value, i) => {
      if (i % layers === Math.floor(i / layers)) own += value;
      else others += Math.abs(value);
    });
    return { own: own / layers, others: others / Math.max(1, layers * (layers - 1)) };
  };
  return { keys: mixing(keys.data as Float32Array), values: mixing(values.data as Float32Array) };
}
