import { expect, it } from 'vitest';
import { parseInstances, unitName, unitsOf } from './unit.ts';

it('instances by split, range and list', () => {
  expect(parseInstances('public', 3)).toEqual([0, 1, 2]);
  expect(parseInstances('hidden', 2)).toEqual([10_000, 10_001]);
  expect(parseInstances('train', 1)).toEqual([1_000_000]);
  expect(parseInstances('0-3,7,3')).toEqual([0, 1, 2, 3, 7]);
  expect(parseInstances('0-19', 5)).toEqual([0, 1, 2, 3, 4]);
  expect(parseInstances('public')).toHaveLength(10);
});

it('refuses what names no instances', () => {
  for (const text of ['publik', '5-3', '-1', '', '1..4'])
    expect(() => parseInstances(text), text).toThrow(/names no instances/);
  expect(() => parseInstances('500000')).toThrow(/no split/);
  expect(() => parseInstances('0-3', 9)).toThrow(/9 were asked for, and --instances 0-3 names 4/);
});

it('tasks take turns', () => {
  expect(unitsOf(['a', 'b'], [4, 5]).map(unitName)).toEqual(['a_4_0', 'b_4_0', 'a_5_0', 'b_5_0']);
});
