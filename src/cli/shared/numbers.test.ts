import { expect, it } from 'vitest';
import { atLeastZero, positive, whole } from './numbers.ts';

it('numbers of options are decimal, finite and in their range', () => {
  expect([positive('12'), whole('0'), atLeastZero('1e-3'), atLeastZero('.5')]).toEqual([12, 0, 0.001, 0.5]);
  for (const text of ['', ' ', '0', '-1', '1.5', '0x10', '1e400', 'NaN', 'Infinity', '12a', '1_000'])
    expect(() => positive(text), text).toThrow('expected a whole number above 0.');
  for (const text of ['', '-0.1', 'Infinity', '1e400', 'many'])
    expect(() => atLeastZero(text), text).toThrow('expected a number of 0 or more.');
});
