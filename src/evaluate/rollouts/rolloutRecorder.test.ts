import { expect, it } from 'vitest';
import { pictureStride } from './rolloutRecorder.ts';

it('pictures are at most a second apart, at least 14 over the longest rollout and about 60 at most', () => {
  expect(pictureStride(765, 30)).toBe(30);
  expect(pictureStride(210, 30)).toBe(15);
  expect(pictureStride(5, 30)).toBe(1);
  expect(pictureStride(18_000, 30)).toBe(300);
  for (const [steps, rate] of [
    [100, 10],
    [1000, 15],
    [5000, 50],
  ] as const)
    expect(steps / pictureStride(steps, rate)).toBeLessThanOrEqual(60);
});
