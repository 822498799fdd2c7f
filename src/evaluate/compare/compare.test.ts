import { describe, expect, it } from 'vitest';
import { ledgerLine } from '../../../test/support/evaluate.ts';
import { compareLedgers } from './compare.ts';
import { compareTable } from './compareTable.ts';

/** A ledger of one task whose instances 0, 1, … have these scores. */
const ledger = (task: string, scores: readonly number[]) =>
  scores.map((q, instance) => ledgerLine({ task, instance, q, success: q === 1 }));

describe('compareLedgers', () => {
  const a = [...ledger('turning_on_radio', [1, 0, 0, 1]), ...ledger('picking_up_trash', [0.5, 0, 1, 0])];
  const b = [...ledger('turning_on_radio', [1, 1, 1, 1]), ...ledger('picking_up_trash', [0.5, 0.5, 0.5, 0])];

  it('pairs by instance; the difference is the mean over tasks', () => {
    const found = compareLedgers(a, b);
    expect(found).toMatchObject({ episodes: 8, difference: { mean: 0.25 }, onlyA: [], onlyB: [] });
    expect(found.tasks['turning_on_radio']).toMatchObject({
      a: 0.5,
      b: 1,
      difference: 0.5,
      better: 2,
      worse: 0,
      p: 0.5,
    });
    expect(found.tasks['picking_up_trash']).toMatchObject({ difference: 0, better: 1, worse: 1, p: 1 });
    expect(found.tasks['turning_on_radio']!.pCorrected).toBe(1);
    expect(found.worse).toMatchObject([{ task: 'picking_up_trash', instance: 2, difference: -0.5 }]);
    // Signs of 1/4, 1/4 (radio) and 1/8, -1/8 (trash): a sum of 1/2 or more in 6 of 16 cases.
    expect(found.p).toBe(6 / 16);
  });

  it('two instances that differ find no difference that there can be, and it is said', () => {
    const few = compareLedgers(ledger('turning_on_radio', [1, 0]), ledger('turning_on_radio', [0, 1]));
    expect(few.smallestDifference).toBeGreaterThan(1);
    expect(compareTable(few, 'x', 'y')).toMatch(/So few episodes find no true difference/);
  });

  it('the other way round has the other sign', () => {
    const [forth, back] = [compareLedgers(a, b), compareLedgers(b, a)];
    expect(back.difference.mean).toBe(-forth.difference.mean);
    expect(back.difference.low).toBeCloseTo(-forth.difference.high, 12);
    expect(back.p).toBe(forth.p);
  });

  it('counts several seeds of an instance as one pair', () => {
    const seeds = (lines: typeof a) => [0, 1, 2].flatMap((rollout) => lines.map((line) => ({ ...line, rollout })));
    const [once, thrice] = [compareLedgers(a, b), compareLedgers(seeds(a), seeds(b))];
    expect(thrice).toMatchObject({ episodes: 24, difference: once.difference, p: once.p });
  });

  it('leaves out and names what one side lacks; refuses when nothing is common', () => {
    const found = compareLedgers(a, [...b.slice(1), ledgerLine({ task: 'turning_on_radio', instance: 99, q: 1 })]);
    expect(found).toMatchObject({ episodes: 7, onlyA: ['turning_on_radio_0_0'], onlyB: ['turning_on_radio_99_0'] });
    expect(() => compareLedgers(a, ledger('turning_on_radio', []))).toThrow(/no episode in common/);
    const broken = { ...a[0]!, state: 'invalid' as const };
    expect(() => compareLedgers([broken], b)).toThrow(/no episode in common/);
  });

  it('says what it takes to decide', () => {
    const found = compareLedgers(a, b);
    expect(found.smallestDifference).toBeGreaterThan(0.25);
    expect(found.instancesNeeded).toBeGreaterThan(4);
    const text = compareTable(found, 'first', 'second');
    expect(text).toMatch(/picking_up_trash +0\.375 +0\.375 +\+0\.000/);
    expect(text).toMatch(/Not decided: p 0\.375 .* takes about \d+ instances a task/);
    expect(text).toMatch(/B did worse in: picking_up_trash 2 \(−0\.500\)/);
    const clear = compareLedgers(ledger('t', new Array(20).fill(0)), ledger('t', new Array(20).fill(1)));
    expect(compareTable(clear, 'x', 'y')).toMatch(/B is better \(p < 0\.001\)/);
    expect(clear.sequential.verdict).toBe('b');
  });
});
