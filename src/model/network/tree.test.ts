import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { NdArray } from '../../tensor/index.ts';
import { modelConfig } from './config.ts';
import { initParameters } from './initialise.ts';
import { configs } from './presets.ts';
import { countParameters, parameterTree } from './tree.ts';
import { mergeLayers, programParameters, splitLayers } from './views.ts';

const golden = join(dirname(fileURLToPath(import.meta.url)), '../../../test/golden/tree-full');

describe('parameter tree', () => {
  it('of the full network has the names and shapes of the released checkpoint', () => {
    const leaves: Record<string, { shape: number[]; kind: string }> = JSON.parse(
      readFileSync(join(golden, 'leaves.json'), 'utf8'),
    );
    const weights = Object.entries(leaves).filter(([name]) => name !== 'action_correlation_cholesky');
    const tree = parameterTree(configs.full);
    expect(Object.fromEntries(tree.map(({ name, shape }) => [name, shape]))).toEqual(
      Object.fromEntries(weights.map(([name, { shape }]) => [name, shape])),
    );
    expect(tree).toHaveLength(74);
    const { total, parts } = countParameters(configs.full);
    expect(total).toBe(3_404_532_135);
    expect(parts).toEqual({
      vision: 414_803_696,
      embedding: 526_647_296,
      vlm: 1_981_884_416,
      expert: 427_932_672,
      flow: 2_165_792,
      fast: 4_195_328,
      task: 46_893_071,
      kv: 9_864,
    });
  });

  it('of nano is small', () => {
    const { total } = countParameters(configs.nano);
    expect(total).toBeGreaterThan(2e6);
    expect(total).toBeLessThan(5e6);
  });

  it('splits stacked leaves into views of the same memory, and merges them back', () => {
    const parameters = initParameters(configs.nano, 1);
    const views = splitLayers(configs.nano, parameters);
    expect([...views.keys()]).toEqual(programParameters(configs.nano).map(({ input }) => input));
    const bytes = (array: NdArray) => Buffer.from(array.data.buffer, array.data.byteOffset, array.data.byteLength);
    for (const [name, array] of mergeLayers(configs.nano, views)) {
      const original = parameters.get(name)!;
      expect(array.shape).toEqual(original.shape);
      expect(bytes(array).equals(bytes(original))).toBe(true);
    }
    const leaf = 'PaliGemma/llm/layers/mlp/linear';
    (views.get(`${leaf}#1`)!.data as Float32Array)[0] = 42;
    const { vlmMlpDim, vlmWidth } = configs.nano;
    expect(parameters.get(leaf)!.data[vlmMlpDim * vlmWidth]).toBe(42);
  });
});

describe('initParameters', () => {
  it('repeats for a seed, and differs between seeds and leaves', () => {
    const config = modelConfig({
      ...configs.dummy,
      vlmWidth: 16,
      expertWidth: 16,
      visionWidth: 16,
      useFastAuxiliary: false,
    });
    const [a, b, c] = [initParameters(config, 1), initParameters(config, 1), initParameters(config, 2)];
    expect(a).toEqual(b);
    expect(a.get('gate_task/kernel')).not.toEqual(c.get('gate_task/kernel'));
    expect(a.get('gate_sincos/kernel')!.data.slice(0, 8)).not.toEqual(
      a.get('gate_task_stage/kernel')!.data.slice(0, 8),
    );
  });

  it('starts adaRMS at zero, KV mixing at the identity, and projections at unit gain', () => {
    const parameters = initParameters(configs.nano, 3);
    const deviation = (name: string) => {
      const data = parameters.get(name)!.data as Float32Array;
      return Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
    };
    expect(deviation('PaliGemma/llm/layers/pre_ffw_norm_1/Dense_0/kernel')).toBe(0);
    expect([...parameters.get('kv_transform/k_coeffs')!.data].slice(0, 6)).toEqual([1, 0, 0, 0, 0, 1]);
    expect(deviation('PaliGemma/llm/layers/attn/q_einsum/w') * Math.sqrt(configs.nano.vlmWidth)).toBeCloseTo(1, 1);
  });
});
