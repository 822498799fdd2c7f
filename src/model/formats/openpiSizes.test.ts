import { expect, it } from 'vitest';
import { configs, modelConfig } from '../network/index.ts';
import { openpiSizeProblem } from './openpiSizes.ts';

it('openpi has networks of the released sizes and of its dummy, and none else', () => {
  expect(openpiSizeProblem(configs.full)).toBeUndefined();
  const dummy = {
    ...configs.full,
    vlmWidth: 64,
    vlmMlpDim: 128,
    expertWidth: 64,
    expertMlpDim: 128,
    layers: 4,
    headDim: 16,
  };
  expect(openpiSizeProblem(modelConfig(dummy))).toBeUndefined();
  expect(openpiSizeProblem(configs.dummy)).toMatch(/^vision has/);
  expect(openpiSizeProblem({ ...configs.full, layers: 17 })).toMatch(/^the language part has .* 17, 8, 1, 256/);
  expect(openpiSizeProblem({ ...configs.full, expertMlpDim: 4095 })).toMatch(/^the expert has/);
  expect(openpiSizeProblem({ ...configs.full, vocabSize: 256 })).toMatch(/^its vocabulary has 256 rows/);
});
