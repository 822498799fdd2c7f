import { present, Random } from '../../base/index.ts';
import type { NdArray } from '../../tensor/index.ts';
import type { NetworkLeaf } from '../network/index.ts';
import { elementsOf } from './storedLeaf.ts';

/** Deviation of a standard normal cut off at ±2, by which lecun_normal is widened again (jax.nn.initializers). */
const CUT_DEVIATION = 0.87962566103423978;

/**
 * A leaf as the original creates it, float32: dense kernels by flax's lecun_normal (normal cut off at two deviations,
 * variance
 * 1/inputs), embeddings normal with variance 1/features, biases zero, KV mixing the identity. Other leaves as the tree
 * says. Every leaf has a stream of its own; the same seed gives the same numbers.
 */
export function initialiseAsOriginal(
  { name, shape, init }: NetworkLeaf,
  seed: number | string,
): NdArray & { data: Float32Array } {
  const data = new Float32Array(elementsOf(shape));
  if (init.kind === 'ones') data.fill(1);
  else if (init.kind === 'identity')
    for (let i = 0; i < present(shape[0], 'shape[0]'); i++) data[i * (present(shape[0], 'shape[0]') + 1)] = 1;
  else if (init.kind === 'normal') {
    const random = Random.of('original', seed, name);
    const dense = shape.length === 2 && name.endsWith('/kernel');
    const deviation = dense ? 1 / Math.sqrt(present(shape[0], 'shape[0]')) / CUT_DEVIATION : init.deviation;
    for (let i = 0; i < data.length; i++) {
      let x = random.normal();
      while (dense && Math.abs(x) > 2) x = random.normal();
      data[i] = deviation * x;
    }
  }
  return { shape: [...shape], dtype: 'float32', data };
}
