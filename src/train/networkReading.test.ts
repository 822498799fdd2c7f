import { expect, it } from 'vitest';
import { configs, initParameters, modelConfig, splitLayers } from '../model/index.ts';
import { readNetwork } from './networkReading.ts';

const model = modelConfig({ ...configs.dummy, layers: 2 });
const parameters = splitLayers(model, initParameters(model, 1));
const gradients = new Map(
  [...parameters].map(([name, { shape, data }]) => {
    const values = (data as Float32Array).map((_, i) => ((i % 5) - 2) * 1e-3);
    return [name, { shape, dtype: 'float32' as const, data: values }];
  }),
);

it('norms go by part of the network, and are those of all numbers together', () => {
  const { gradientNorms, parameterNorms, mixing, histograms } = readNetwork(
    model,
    { parameters, gradients },
    { histograms: false },
  );
  let squares = 0;
  for (const { data } of gradients.values()) for (const value of data) squares += Number(value) ** 2;
  expect(Math.hypot(...Object.values(gradientNorms))).toBeCloseTo(Math.sqrt(squares), 8);
  expect(Object.keys(parameterNorms)).toEqual(Object.keys(gradientNorms));
  expect(Object.keys(parameterNorms).sort()).toEqual(
    ['embedding', 'expert', 'fast', 'flow', 'kv', 'task', 'vision', 'vlm'].sort(),
  );
  // At first every layer of the expert sees its own layer of the prefix alone.
  expect(mixing).toEqual({ keys: { own: 1, others: 0 }, values: { own: 1, others: 0 } });
  expect(histograms).toBeUndefined();
});

it('frozen weights have no norms, and histograms hold every number of a part', () => {
  const trained = new Map([...parameters].filter(([name]) => !name.startsWith('PaliGemma/img')));
  const { gradientNorms, histograms } = readNetwork(model, { parameters: trained, gradients }, { histograms: true });
  expect(gradientNorms.vision).toBeUndefined();
  const numbers = [...trained].flatMap(([name, { data }]) => (name.includes('kv_transform') ? [...data] : []));
  expect(histograms?.parameters.kv?.count).toBe(numbers.length);
  expect(Math.sqrt(histograms!.gradients.kv!.squares)).toBeCloseTo(gradientNorms.kv!, 10);
});
