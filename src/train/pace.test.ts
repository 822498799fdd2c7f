import { expect, it } from 'vitest';
import { loadTrainConfig } from './configFile.ts';
import { adviseTraining, measurePaces, paceConfig, paceSettings, type UpdatePace } from './pace.ts';

const pace = (threads: number, batch: number, samplesPerSecond: number): UpdatePace => ({
  ...{ threads, batch, samplesPerSecond },
  milliseconds: (1000 * batch) / samplesPerSecond,
  bytes: 1e9,
});
const nano = { batch: 64, steps: 6000 };

it('measures the configuration’s batch with each number of threads, then the other batches', async () => {
  const config = paceConfig(await loadTrainConfig('dummy'));
  const heard: UpdatePace[] = [];
  const paces = await measurePaces(config, { threads: [1, 2], batches: [2, 4] }, (one) => heard.push(one));
  expect(heard).toEqual(paces);
  expect(paces.map(({ batch }) => batch)).toEqual([4, 4, 2]);
  expect(paces.slice(0, 2).map(({ threads }) => threads)).toEqual([1, 2]);
  for (const { batch, milliseconds, samplesPerSecond, bytes } of paces) {
    expect(milliseconds).toBeGreaterThan(0);
    expect(samplesPerSecond).toBeCloseTo((1000 * batch) / milliseconds, 6);
    expect(bytes).toBeGreaterThan(1e8);
  }
}, 60_000);

it('looks at batches that fit into memory, and at no more threads than there are cores', async () => {
  const config = paceConfig(await loadTrainConfig('nano'));
  expect(paceSettings(config, 64e9, 6)).toEqual({ threads: [1, 2, 4, 6], batches: [32, 64, 128, 256] });
  expect(paceSettings(config, 2.5e9, 1)).toEqual({ threads: [1], batches: [32, 64] });
  expect(paceSettings(config, 2e8, 1).batches).toEqual([]);
});

it('advises the smallest number of threads that is as fast as any', () => {
  const advice = adviseTraining(nano, [pace(1, 64, 100), pace(2, 64, 190), pace(4, 64, 195), pace(4, 128, 200)]);
  expect(advice).toMatchObject({ threads: 2, batch: 64, samplesPerSecond: 190 });
  expect(advice.seconds).toBeCloseTo((6000 * 64) / 190, 9);
  expect(advice.reasons.join(' ')).toMatch(/2 threads are 1.90 times as fast.*More threads than 2.*No other batch/);
});

it('tells of a larger batch only when it is clearly faster, and what that changes', () => {
  const { batch, reasons } = adviseTraining(nano, [pace(1, 64, 100), pace(1, 32, 90), pace(1, 256, 130)]);
  expect(batch).toBe(64);
  expect(reasons.join(' ')).toMatch(/batch of 256 gives 1.30 times .* another learning rate/);
});

it('falls back on a batch that fits', () => {
  const { batch, reasons, seconds } = adviseTraining(nano, [pace(1, 32, 100)]);
  expect(batch).toBe(32);
  expect(reasons.join(' ')).toMatch(/batch of 64 does not fit/);
  expect(seconds).toBeCloseTo(3840, 9);
});
