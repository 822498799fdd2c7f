import { expect, it } from 'vitest';
import { noiseSeed, parseSeeds } from './seeds.ts';

it('reads seeds by range and list', () => {
  expect(parseSeeds('0-4')).toEqual(['0', '1', '2', '3', '4']);
  expect(parseSeeds('7, 1-2,7')).toEqual(['7', '1', '2']);
  for (const text of ['', 'a', '4-0', '-1', '0-100000', '1..3'])
    expect(() => parseSeeds(text), text).toThrow(/names no seeds/);
});

it('gives a rollout the noise of its seed, whichever of several it is', () => {
  const unit = { task: 'turning_on_radio', instance: 3 };
  expect(noiseSeed({ ...unit, rollout: 4 }, '7')).toBe(noiseSeed({ ...unit, rollout: 0 }, '7'));
  expect(noiseSeed({ ...unit, rollout: 0 }, '8')).not.toBe(noiseSeed({ ...unit, rollout: 0 }, '7'));
});
