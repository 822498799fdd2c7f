import { describe, expect, it } from 'vitest';
import { tinyNano } from '../../../test/support/model.ts';
import { Random } from '../../base/index.ts';
import { type NdArray, type Program, ProgramSession } from '../../tensor/index.ts';
import { modelConfig } from './config.ts';
import { initParameters } from './initialise.ts';
import { buildLossProgram } from './loss.ts';
import { configs } from './presets.ts';
import { programParameters, splitLayers } from './views.ts';

/** nano's paths at the smallest sizes, with both auxiliary heads. */
const config = modelConfig({
  ...tinyNano,
  auxiliary: { chunk: { weight: 0.5 }, objects: { size: 5, weight: 0.7 }, tokenWidth: 2, hidden: 6 },
});
const batch = 2;

/** Feeds for every input of `program`, random but for what has a meaning. */
function feedsFor(program: Program, seed: string): Record<string, NdArray> {
  return Object.fromEntries(
    program.inputs.map(({ name, shape, dtype }) => {
      const random = Random.of(seed, name);
      const n = shape.reduce((a, b) => a * b, 1);
      const fill = { time: () => random.between(0.1, 0.9), image_mask: () => 1 }[name];
      const integers = name === 'images' ? 256 : ['task', 'success_label'].includes(name) ? 2 : 5;
      if (dtype === 'int64')
        return [
          name,
          { shape, dtype, data: BigInt64Array.from({ length: n }, () => BigInt(random.integer(integers))) },
        ];
      if (dtype === 'uint8')
        return [name, { shape, dtype, data: Uint8Array.from({ length: n }, fill ?? (() => random.integer(integers))) }];
      return [
        name,
        { shape, dtype: 'float64', data: Float64Array.from({ length: n }, fill ?? (() => random.normal())) },
      ];
    }),
  );
}

describe('loss program', () => {
  const withHeads = modelConfig({ ...config, successLossWeight: 0.6, progressLossWeight: 0.8 });
  it.each([
    ['the small network', config, false],
    ['the same with weighted samples, and heads on the outcome', withHeads, true],
  ])('has the gradient of every parameter of %s (central differences in float64)', async (_, config, sampleWeights) => {
    const program = buildLossProgram(config, { batch, gradients: true, imageMask: false, sampleWeights });
    const session = await ProgramSession.create(program, { precision: 'float64' });
    const feeds = feedsFor(program, 'feeds');
    const random = Random.of('weights');
    const weights = splitLayers(config, initParameters(config, 1));
    for (const [name, { shape, data }] of weights)
      feeds[name] = {
        shape,
        dtype: 'float64',
        data: Float64Array.from(data as Float32Array, (x) => x + 0.1 * random.normal()),
      };
    const at = await session.run(feeds);
    const missing = programParameters(config).filter(({ input }) => !at[`gradient/${input}`]);
    expect(missing.map(({ input }) => input)).toEqual([]);
    const step = 1e-5;
    for (const { input } of programParameters(config)) {
      const data = feeds[input]!.data as Float64Array;
      // Along one random direction per parameter: all its entries take part.
      const direction = random.fillNormal(new Float64Array(data.length));
      const gradient = at[`gradient/${input}`]!.data as Float64Array;
      const original = data.slice();
      const lossAt = async (h: number): Promise<number> => {
        for (let i = 0; i < data.length; i++) data[i] = original[i]! + h * direction[i]!;
        return (await session.run(feeds, ['loss']))['loss']!.data[0] as number;
      };
      const numeric = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
      data.set(original);
      const analytic = gradient.reduce((sum, g, i) => sum + g * direction[i]!, 0);
      expect(Math.abs(analytic - numeric), input).toBeLessThan(1e-6 * Math.max(1, Math.abs(numeric)));
    }
    await session.close();
  });

  it('is the same with all cameras there and with a mask of ones, and differs when one is absent', async () => {
    const [plain, masked] = [false, true].map((imageMask) =>
      buildLossProgram(config, { batch, gradients: false, imageMask }),
    );
    const weights = Object.fromEntries(splitLayers(config, initParameters(config, 1)));
    const random = Random.of('weights');
    for (const { data } of Object.values(weights))
      for (let i = 0; i < data.length; i++) (data as Float32Array)[i]! += 0.1 * random.normal();
    const run = async (program: Program, change: Record<string, NdArray> = {}) => {
      const session = await ProgramSession.create(program);
      const feeds = feedsFor(program, 'feeds');
      for (const [name, { shape, data, dtype }] of Object.entries(feeds))
        if (dtype === 'float64')
          feeds[name] = { shape, dtype: 'float32', data: Float32Array.from(data as Float64Array) };
      const own = Object.fromEntries(program.parameters.map(({ name }) => [name, weights[name]!]));
      const { loss } = await session.run({ ...feeds, ...own, ...change });
      await session.close();
      return loss!.data[0] as number;
    };
    const mask = (values: number[]) => ({
      image_mask: { shape: [batch, 3], dtype: 'uint8' as const, data: Uint8Array.from(values) },
    });
    const all = await run(masked!, mask([1, 1, 1, 1, 1, 1]));
    expect(await run(plain!)).toBeCloseTo(all, 6);
    expect(await run(masked!, mask([1, 1, 0, 1, 1, 1]))).not.toBeCloseTo(all, 4);
  });

  it('counts what nano costs: at most 1.2 GFLOP a sample', () => {
    const program = buildLossProgram(configs.nano, { batch: 8, gradients: true, imageMask: false });
    expect(program.flops / 8).toBeLessThan(1.2e9);
  });

  it('weighs the actions of samples, and nothing else', async () => {
    const weights = Object.fromEntries(splitLayers(config, initParameters(config, 1)));
    const run = async (sampleWeights: boolean, values: number[]) => {
      const program = buildLossProgram(config, {
        batch,
        gradients: false,
        imageMask: false,
        sampleWeights,
        perSample: true,
      });
      const session = await ProgramSession.create(program);
      const feeds = feedsFor(program, 'feeds');
      for (const [name, { shape, data, dtype }] of Object.entries(feeds))
        if (dtype === 'float64')
          feeds[name] = { shape, dtype: 'float32', data: Float32Array.from(data as Float64Array) };
      const given = { sample_weight: { shape: [batch], dtype: 'float32' as const, data: Float32Array.from(values) } };
      const own = Object.fromEntries(program.parameters.map(({ name }) => [name, weights[name]!]));
      const outputs = await session.run({ ...feeds, ...own, ...(sampleWeights && given) });
      await session.close();
      return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, [...(data as Float32Array)]]));
    };
    const [plain, ones, first] = [await run(false, []), await run(true, [1, 1]), await run(true, [2, 0])];
    expect(ones['loss']![0]).toBeCloseTo(plain['loss']![0]!, 5);
    expect(first['loss/action']![0]).toBeCloseTo(plain['sample/action']![0]!, 5);
    expect(first['loss/stage']).toEqual(ones['loss/stage']);
    expect(first['loss/objects']).toEqual(ones['loss/objects']);
    expect(first['loss/chunk']![0]).not.toBeCloseTo(ones['loss/chunk']![0]!, 4);
  });

  it('gives gradients of the trainable leaves alone', () => {
    const program = buildLossProgram(config, {
      batch,
      gradients: true,
      trainable: (leaf) => leaf.startsWith('action_'),
    });
    const names = program.outputs.map(({ name }) => name).filter((name) => name.startsWith('gradient/'));
    expect(names.sort()).toEqual(
      ['action_in_proj/bias', 'action_in_proj/kernel', 'action_out_proj/bias', 'action_out_proj/kernel'].map(
        (n) => `gradient/${n}`,
      ),
    );
  });
});
