import { present, Random } from '../../base/index.ts';
import type { Parameters } from '../../tensor/index.ts';
import type { ModelConfig } from './config.ts';
import { type NetworkLeaf, parameterTree, sizeOf } from './tree.ts';

/**
 * A fresh parameter tree, float32. Every leaf draws from a stream of its own, so a leaf's numbers do not depend on the
 * others.
 * @param tree the leaves; all of the network's when left out
 */
export function initParameters(
  config: ModelConfig,
  seed: number | string,
  tree: readonly NetworkLeaf[] = parameterTree(config),
): Parameters {
  const parameters: Parameters = new Map();
  for (const { name, shape, init } of tree) {
    const data = new Float32Array(sizeOf(shape));
    if (init.kind === 'ones') data.fill(1);
    else if (init.kind === 'identity')
      for (let i = 0; i < present(shape[0], 'shape[0]'); i++) data[i * (present(shape[0], 'shape[0]') + 1)] = 1;
    else if (init.kind === 'normal') {
      Random.of('parameters', seed, name).fillNormal(data);
      for (let i = 0; i < data.length; i++) data[i]! *= init.deviation;
    }
    parameters.set(name, { shape: [...shape], dtype: 'float32', data });
  }
  return parameters;
}
