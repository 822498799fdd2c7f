import { describe, expect, it } from 'vitest';
import { relativeError, tinyNano } from '../../../test/support/model.ts';
import { Random } from '../../base/index.ts';
import { type NdArray, type Parameters, type Program, ProgramSession } from '../../tensor/index.ts';
import { mergeLora } from '../mergeLora.ts';
import { initParameters } from './initialise.ts';
import { type Lora, loraTree } from './lora.ts';
import { buildLossProgram } from './loss.ts';
import { networkTree, programParameters, splitLayers } from './views.ts';

const config = tinyNano;
const batch = 2;
const all: Lora = { rank: 3, alpha: 6, targets: ['all-linear'] };
const isAdapter = (leaf: string) => leaf.includes('/lora_');

/** Weights in which adapters and all else differ from their first values. */
function moved(lora: Lora): Parameters {
  const weights = initParameters(config, 1, networkTree(config, lora));
  const random = Random.of('moved');
  for (const { data } of weights.values())
    for (let i = 0; i < data.length; i++) (data as Float32Array)[i]! += 0.1 * random.normal();
  return weights;
}

function feedsFor(program: Program, weights: Parameters, lora: Lora | null): Record<string, NdArray> {
  const views = splitLayers(config, weights, lora);
  const given = program.inputs.map(({ name, shape, dtype }): [string, NdArray] => {
    const random = Random.of('feeds', name);
    const n = shape.reduce((a, b) => a * b, 1);
    if (dtype === 'int64')
      return [name, { shape, dtype, data: BigInt64Array.from({ length: n }, () => BigInt(random.integer(2))) }];
    if (dtype === 'uint8')
      return [name, { shape, dtype, data: Uint8Array.from({ length: n }, () => random.integer(256)) }];
    const draw = name === 'time' ? () => random.between(0.1, 0.9) : () => random.normal();
    return [name, { shape, dtype: 'float32', data: Float32Array.from({ length: n }, draw) }];
  });
  const parameters = program.parameters.map(({ name }): [string, NdArray] => [name, views.get(name)!]);
  return Object.fromEntries([...given, ...parameters]);
}

const doubled = (feeds: Record<string, NdArray>): Record<string, NdArray> =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, array]) => [
      name,
      array.dtype === 'float32'
        ? { ...array, dtype: 'float64', data: Float64Array.from(array.data as Float32Array) }
        : array,
    ]),
  );

async function losses(weights: Parameters, lora: Lora | null): Promise<Record<string, number>> {
  const program = buildLossProgram(config, { batch, gradients: false, imageMask: false, lora });
  const session = await ProgramSession.create(program);
  const out = await session.run(feedsFor(program, weights, lora));
  await session.close();
  return Object.fromEntries(Object.entries(out).map(([name, { data }]) => [name, Number(data[0])]));
}

describe('adapters', () => {
  it('have the gradient of central differences in float64', async () => {
    const trainable = isAdapter;
    const program = buildLossProgram(config, {
      ...{ batch, gradients: true, imageMask: false, lora: all, trainable },
    });
    const session = await ProgramSession.create(program, { precision: 'float64' });
    const feeds = doubled(feedsFor(program, moved(all), all));
    const at = await session.run(feeds);
    const gradients = Object.keys(at).filter((name) => name.startsWith('gradient/'));
    const adapters = programParameters(config, all).filter(({ leaf }) => isAdapter(leaf));
    expect(gradients.sort()).toEqual(adapters.map(({ input }) => `gradient/${input}`).sort());
    const random = Random.of('directions');
    const h = 1e-5;
    for (const { input } of adapters) {
      const data = feeds[input]!.data as Float64Array;
      const direction = random.fillNormal(new Float64Array(data.length));
      const original = data.slice();
      const lossAt = async (step: number): Promise<number> => {
        for (let i = 0; i < data.length; i++) data[i] = original[i]! + step * direction[i]!;
        return (await session.run(feeds, ['loss']))['loss']!.data[0] as number;
      };
      const numeric = ((await lossAt(h)) - (await lossAt(-h))) / (2 * h);
      data.set(original);
      const gradient = at[`gradient/${input}`]!.data as Float64Array;
      const analytic = gradient.reduce((sum, g, i) => sum + g * direction[i]!, 0);
      expect(Math.abs(analytic - numeric), input).toBeLessThan(1e-6 * Math.max(1, Math.abs(numeric)));
    }
    await session.close();
  });

  it.each(['v_proj', 'up_proj', 'attn', 'all-linear'])(
    'of %s, merged, are the network with them within rounding',
    async (target) => {
      const lora = { ...all, targets: [target] };
      const weights = moved(lora);
      const merged = await mergeLora(config, lora, { base: weights, adapters: weights });
      const own = await losses(weights, lora);
      const ordinary = await losses(new Map([...weights, ...merged]), null);
      const without = await losses(weights, null);
      expect(Math.abs(own['loss']! - without['loss']!)).toBeGreaterThan(1e-5);
      for (const [name, value] of Object.entries(own))
        expect(Math.abs(ordinary[name]! - value), name).toBeLessThan(2e-6 * Math.max(1, Math.abs(value)));
    },
  );

  it('change nothing at first, and leave a half without one as it is, bit for bit', async () => {
    const fresh = initParameters(config, 1, networkTree(config, all));
    const merged = await mergeLora(config, all, { base: fresh, adapters: fresh });
    for (const [leaf, { data }] of merged)
      expect(relativeError(data as Float32Array, fresh.get(leaf)!.data as Float32Array).absolute, leaf).toBe(0);
    const lora = { ...all, targets: ['k_proj'] };
    const weights = moved(lora);
    const leaf = 'PaliGemma/llm/layers/attn/kv_einsum/w';
    const [both] = [...(await mergeLora(config, lora, { base: weights, adapters: weights })).values()];
    const [now, before] = [both!.data, weights.get(leaf)!.data] as [Float32Array, Float32Array];
    const layer = now.length / 2;
    expect(now.subarray(layer / 2, layer)).toEqual(before.subarray(layer / 2, layer));
    expect(now.subarray(0, layer / 2)).not.toEqual(before.subarray(0, layer / 2));
  });

  it('say what they cannot be', () => {
    const tree = (changes: Partial<Lora>) => () => loraTree(config, { ...all, ...changes });
    expect(tree({ targets: ['q_prj'] })).toThrow(/there is no target 'q_prj'. Did you mean 'q_proj'\? Targets: attn, /);
    expect(tree({ targets: [] })).toThrow(/names no target/);
    expect(tree({ rank: 9 })).toThrow(/rank 9 is more than a matrix of 16 × 8 has \(k_proj\). Take at most 8/);
    expect(tree({ rank: 9, targets: ['q_proj'] })).not.toThrow();
    expect(loraTree(config, { ...all, targets: ['attn', 'q_proj'] })).toHaveLength(8);
  });
});
