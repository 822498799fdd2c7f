import { expect, it } from 'vitest';
import { configs, trainingMemory } from '../model/index.ts';
import { requireTrainingMemory, trainedWith, trainingRefusal } from './memory.ts';

const { nano, full } = configs;

it('names the fewest parts of the batch that fit', () => {
  const size = { model: nano, batch: 8, freeze: [] };
  expect(trainingRefusal(size, trainingMemory(nano, 8).total)).toBeUndefined();
  const room = trainingMemory(nano, 8, () => true, { accumulate: 4 }).total;
  expect(() => requireTrainingMemory(size, { available: room })).toThrow(
    /^train: training with a batch of 8 needs about .* Nearest setting that fits: --set accumulate=4 \(about/,
  );
  expect(trainingRefusal(size, 1e6)?.advice).toMatch(/^no setting fits: the smallest is --set/);
  const tight = trainingMemory(nano, 0).total + 1;
  expect(trainingRefusal(size, tight)?.advice).toMatch(/^no setting fits: even --set accumulate=8 needs/);
  const six = trainingRefusal({ ...size, batch: 6, accumulate: 2 }, tight);
  expect(six?.advice).toMatch(/^no setting fits: even --set accumulate=6 needs/);
});

it('names the parts to freeze where no batch helps, and knows no other limit than the memory', () => {
  const size = { model: full, batch: 1, freeze: [] };
  const refusal = trainingRefusal(size, 50e9);
  expect(refusal?.reason).toMatch(/^training needs 136\.2 GB for weights, .* alone \(50\.0 GB can be used here\)/);
  const parts = JSON.parse(/freeze=(\[.*?\])'/.exec(refusal!.advice)![1]!) as string[];
  expect(trainingMemory(full, 0, trainedWith(full, { freeze: parts })).total).toBeLessThan(50e9);
  expect(trainingRefusal(size, 1e10)?.advice).toMatch(/^no setting fits: the smallest is --set/);
  expect(trainingRefusal(size, 1e12)).toBeUndefined();
});

it('a part that the network does not have freezes nothing', () => {
  const trains = trainedWith(nano, { freeze: ['fast', 'visionTower'] });
  expect(trains('PaliGemma/img/head/kernel')).toBe(false);
  expect(trains('state_proj/kernel')).toBe(true);
});
