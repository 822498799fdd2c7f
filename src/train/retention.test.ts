import { describe, expect, it } from 'vitest';
import { removable } from './retention.ts';

const HOUR = 3_600_000;
const all = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => ({ step: n * 100, time: n * 0.4 * HOUR }));
const kept = (gone: number[]) => all.map(({ step }) => step).filter((step) => !gone.includes(step));

describe('the checkpoints that stay', () => {
  it('are the newest', () => {
    expect(kept(removable(all, { keepCheckpoints: 2, keepEvery: { updates: null, hours: null } }))).toEqual([700, 800]);
  });

  it('are those of every so many updates', () => {
    expect(kept(removable(all, { keepCheckpoints: 1, keepEvery: { updates: 300, hours: null } }))).toEqual([
      300, 600, 800,
    ]);
  });

  it('are one of every so many hours: the first, and each that is so much younger than the last that stays', () => {
    const rule = { keepCheckpoints: 1, keepEvery: { updates: null, hours: 1 } };
    expect(kept(removable(all, rule))).toEqual([100, 400, 700, 800]);
    // Once it stays it stays: removing the others changes nothing.
    const left = all.filter(({ step }) => !removable(all, rule).includes(step));
    expect(removable(left, rule)).toEqual([]);
  });

  it('are those that are spared', () => {
    const rule = { keepCheckpoints: 1, keepEvery: { updates: null, hours: null } };
    expect(kept(removable(all, rule, new Set([200])))).toEqual([200, 800]);
  });
});
