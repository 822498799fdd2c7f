import { describe, expect, it } from 'vitest';
import { chunkStarts, Sampler } from './sampling.ts';

describe('chunkStarts', () => {
  it('takes every stride-th frame of [0, length - horizon], from an offset of the seed', () => {
    const starts = chunkStarts(100, 30, 8, 'seed', 4);
    expect(starts[0]).toBeLessThan(8);
    for (let i = 1; i < starts.length; i++) expect(starts[i]! - starts[i - 1]!).toBe(8);
    expect(starts.at(-1)).toBeLessThanOrEqual(70);
    expect(starts.at(-1)).toBeGreaterThan(62);
    expect(chunkStarts(100, 30, 8, 'seed', 4)).toEqual(starts);
    expect(new Set(Array.from({ length: 50 }, (_, i) => chunkStarts(100, 30, 8, i)[0])).size).toBe(8);
  });

  it('gives one start to the shortest usable episode and none to a shorter one', () => {
    expect([...chunkStarts(30, 30, 8, 1)]).toEqual([0]);
    expect([...chunkStarts(29, 30, 8, 1)]).toEqual([]);
    expect(chunkStarts(33, 30, 8, 1).length).toBe(1);
    expect([...chunkStarts(33, 30, 1, 1)]).toEqual([0, 1, 2, 3]);
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
