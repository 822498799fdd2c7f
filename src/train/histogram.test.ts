import { expect, it } from 'vitest';
import { histogram } from './histogram.ts';

it('counts every finite number between the limits of its bucket', () => {
  const values = Float32Array.of(
    0,
    1e-30,
    -1e-30,
    3e-7,
    -3e-7,
    0.5,
    0.5,
    -2,
    1e20,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
  );
  const { min, max, count, limits, counts, sum } = histogram([values.subarray(0, 4), values.subarray(4)]);
  const finite = [...values].filter(Number.isFinite);
  expect([min, max, count]).toEqual([-2, Math.fround(1e20), finite.length]);
  expect(sum).toBeCloseTo(
    finite.reduce((a, b) => a + b, 0),
    -10,
  );
  expect(counts.reduce((a, b) => a + b, 0)).toBe(count);
  limits.forEach((limit, i) => {
    if (i > 0) expect(limit).toBeGreaterThan(limits[i - 1]!);
    const from = limits[i - 1] ?? Number.NEGATIVE_INFINITY;
    // float32 numbers lie off the limits, so the ends do not matter.
    expect(counts[i]).toBe(finite.filter((x) => x > from && x <= limit).length);
  });
});

it('of nothing is one empty bucket', () => {
  expect(histogram([Float32Array.of(Number.NaN)])).toMatchObject({ count: 0, counts: [0] });
});
