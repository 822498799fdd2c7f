import { present, ValetError } from '../../base/index.ts';
import { type NdArray, type Parameters, type Weight, weightRange } from '../../tensor/index.ts';
import type { ModelConfig } from './config.ts';
import { type Lora, loraTree } from './lora.ts';
import { type NetworkLeaf, type Part, parameterTree, sizeOf } from './tree.ts';

/**
 * One weight as programs take it. A stacked leaf (layer axis first) enters layer by layer as `leaf#layer`, each a range
 * of the leaf's memory, so that neither slicing nor putting gradients together costs a copy.
 */
export interface ProgramParameter {
  /** Name of the program's input, and of its gradient after `gradient/`. */
  readonly input: string;
  readonly leaf: string;
  readonly part: Part;
  readonly shape: readonly number[];
  /** Where it begins in the leaf, and how long it is, in numbers (float32: times 4 for bytes). */
  readonly offset: number;
  readonly length: number;
}

/** The input name of one layer of a stacked leaf, or of a whole leaf. */
export function inputName(leaf: string, layer?: number): string {
  return layer === undefined ? leaf : `${leaf}#${layer}`;
}

/** The network's leaves, and behind them those of its adapters. */
export const networkTree = (config: ModelConfig, lora?: Lora | null): NetworkLeaf[] => [
  ...parameterTree(config),
  ...(lora ? loraTree(config, lora) : []),
];

/** Every weight that programs of this configuration may take, in the order of the tree. */
export function programParameters(config: ModelConfig, lora?: Lora | null): ProgramParameter[] {
  return networkTree(config, lora).flatMap(({ name, shape, stacked, part }): ProgramParameter[] => {
    if (!stacked) return [{ input: name, leaf: name, part, shape, offset: 0, length: sizeOf(shape) }];
    const [layers, ...rest] = shape as [number, ...number[]];
    const length = sizeOf(rest);
    return Array.from({ length: layers }, (_, layer) => ({
      input: inputName(name, layer),
      leaf: name,
      part,
      shape: rest,
      offset: layer * length,
      length,
    }));
  });
}

/**
 * The tree's arrays as programs take them: views of the same memory or file. Leaves that `weights` lacks are left out.
 */
export function splitLayers<W extends Weight>(
  config: ModelConfig,
  weights: ReadonlyMap<string, W>,
  lora?: Lora | null,
): Map<string, W> {
  const out = new Map<string, W>();
  for (const { input, leaf, shape, offset } of programParameters(config, lora)) {
    const whole = weights.get(leaf);
    if (whole) out.set(input, weightRange(whole, offset, shape));
  }
  return out;
}

/**
 * The inverse of `splitLayers` by copying: `leaf#0`, `leaf#1`, … become one stacked leaf. Layers that are absent are
 * zero.
 */
export function mergeLayers(config: ModelConfig, views: ReadonlyMap<string, NdArray>, lora?: Lora | null): Parameters {
  const out: Parameters = new Map();
  const shapes = new Map(networkTree(config, lora).map((leaf) => [leaf.name, leaf.shape]));
  for (const { input, leaf, offset, length } of programParameters(config, lora)) {
    const view = views.get(input);
    if (!view) continue;
    if (view.data.length !== length)
      throw new ValetError('mergeLayers', `${input} has ${view.data.length} numbers (expected ${length}).`);
    let whole = out.get(leaf);
    if (!whole) {
      const shape = [...present(shapes.get(leaf), 'shapes.get(leaf)')];
      const Data = view.data.constructor as new (n: number) => NdArray['data'];
      whole = { ...view, shape, data: new Data(sizeOf(shape)) };
      out.set(leaf, whole);
    }
    (whole.data as Float32Array).set(view.data as Float32Array, offset);
  }
  return out;
}
