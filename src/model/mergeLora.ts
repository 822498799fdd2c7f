import { present } from '../base/index.ts';
import {
  loadWeight,
  type NdArray,
  type Parameters,
  ProgramSession,
  type Weights,
  weightRange,
} from '../tensor/index.ts';
import { buildMergeProgram, type Lora, loraBases, type ModelConfig, sizeOf } from './network/index.ts';

/**
 * The leaves that adapters are of, with the adapters added: W + (alpha / rank) · A·B, float32. What is left is a tree
 * of an ordinary network. One thread computes: the bytes do not depend on how many there are.
 * @param base the leaves without their adapters, in memory or in files
 * @param adapters the adapters' leaves
 */
export async function mergeLora(
  config: ModelConfig,
  lora: Lora,
  { base, adapters }: { readonly base: Weights; readonly adapters: Parameters },
): Promise<Parameters> {
  const out: Parameters = new Map();
  for (const leaf of loraBases(lora)) {
    const whole = present(base.get(leaf), leaf);
    const shape = whole.shape.slice(1);
    const merged = new Float32Array(sizeOf(whole.shape));
    const program = buildMergeProgram(config, lora, leaf);
    const session = await ProgramSession.create(program, { threads: 1, memoryArena: false });
    try {
      for (let layer = 0; layer < config.layers; layer++) {
        const feeds: Record<string, NdArray> = {};
        for (const { name, shape: own } of program.inputs) {
          const weight = present(name === leaf ? whole : adapters.get(name), name);
          feeds[name] = await loadWeight(weightRange(weight, layer * sizeOf(own), own));
        }
        const data = merged.subarray(layer * sizeOf(shape), (layer + 1) * sizeOf(shape));
        await session.run(feeds, { merged: { shape, dtype: 'float32', data } });
      }
    } finally {
      await session.close();
    }
    out.set(leaf, { shape: [...whole.shape], dtype: 'float32', data: merged });
  }
  return out;
}
