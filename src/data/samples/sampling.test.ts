import { describe, expect, it } from 'vitest';
import { chunkStarts, framesOf, Sampler } from './sampling.ts';

const starts = (...args: Parameters<typeof chunkStarts>) => [...framesOf(chunkStarts(...args))];

describe('chunkStarts', () => {
  it('takes every stride-th frame of [0, length - horizon], from an offset of the seed', () => {
    const found = starts(100, { horizon: 30, stride: 8 }, 'seed', 4);
    expect(found[0]).toBeLessThan(8);
    for (let i = 1; i < found.length; i++) expect(found[i]! - found[i - 1]!).toBe(8);
    expect(found.at(-1)).toBeLessThanOrEqual(70);
    expect(found.at(-1)).toBeGreaterThan(62);
    expect(starts(100, { horizon: 30, stride: 8 }, 'seed', 4)).toEqual(found);
    expect(new Set(Array.from({ length: 50 }, (_, i) => starts(100, { horizon: 30, stride: 8 }, i)[0])).size).toBe(8);
  });

  it('gives one start to the shortest usable episode and none to a shorter one', () => {
    expect(starts(30, { horizon: 30, stride: 8 }, 1)).toEqual([0]);
    expect(starts(29, { horizon: 30, stride: 8 }, 1)).toEqual([]);
    expect(starts(33, { horizon: 30, stride: 8 }, 1).length).toBe(1);
    expect(starts(33, { horizon: 30, stride: 1 }, 1)).toEqual([0, 1, 2, 3]);
  });

  it('begins where pictures are new alone', () => {
    const found = Array.from({ length: 50 }, (_, i) => starts(51, { horizon: 30, stride: 10, picturesEvery: 5 }, i));
    expect(new Set(found.map(String))).toEqual(new Set(['0,10,20', '5,15']));
    expect(starts(33, { horizon: 30, stride: 5, picturesEvery: 5 }, 1)).toEqual([0]);
  });

  it('begins at every frame with padding', () => {
    expect(starts(4, { horizon: 30, stride: 1, endPadding: true }, 1)).toEqual([0, 1, 2, 3]);
    expect(starts(0, { horizon: 30, stride: 1, endPadding: true }, 1)).toEqual([]);
  });
});

describe('Sampler', () => {
  it('draws every sample once per epoch, in another order each time, across batch borders', () => {
    const sampler = new Sampler([{ count: 97, weight: 1 }]);
    const drawn: number[] = [];
    for (let step = 0; step < 97; step++) drawn.push(...sampler.indices(step, 10, 'a'));
    for (let epoch = 0; epoch < 10; epoch++)
      expect([...drawn.slice(epoch * 97, (epoch + 1) * 97)].sort((a, b) => a - b)).toEqual(
        Array.from({ length: 97 }, (_, i) => i),
      );
    expect(drawn.slice(0, 97)).not.toEqual(drawn.slice(97, 194));
  });

  it('does the same by a keyed permutation beyond the number of samples that is listed', () => {
    const sampler = new Sampler([{ count: 97, weight: 1 }], { listed: 96 });
    const listed = new Sampler([{ count: 97, weight: 1 }], { listed: 97 });
    const drawn: number[] = [];
    for (let step = 0; step < 97; step++) drawn.push(...sampler.indices(step, 10, 'a'));
    for (let epoch = 0; epoch < 10; epoch++)
      expect([...drawn.slice(epoch * 97, (epoch + 1) * 97)].sort((a, b) => a - b)).toEqual(
        Array.from({ length: 97 }, (_, i) => i),
      );
    expect(drawn.slice(0, 97)).not.toEqual(drawn.slice(97, 194));
    expect([...listed.indices(0, 97, 'a')]).not.toEqual(drawn.slice(0, 97));
    // Step 60 without the 59 before it.
    const late = new Sampler([{ count: 97, weight: 1 }], { listed: 96 });
    expect([...late.indices(60, 10, 'a')]).toEqual(drawn.slice(600, 610));
  });

  it('draws the last batches of an epoch of 119 million samples as quickly as the first, in no memory', () => {
    const before = process.memoryUsage().arrayBuffers;
    const sampler = new Sampler([{ count: 119_000_000, weight: 1 }]);
    const indices = [...sampler.indices(1_859_374, 64, 's')];
    expect(new Set(indices).size).toBe(64);
    expect(Math.max(...indices)).toBeLessThan(119_000_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });

  it('draws the order that runs were trained in before', () => {
    expect([...new Sampler([{ count: 9, weight: 1 }]).indices(1, 7, 3)]).toEqual([7, 6, 6, 1, 5, 8, 0]);
  });

  it('is a pure function of seed, step and size', () => {
    const folders = [
      { count: 50, weight: 2 },
      { count: 9, weight: 1 },
    ];
    const [one, two] = [new Sampler(folders), new Sampler(folders)];
    for (let step = 0; step < 40; step++) one.indices(step, 7, 's');
    for (const step of [39, 3, 17, 0]) expect(one.indices(step, 7, 's')).toEqual(two.indices(step, 7, 's'));
    expect(one.indices(0, 7, 's')).not.toEqual(one.indices(0, 7, 't'));
  });

  it('keeps every folder within one draw per step of its share, and goes through each folder evenly', () => {
    const folders = [
      { count: 40, weight: 0.2 },
      { count: 1000, weight: 5 },
      { count: 7, weight: 1.1 },
    ];
    const sampler = new Sampler(folders);
    const counts = new Map<number, number>();
    const [steps, size] = [500, 13];
    for (let step = 0; step < steps; step++)
      for (const i of sampler.indices(step, size, 1)) counts.set(i, (counts.get(i) ?? 0) + 1);
    let start = 0;
    for (const { count, weight } of folders) {
      const own = Array.from({ length: count }, (_, i) => counts.get(start + i) ?? 0);
      expect(Math.abs(own.reduce((a, b) => a + b, 0) - (steps * size * weight) / 6.3)).toBeLessThanOrEqual(2);
      expect(Math.max(...own) - Math.min(...own)).toBeLessThanOrEqual(1);
      start += count;
    }
    expect([...counts.values()].reduce((a, b) => a + b, 0)).toBe(steps * size);
  });

  it('refuses folders that give nothing', () => {
    expect(() => new Sampler([{ count: 0, weight: 1 }])).toThrow(/needs samples/);
    expect(() => new Sampler([{ count: 3, weight: 0 }])).toThrow(/positive sum/);
  });
});
