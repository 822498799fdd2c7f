import { describe, expect, it } from 'vitest';
import { ledgerLine } from '../../../test/support/evaluate.ts';
import { memoryWords } from './auditWords.ts';
import { memoryRows } from './memoryRows.ts';

const DRAWER = 'opening_shown_drawer';
/** So many episodes of the drawer, of which the first ones are done. */
const lines = (done: number, count = 60) =>
  Array.from({ length: count }, (_, instance) =>
    ledgerLine({ task: DRAWER, instance, q: instance < done ? 1 : 0, success: instance < done }),
  );

describe('tasks that need memory', () => {
  it('a policy above chance remembers; the same without memory guesses one drawer of three', () => {
    const [row] = memoryRows([DRAWER], { policy: lines(50), memoryless: lines(22), oracle: lines(55) });
    expect(row).toMatchObject({ task: DRAWER, chance: 1 / 3, remembers: true, needsMemory: true });
    expect(row!.policy.mean).toBeCloseTo(50 / 60, 12);
    expect(row!.policy.low).toBeGreaterThan(1 / 3);
    expect(memoryWords(row!)).toBe('the policy remembers; without memory it guesses');
  });

  it('a row without memory far above chance says that the task can be done without', () => {
    const [row] = memoryRows([DRAWER], { policy: lines(50), memoryless: lines(45), oracle: undefined });
    expect(row).toMatchObject({ remembers: true, needsMemory: false, oracle: null });
    expect(memoryWords(row!)).toMatch(/without memory it is above chance too/);
  });

  it('a policy that may as well guess is called so, and what was not played is not judged', () => {
    const [row] = memoryRows([DRAWER], { policy: lines(24), memoryless: undefined, oracle: undefined });
    expect(row).toMatchObject({ remembers: false, needsMemory: null, memoryless: null });
    expect(memoryWords(row!)).toBe('the policy is not above chance');
  });

  it('other tasks have no row', () => {
    expect(memoryRows(['picking_up_trash'], { policy: [], memoryless: [], oracle: [] })).toEqual([]);
  });
});
