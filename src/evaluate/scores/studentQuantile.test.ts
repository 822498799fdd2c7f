import { expect, it } from 'vitest';
import { studentQuantile } from './studentQuantile.ts';

it("Student's quantiles are those of the tables", () => {
  for (const [freedom, value] of [
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [9, 2.262],
    [49, 2.01],
    [1e9, 1.96],
    [Number.POSITIVE_INFINITY, 1.96],
  ] as const)
    expect(Math.abs(studentQuantile(freedom) / value - 1)).toBeLessThan(0.01);
});
