import { expect, it } from 'vitest';
import { advantageWeight, expectedReturns, NO_ADVANTAGE, returnsToGo } from './advantage.ts';

it('adds up what is still gained, later rewards discounted', () => {
  expect([...returnsToGo([0, 0.5, 0, 0.5], 1)]).toEqual([1, 1, 0.5, 0.5]);
  expect([...returnsToGo([0, 0, 1], 0.5)]).toEqual([0.25, 0.5, 1]);
  expect([...returnsToGo([0.5, -0.5, 0], 1)]).toEqual([0, -0.5, 0]);
});

it('expects what is missing of the score, at the end, as likely as success is', () => {
  const options = { discount: 0.9, length: 10 };
  const expected = expectedReturns({ success: [0.8, 0.8, 1], progress: [0, 0.5, 1] }, [0, 0.4, 0.6], options);
  expect(expected[0]).toBeCloseTo(0.8 * 0.9 ** 10, 12);
  expect(expected[1]).toBeCloseTo(0.8 * 0.9 ** 5, 12);
  expect(expected[2]).toBeCloseTo(0.6, 12); // nothing is left but the last reward
});

it('weighs by the exponential of the advantage, within bounds', () => {
  const options = { ...NO_ADVANTAGE, temperature: 0.5, clip: 2 };
  expect(advantageWeight(0, options)).toBe(1);
  expect(advantageWeight(0.5, options)).toBeCloseTo(Math.E, 12);
  expect(advantageWeight(9, options)).toBeCloseTo(Math.E ** 2, 12);
  expect(advantageWeight(-9, options)).toBeCloseTo(Math.E ** -2, 12);
});
