import { describe, expect, it } from 'vitest';
import { KeyedPermutation } from './keyedPermutation.ts';

describe('KeyedPermutation', () => {
  it('has every number once, for all small sizes and some large ones', () => {
    const sizes = [...Array.from({ length: 140 }, (_, i) => i + 1), 255, 256, 257, 1023, 4096, 4097, 65_537, 100_003];
    for (const count of sizes) {
      const order = new KeyedPermutation(count, 'sizes', count);
      const seen = new Uint8Array(count);
      for (let k = 0; k < count; k++) seen[order.at(k)]!++;
      expect(
        seen.every((times) => times === 1),
        String(count),
      ).toBe(true);
    }
  });

  it('computes a place without the places before it, as often as it is asked, also far out', () => {
    const count = 119_000_000;
    const places = [count - 1, 0, 77_777_777, 5, count - 2];
    const [one, two] = [new KeyedPermutation(count, 'a', 1), new KeyedPermutation(count, 'a', 1)];
    const first = places.map((place) => one.at(place));
    expect(places.map((place) => two.at(place))).toEqual(first);
    expect([...places].reverse().map((place) => one.at(place))).toEqual([...first].reverse());
    expect(new Set(first).size).toBe(places.length);
    expect(Math.max(...first)).toBeLessThan(count);
    expect(places.map((place) => new KeyedPermutation(count, 'a', 2).at(place))).not.toEqual(first);
    expect(new KeyedPermutation(2 ** 52, 'x').at(2 ** 52 - 1)).toBeLessThan(2 ** 52);
    for (const wrong of [0, -1, 1.5, 2 ** 53, Number.NaN]) expect(() => new KeyedPermutation(wrong)).toThrow(/count/);
  });

  it('puts every number everywhere equally often, whatever its neighbour does (chi-square)', () => {
    const [count, seeds] = [20, 4000];
    const firsts = new Float64Array(count);
    const steps = new Float64Array(count);
    for (let seed = 0; seed < seeds; seed++) {
      const order = new KeyedPermutation(count, seed);
      const [a, b] = [order.at(0), order.at(1)];
      firsts[a]!++;
      steps[(b - a + count) % count]!++;
    }
    const chiSquare = (counts: Float64Array, expected: number) =>
      counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    // The 0.1 % points of 19 and 18 degrees of freedom.
    expect(chiSquare(firsts, seeds / count)).toBeLessThan(43.8);
    expect(steps[0]).toBe(0);
    expect(chiSquare(steps.subarray(1), seeds / (count - 1))).toBeLessThan(42.3);
  });
});
