import { beforeAll, describe, expect, it } from 'vitest';
import { type ChunkStatistics, CorrelatedNoise } from '../action/index.ts';
import { Random } from '../base/index.ts';
import { type NdArray, type Parameters, ProgramSession } from '../tensor/index.ts';
import { type ModelConfig, type ModelConfigInput, modelConfig } from './network/config.ts';
import { initParameters } from './network/initialise.ts';
import { buildLossProgram } from './network/loss.ts';
import { parameterTree } from './network/tree.ts';
import { mergeLayers, splitLayers } from './network/views.ts';
import { flowNoise } from './planning/flowNoise.ts';

/**
 * Each switch changes what it should and nothing else: same weights, same inputs, losses and gradients beside one
 * another.
 */
const base: ModelConfigInput = {
  imageSize: 28,
  visionWidth: 8,
  visionLayers: 1,
  visionMlpDim: 8,
  visionHeads: 2,
  vlmWidth: 16,
  vlmMlpDim: 16,
  expertWidth: 8,
  expertMlpDim: 12,
  layers: 2,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 4,
  vocabSize: 256,
  useFastAuxiliary: true,
  fastLossWeight: 0.3,
  fastVocabSize: 12,
  maxFastTokens: 4,
  actionDim: 5,
  actionHorizon: 4,
  maxStages: 4,
  taskNumStages: [2, 4, 3],
  subtaskLossWeight: 0.2,
  flowSamples: 2,
};
const batch = 2;
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Every leaf drawn from its own name, so that two networks share the leaves that they share. */
function draw(config: ModelConfig): Parameters {
  return new Map(
    [...initParameters(config, 1)].map(([name, { shape, data }]) => {
      const random = Random.of('weights', name);
      return [
        name,
        { shape, dtype: 'float32', data: (data as Float32Array).map((x) => x + 0.3 * random.normal()) },
      ] as const;
    }),
  );
}

function feeds(config: ModelConfig, absent: readonly number[] = []): Record<string, NdArray> {
  const { imageSize: side, actionDim, actionHorizon, flowSamples, maxFastTokens, cameras } = config;
  const real = (name: string, shape: number[], value = (random: Random) => random.normal()): NdArray => {
    const random = Random.of(name);
    return { shape, dtype: 'float32', data: Float32Array.from({ length: size(shape) }, () => value(random)) };
  };
  const whole = (shape: number[], values: number[]): NdArray => ({
    shape,
    dtype: 'int64',
    data: BigInt64Array.from(values, BigInt),
  });
  const images = new Uint8Array(batch * cameras.length * side * side * 3);
  for (let b = 0; b < batch; b++)
    cameras.forEach((camera, c) => {
      const random = Random.of('picture', camera, b);
      const own = images.subarray((b * cameras.length + c) * side * side * 3).subarray(0, side * side * 3);
      for (let i = 0; i < own.length; i++) own[i] = random.integer(256);
    });
  const mask = Uint8Array.from({ length: batch * cameras.length }, (_, i) =>
    absent.includes(i % cameras.length) ? 0 : 1,
  );
  return {
    images: { shape: [batch, cameras.length, side, side, 3], dtype: 'uint8', data: images },
    image_mask: { shape: [batch, cameras.length], dtype: 'uint8', data: mask },
    state: real('state', [batch, actionDim]),
    task: whole([batch], [1, 2]),
    stage: whole([batch], [3, 1]),
    actions: real('actions', [batch, actionHorizon, actionDim]),
    noise: real('noise', [flowSamples, batch, actionHorizon, actionDim]),
    time: real('time', [flowSamples, batch], (random) => random.between(0.1, 0.9)),
    ...(config.useFastAuxiliary && {
      fast_tokens: whole([batch, maxFastTokens], [3, 7, 1, 0, 11, 2, 5, 8]),
      fast_mask: { shape: [batch, maxFastTokens], dtype: 'uint8', data: Uint8Array.of(1, 1, 1, 0, 1, 1, 1, 1) },
    }),
  };
}

interface Result {
  readonly losses: Record<string, number>;
  readonly gradients: Parameters;
}

/** Losses and the gradient of every leaf (absent where the loss does not depend on it), in float64. */
async function evaluate(
  changes: ModelConfigInput | object = {},
  edit: {
    weights?: (weights: Parameters) => void;
    feeds?: Record<string, NdArray>;
    absent?: number[];
    gradients?: boolean;
  } = {},
): Promise<Result> {
  const config = modelConfig({ ...base, ...changes });
  const program = buildLossProgram(config, { batch, gradients: edit.gradients ?? true });
  const session = await ProgramSession.create(program, { precision: 'float64' });
  const parameters = draw(config);
  edit.weights?.(parameters);
  const weights = splitLayers(config, parameters);
  const all = {
    ...feeds(config, edit.absent),
    ...edit.feeds,
    ...Object.fromEntries(program.parameters.map(({ name }) => [name, weights.get(name)!])),
  };
  const exact = Object.entries(all).map(([name, array]) =>
    array.dtype === 'float32'
      ? [name, { ...array, dtype: 'float64', data: Float64Array.from(array.data as Float32Array) }]
      : [name, array],
  );
  const out = await session.run(Object.fromEntries(exact));
  await session.close();
  const own = Object.entries(out);
  const losses = own.filter(([name]) => !name.startsWith('gradient/')).map(([name, { data }]) => [name, data[0]]);
  const views = own.flatMap(([name, array]) => (name.startsWith('gradient/') ? [[name.slice(9), array] as const] : []));
  return { losses: Object.fromEntries(losses), gradients: mergeLayers(config, new Map(views)) };
}

/** Largest difference of two gradients of one leaf; an absent one is zero. */
function apart(a: NdArray | undefined, b: NdArray | undefined, factor = 1): number {
  const n = (a ?? b)?.data.length ?? 0;
  let most = 0;
  for (let i = 0; i < n; i++)
    most = Math.max(most, Math.abs(Number(a?.data[i] ?? 0) - factor * Number(b?.data[i] ?? 0)));
  return most;
}
const minus = (a: Parameters, b: Parameters): Parameters =>
  new Map(
    [...a].map(([name, array]) => {
      const other = b.get(name)?.data;
      const data = Float64Array.from(array.data as Float64Array, (x, i) => x - Number(other?.[i] ?? 0));
      return [name, { ...array, data }];
    }),
  );
const parts = new Map(parameterTree(modelConfig(base)).map(({ name, part }) => [name, part]));
/** Leaves that only the action loss reaches. */
const isExpert = (name: string) => ['expert', 'flow', 'kv'].includes(parts.get(name)!);

let joint: Result;
beforeAll(async () => {
  joint = await evaluate();
});

describe('useKnowledgeInsulation', () => {
  it('leaves losses and the expert alone and takes the action loss from the vision-language part', async () => {
    const insulated = await evaluate({ useKnowledgeInsulation: true });
    const others = minus(joint.gradients, (await evaluate({ subtaskLossWeight: 0, fastLossWeight: 0 })).gradients);
    expect(insulated.losses).toEqual(joint.losses);
    for (const [name, gradient] of joint.gradients)
      if (isExpert(name)) expect(apart(insulated.gradients.get(name), gradient), name).toBeLessThan(1e-12);
      else expect(apart(insulated.gradients.get(name), others.get(name)), name).toBeLessThan(1e-12);
    const cut = await evaluate({ useKnowledgeInsulation: true, subtaskLossWeight: 0, fastLossWeight: 0 });
    for (const name of parts.keys())
      if (!isExpert(name)) expect(apart(cut.gradients.get(name), undefined), name).toBe(0);
    expect(
      apart(joint.gradients.get('PaliGemma/img/head/kernel'), others.get('PaliGemma/img/head/kernel')),
    ).toBeGreaterThan(1e-3);
  });
});

describe.each([
  ['fastLossWeight', 'loss/fast', 0.3],
  ['subtaskLossWeight', 'loss/stage', 0.2],
] as const)('%s', (key, term, usual) => {
  it('scales its own term and no other', async () => {
    const [none, twice] = [await evaluate({ [key]: 0 }), await evaluate({ [key]: 2 * usual })];
    for (const name of ['loss/action', 'loss/stage', 'loss/fast'])
      for (const other of [none, twice]) expect(other.losses[name]).toBe(joint.losses[name]);
    expect(twice.losses['loss']! - joint.losses['loss']!).toBeCloseTo(usual * joint.losses[term]!, 12);
    const [once, more] = [minus(joint.gradients, none.gradients), minus(twice.gradients, none.gradients)];
    for (const [name, gradient] of more) expect(apart(gradient, once.get(name), 2), name).toBeLessThan(1e-11);
    for (const [name, gradient] of once)
      if (isExpert(name)) expect(apart(gradient, undefined), name).toBeLessThan(1e-12);
  });
});

describe('useFastAuxiliary', () => {
  it('brings three leaves and a loss; the other losses do not see the FAST tokens', async () => {
    const without = await evaluate({ useFastAuxiliary: false });
    const { loss: _a, 'loss/fast': _b, ...rest } = joint.losses;
    for (const [name, value] of Object.entries(rest)) expect(without.losses[name], name).toBeCloseTo(value, 12);
    expect(without.losses).not.toHaveProperty('loss/fast');
    const names = (changes: object) => parameterTree(modelConfig({ ...base, ...changes })).map(({ name }) => name);
    expect(names({}).filter((name) => !names({ useFastAuxiliary: false }).includes(name))).toEqual([
      'fast_token_embedding/embedding',
      'fast_token_proj/bias',
      'fast_token_proj/kernel',
    ]);
  });
});

describe('useKvTransform', () => {
  it('off: four leaves less, and what mixing by the identity gives', async () => {
    const without = await evaluate({ useKvTransform: false });
    const identity = await evaluate(
      {},
      {
        weights: (weights) => {
          for (const name of ['k', 'v']) {
            const coefficients = weights.get(`kv_transform/${name}_coeffs`)!.data as Float32Array;
            const layers = Math.sqrt(coefficients.length);
            coefficients.forEach((_, i) => {
              coefficients[i] = i % (layers + 1) === 0 ? 1 : 0;
            });
            (weights.get(`kv_transform/${name}_bias`)!.data as Float32Array).fill(0);
          }
        },
      },
    );
    for (const [name, value] of Object.entries(without.losses))
      expect(identity.losses[name], name).toBeCloseTo(value, 12);
    for (const [name, gradient] of identity.gradients)
      if (!name.startsWith('kv_transform'))
        expect(apart(without.gradients.get(name), gradient), name).toBeLessThan(1e-11);
    expect([...identity.gradients.keys()].filter((name) => !without.gradients.has(name)).sort()).toEqual(
      ['k_bias', 'k_coeffs', 'v_bias', 'v_coeffs'].map((name) => `kv_transform/${name}`),
    );
    expect(without.losses['loss/action']).not.toBeCloseTo(joint.losses['loss/action']!, 3);
    expect(without.losses['loss/stage']).toBeCloseTo(joint.losses['loss/stage']!, 12);
  });
});

describe('flowSamples', () => {
  it('averages the action loss over so many draws; the other losses stay', async () => {
    const config = modelConfig(base);
    const { noise, time } = feeds(config) as { noise: NdArray; time: NdArray };
    const half = ({ shape, data }: NdArray, i: number): NdArray => {
      const n = data.length / 2;
      return {
        shape: [1, ...shape.slice(1)],
        dtype: 'float32',
        data: (data as Float32Array).slice(i * n, (i + 1) * n),
      };
    };
    const one = [0, 1].map((i) =>
      evaluate({ flowSamples: 1 }, { feeds: { noise: half(noise, i), time: half(time, i) } }),
    );
    const [a, b] = (await Promise.all(one)) as [Result, Result];
    expect((a.losses['loss/action']! + b.losses['loss/action']!) / 2).toBeCloseTo(joint.losses['loss/action']!, 12);
    for (const name of ['loss/stage', 'loss/fast']) expect(a.losses[name]).toBeCloseTo(joint.losses[name]!, 12);
  });
});

describe('cameras', () => {
  it(
    'are as many as are named: a network of two is one of three whose third is absent, but for the ' +
      'actions’ positions',
    async () => {
      const three = await evaluate({ cameras: ['a', 'b', 'c'] }, { absent: [2], gradients: false });
      const two = await evaluate({ cameras: ['a', 'b'] }, { gradients: false });
      for (const name of ['loss/stage', 'loss/fast']) expect(two.losses[name]).toBeCloseTo(three.losses[name]!, 12);
      const swapped = await evaluate({ cameras: ['b', 'a'] }, { gradients: false });
      expect(swapped.losses['loss/stage']).not.toBeCloseTo(two.losses['loss/stage']!, 5);
      for (const cameras of [['a'], ['a', 'b', 'c', 'd', 'e']])
        expect((await evaluate({ cameras }, { gradients: false })).losses['loss']).toBeGreaterThan(0);
      expect(() => modelConfig({ ...base, cameras: [] })).toThrow(/cameras/);
      expect(() => modelConfig({ ...base, cameras: ['a', 'a'] })).toThrow(/twice/);
    },
  );
});

describe('useCorrelatedNoise and correlationBeta', () => {
  const [horizon, width] = [4, 5];
  const n = horizon * width;
  const cholesky = Random.of('cholesky').fillNormal(new Float64Array(n * n));
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) cholesky[i * n + j] = i === j ? 1 : 0;
  const statistics = { horizon, width, correlation: { cholesky } } as unknown as ChunkStatistics;
  const noise = (changes: object) => flowNoise(modelConfig({ ...base, ...changes }), statistics);
  const all = Array.from({ length: n }, (_, i) => i);
  const sigma = (i: number, j: number) => all.reduce((sum, k) => sum + cholesky[i * n + k]! * cholesky[j * n + k]!, 0);

  it.each([0.2, 0.5, 1])('gives noise of covariance βΣ + (1 − β)I, β = %f', (correlationBeta) => {
    const covariance = noise({ correlationBeta }).covariance(all, all);
    for (const i of all)
      for (const j of all) {
        const target = correlationBeta * sigma(i, j) + (i === j ? 1 - correlationBeta : 0);
        expect(covariance[i * n + j]).toBeCloseTo(target, 9);
      }
  });

  it('is white without it, and for β = 0', () => {
    const white = new CorrelatedNoise(null, { horizon, width });
    const z = Random.of('z').fillNormal(new Float64Array(n));
    for (const changes of [{ useCorrelatedNoise: false }, { correlationBeta: 0 }])
      expect(noise(changes).colour(z)).toEqual(white.colour(z));
    expect(noise({}).colour(z)).not.toEqual(z);
  });

  it('changes nothing in the loss program, whose noise is an input', async () => {
    for (const changes of [{ useCorrelatedNoise: false }, { correlationBeta: 0.9 }, { timeThresholdInpaint: 0.7 }])
      expect((await evaluate(changes, { gradients: false })).losses['loss']).toBeCloseTo(joint.losses['loss']!, 14);
  });

  it('wants a correlation in the statistics', () => {
    const bare = { horizon, width } as unknown as ChunkStatistics;
    expect(() => flowNoise(modelConfig(base), bare)).toThrow(/no action correlation/);
    expect(() => flowNoise(modelConfig({ ...base, useCorrelatedNoise: false }), bare)).not.toThrow();
  });
});
