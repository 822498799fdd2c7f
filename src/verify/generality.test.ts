import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { buildLossProgram, type ModelConfig, modelConfig, parameterTree } from '../model/index.ts';
import type { NdArray, Parameters } from '../tensor/index.ts';
import { run } from './kinds/lossCase.ts';
import { int64 } from './kinds/observation.ts';

const small = {
  imageSize: 28,
  visionWidth: 12,
  visionLayers: 1,
  visionMlpDim: 20,
  visionHeads: 3,
  vlmWidth: 16,
  vlmMlpDim: 24,
  expertWidth: 12,
  expertMlpDim: 20,
  layers: 2,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 6,
  vocabSize: 256,
  useFastAuxiliary: true,
  fastVocabSize: 20,
  maxFastTokens: 5,
  fastLossWeight: 0.3,
  actionDim: 7,
  actionHorizon: 5,
  maxStages: 4,
  taskNumStages: [2, 4, 1],
  flowSamples: 2,
};

/** Shapes of which there is no golden case. */
const variants: Record<string, Partial<Record<keyof ModelConfig, unknown>>> = {
  'two key-value heads': {},
  'as many key-value heads as heads, one layer': { numKvHeads: 4, layers: 1 },
  'three layers, insulated, no FAST': { layers: 3, useKnowledgeInsulation: true, useFastAuxiliary: false },
  'no KV mixing, one camera': { useKvTransform: false, cameras: ['only'] },
  'deeper vision, one flow sample, larger pictures': { visionLayers: 3, flowSamples: 1, imageSize: 42 },
};

/** Every leaf drawn, so that no path is trivial. */
function draw(config: ModelConfig): Parameters {
  return new Map(
    parameterTree(config).map(({ name, shape }) => {
      const data = Random.of(name).fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1)));
      const isScale = name.endsWith('/scale') && name.includes('img');
      return [name, { shape: [...shape], dtype: 'float32', data: data.map((x) => 0.2 * x + (isScale ? 1 : 0)) }];
    }),
  );
}

/** Inputs of three samples: one with an absent camera, one with padded FAST tokens. */
function feedsOf(config: ModelConfig): Record<string, NdArray> {
  const batch = 3;
  const { imageSize: side, actionDim, actionHorizon, flowSamples } = config;
  const real = (name: string, shape: number[]): NdArray => ({
    shape,
    dtype: 'float32',
    data: Random.of(name).fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1))),
  });
  const bytes = (shape: number[], value: (i: number) => number): NdArray => ({
    shape,
    dtype: 'uint8',
    data: Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
  });
  const random = Random.of('pixels');
  const time = { ...real('time', [flowSamples, batch]) };
  return {
    images: bytes([batch, config.cameras.length, side, side, 3], () => random.integer(256)),
    image_mask: bytes([batch, config.cameras.length], (i) => (i === 4 ? 0 : 1)),
    state: real('state', [batch, actionDim]),
    task: int64([1, 0, 2]),
    stage: int64([3, 1, 0]),
    actions: real('actions', [batch, actionHorizon, actionDim]),
    noise: real('noise', [flowSamples, batch, actionHorizon, actionDim]),
    time: { ...time, data: (time.data as Float32Array).map((x) => 1 / (1 + Math.exp(-x))) },
    ...(config.useFastAuxiliary && {
      fast_tokens: int64(
        Array.from({ length: batch * config.maxFastTokens }, (_, i) => (7 * i) % 20),
        [batch, config.maxFastTokens],
      ),
      fast_mask: bytes([batch, config.maxFastTokens], (i) => (i % config.maxFastTokens < 3 + (i % 2) ? 1 : 0)),
    }),
  };
}

/** Largest difference relative to the largest magnitude expected. */
function difference(got: NdArray, expected: NdArray): number {
  let [error, largest] = [0, 0];
  for (let i = 0; i < expected.data.length; i++) {
    error = Math.max(error, Math.abs(Number(got.data[i]) - Number(expected.data[i])));
    largest = Math.max(largest, Math.abs(Number(expected.data[i])));
  }
  return largest > 0 ? error / largest : error;
}

describe('the loss and its gradients', () => {
  it.each(Object.entries(variants))('in float32 are those in float64 but for rounding: %s', async (_name, changes) => {
    const config = modelConfig({ ...small, ...changes });
    const [parameters, feeds] = [draw(config), feedsOf(config)];
    const program = buildLossProgram(config, { batch: 3, gradients: true });
    const exact = await run(program, config, parameters, feeds, 'float64');
    const rounded = await run(program, config, parameters, feeds);
    expect(Number.isFinite(exact['loss']!.data[0] as number)).toBe(true);
    const wrong: string[] = [];
    for (const [name, expected] of Object.entries(exact)) {
      const rounding = name.includes('/key/bias'); // its gradient is zero in exact arithmetic
      const error = difference(rounded[name]!, expected);
      if (!rounding && !(error < (name.startsWith('gradient/') ? 1e-4 : 1e-5))) wrong.push(`${name}: ${error}`);
    }
    expect(wrong).toEqual([]);
  });

  it('with shared key-value heads are those of the same heads written out', async () => {
    const shared = modelConfig({ ...small });
    const apart = modelConfig({ ...small, numKvHeads: small.numHeads });
    const parameters = draw(shared);
    const copies = new Map(parameters);
    for (const { name, shape } of parameterTree(apart)) {
      const own = parameters.get(name)!;
      if (String(own.shape) === String(shape)) continue;
      // [layers, (2,) kvHeads, …]: each head twice, in place.
      const axis = name.includes('kv_einsum') ? 2 : 1;
      const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      const [to, from] = [shape[axis]!, own.shape[axis]!];
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).map((_, i) => {
        const [outer, head] = [Math.floor(i / inner / to), Math.floor(i / inner) % to];
        return own.data[(outer * from + Math.floor((head * from) / to)) * inner + (i % inner)] as number;
      });
      copies.set(name, { shape: [...shape], dtype: 'float32', data });
    }
    const losses = async (config: ModelConfig, weights: Parameters) =>
      run(buildLossProgram(config, { batch: 3, gradients: true }), config, weights, feedsOf(config), 'float64');
    const [a, b] = [await losses(shared, parameters), await losses(apart, copies)];
    for (const name of ['loss', 'loss/action', 'loss/stage', 'loss/fast'])
      expect(difference(a[name]!, b[name]!)).toBeLessThan(1e-12);
    for (const name of Object.keys(a).filter((key) => key.includes('q_einsum') || key.includes('action_in_proj')))
      expect(difference(a[name]!, b[name]!)).toBeLessThan(1e-10);
  });
});
