import { describe, expect, it } from 'vitest';
import { qScore } from './q.ts';

describe('q', () => {
  const three = [[0, 1, 2]];

  it('is 1 when an option is fulfilled, whatever held at the start', () => {
    expect(qScore(three, [false, false, false], [true, true, true])).toBe(1);
    expect(qScore(three, [true, true, true], [true, true, true])).toBe(1);
  });

  it('gives a share for each literal that became true', () => {
    expect(qScore(three, [false, false, false], [true, false, true])).toBeCloseTo(2 / 3, 15);
    expect(qScore(three, [false, false, false], [false, false, false])).toBe(0);
  });

  it('gives nothing for literals that held at the start, and keeps them in the denominator', () => {
    expect(qScore(three, [true, false, false], [true, true, false])).toBeCloseTo(1 / 3, 15);
    expect(qScore(three, [true, true, false], [true, true, false])).toBe(0);
    expect(qScore(three, [true, false, false], [false, false, false])).toBe(0);
  });

  it('takes the best option', () => {
    const options = [
      [0, 1],
      [2, 3, 4, 5],
    ];
    const initial = Array(6).fill(false);
    expect(qScore(options, initial, [true, false, true, true, true, false])).toBeCloseTo(3 / 4, 15);
  });
});
