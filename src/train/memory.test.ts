import { expect, it } from 'vitest';
import { configs, TRAINING_STATE_LIMIT, trainingMemory, trainingStateBytes } from '../model/index.ts';
import { requireTrainingMemory, trainedWith, trainingRefusal } from './memory.ts';

const { nano, full } = configs;

it('names the largest half of the batch that fits', () => {
  const size = { model: nano, batch: 8, freeze: [] };
  expect(trainingRefusal(size, trainingMemory(nano, 8).total)).toBeUndefined();
  const room = trainingMemory(nano, 2).total;
  expect(() => requireTrainingMemory(size, { available: room })).toThrow(
    /^train: training with a batch of 8 needs about .* Nearest setting that fits: --set batch=2 \(about/,
  );
  expect(trainingRefusal(size, 1e6)?.advice).toMatch(/^no setting fits: even --set batch=1 needs/);
});

it('what WebAssembly cannot hold is refused with the parts to freeze', () => {
  const refusal = trainingRefusal({ model: full, batch: 1, freeze: [] }, 1e12);
  expect(refusal?.reason).toMatch(/need 68\.\d GB in one WebAssembly memory \(at most 4\.29 GB\)/);
  const parts = JSON.parse(/freeze=(\[.*?\])'/.exec(refusal!.advice)![1]!) as string[];
  expect(trainingStateBytes(full, trainedWith(full, parts))).toBeLessThan(TRAINING_STATE_LIMIT);
  expect(trainingRefusal({ model: full, batch: 1, freeze: [] }, 1e10)?.advice).toMatch(/^no setting fits: with --set/);
});

it('a part that the network does not have freezes nothing', () => {
  const trains = trainedWith(nano, ['fast', 'visionTower']);
  expect(trains('PaliGemma/img/head/kernel')).toBe(false);
  expect(trains('state_proj/kernel')).toBe(true);
});
