import { present } from '../base/index.ts';
import {
  bytesOfArray,
  loadWeight,
  type NdArray,
  type Parameters,
  type PiecedArray,
  ProgramSession,
  type Weights,
  weightRange,
} from '../tensor/index.ts';
import { buildMergeProgram, type Lora, loraBases, type ModelConfig, sizeOf } from './network/index.ts';

interface MergeSource {
  /** The leaves without their adapters, in memory or in files. */
  readonly base: Weights;
  /** The adapters' leaves. */
  readonly adapters: Weights;
}

/**
 * The leaves that adapters are of, with the adapters added: W + (alpha / rank) · A·B, float32. What is left is a tree
 * of an ordinary network. One thread computes: the bytes do not depend on how many there are.
 */
export async function mergeLora(config: ModelConfig, lora: Lora, source: MergeSource): Promise<Parameters> {
  const out: Parameters = new Map();
  for (const leaf of loraBases(lora)) {
    const { shape } = present(source.base.get(leaf), leaf);
    const merged = new Float32Array(sizeOf(shape));
    let at = 0;
    for await (const layer of mergedLayers(config, lora, leaf, source)) {
      merged.set(layer.data as Float32Array, at);
      at += layer.data.length;
    }
    out.set(leaf, { shape: [...shape], dtype: 'float32', data: merged });
  }
  return out;
}

/** The same leaves, merged layer by layer when they are read. */
export function mergedWhenRead(config: ModelConfig, lora: Lora, source: MergeSource): Map<string, PiecedArray> {
  return new Map(
    loraBases(lora).map((leaf): [string, PiecedArray] => {
      async function* pieces(): AsyncIterable<Uint8Array> {
        for await (const layer of mergedLayers(config, lora, leaf, source)) yield bytesOfArray(layer);
      }
      return [leaf, { shape: present(source.base.get(leaf), leaf).shape, dtype: 'float32', pieces }];
    }),
  );
}

/** The layers of one leaf, merged; each holds until the next is asked for. */
async function* mergedLayers(
  config: ModelConfig,
  lora: Lora,
  leaf: string,
  { base, adapters }: MergeSource,
): AsyncIterable<NdArray> {
  const whole = present(base.get(leaf), leaf);
  const shape = whole.shape.slice(1);
  const merged: NdArray = { shape, dtype: 'float32', data: new Float32Array(sizeOf(shape)) };
  const program = buildMergeProgram(config, lora, leaf);
  const session = await ProgramSession.create(program, { threads: 1, memoryArena: false });
  try {
    for (let layer = 0; layer < config.layers; layer++) {
      const feeds: Record<string, NdArray> = {};
      for (const { name, shape: own } of program.inputs) {
        const weight = present(name === leaf ? whole : adapters.get(name), name);
        feeds[name] = await loadWeight(weightRange(weight, layer * sizeOf(own), own));
      }
      await session.run(feeds, { merged });
      yield merged;
    }
  } finally {
    await session.close();
  }
}
