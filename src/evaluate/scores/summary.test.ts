import { describe, expect, it } from 'vitest';
import { ledgerLine } from '../../../test/support/evaluate.ts';
import { unitsOf } from '../ledger/index.ts';
import { qTable } from './qTable.ts';
import { summariseLedger } from './summary.ts';

const radio = [1, 0, 1].map((q, instance) => ledgerLine({ instance, q, success: q === 1 }));
const trash = [0.5, 1 / 3].map((q, instance) => ledgerLine({ task: 'picking_up_trash', instance, q }));

describe('summary', () => {
  it('has the form of --json', () => {
    const { tasks, q, official, ...rest } = summariseLedger([...radio, ...trash]);
    expect(rest).toEqual({ episodes: 5 });
    expect(q.mean).toBeCloseTo((2 / 3 + 5 / 12) / 2, 12);
    expect(official).toBeCloseTo(q.mean, 12);
    expect(Object.keys(q)).toEqual(['mean', 'low', 'high']);
    expect(Object.keys(tasks)).toEqual(['turning_on_radio', 'picking_up_trash']);
    expect(tasks['turning_on_radio']).toMatchObject({ q: 2 / 3, success: 2 / 3, episodes: 3 });
    expect(Object.keys(tasks['turning_on_radio']!).sort()).toEqual(['episodes', 'high', 'low', 'q', 'success']);
    for (const { q: mean, low, high } of Object.values(tasks)) expect(low <= mean && mean <= high).toBe(true);
  });

  it('does not depend on the order in which episodes were played', () => {
    const units = unitsOf(['turning_on_radio', 'picking_up_trash'], [...Array(12).keys()]);
    const lines = units.map((unit, i) => ledgerLine({ ...unit, q: ((i * 7) % 11) / 10 }));
    const turned = [...lines.slice(9), ...lines.slice(0, 9).reverse()];
    expect(JSON.stringify(summariseLedger(turned, units))).toBe(JSON.stringify(summariseLedger(lines, units)));
  });

  it('of several seeds counts instances once for what other instances would give', () => {
    const seeds = [0, 1, 2, 3, 4].flatMap((rollout) => trash.map((line) => ({ ...line, rollout })));
    const summary = summariseLedger(seeds);
    expect(summary.tasks['picking_up_trash']).toMatchObject({ episodes: 10, seeds: 5, q: expect.closeTo(5 / 12, 12) });
    expect(summary.tasks['picking_up_trash']!.low).toBeLessThan(0.2);
    expect(qTable(summary)).toMatch(/10 \(5 seeds\)/);
  });

  it('never counts an invalid episode, and says which it was', () => {
    const broken = ledgerLine({ instance: 9, state: 'invalid', q: 0, reason: 'MuJoCo warned' });
    const summary = summariseLedger([...radio, broken]);
    expect(summary.tasks['turning_on_radio']!.q).toBeCloseTo(2 / 3, 12);
    expect(summary.episodes).toBe(3);
    expect(summary.missing).toEqual([{ task: 'turning_on_radio', instance: 9, rollout: 0, reason: 'MuJoCo warned' }]);
    expect(summary.official).toBeCloseTo(2 / 4, 12);
  });

  it('a part: a task without any result stays, missing episodes count 0 in the official score and are named', () => {
    const asked = unitsOf(['turning_on_radio', 'picking_up_trash'], [0, 1, 2, 3]);
    const broken = ledgerLine({ task: 'picking_up_trash', instance: 1, state: 'invalid', q: 0, reason: 'no server' });
    const summary = summariseLedger([...radio, broken], asked);
    expect(summary.tasks['picking_up_trash']).toMatchObject({ q: Number.NaN, episodes: 0, missing: 4 });
    expect(summary.q.mean).toBeCloseTo(2 / 3, 12);
    expect(summary.official).toBeCloseTo((2 / 4 + 0) / 2, 12);
    expect(JSON.parse(JSON.stringify(summary)).tasks.picking_up_trash.q).toBeNull();
    const text = qTable(summary);
    expect(text).toMatch(/turning_on_radio +0\.667 .* 3 of 4 +0\.500/);
    expect(text).toMatch(/picking_up_trash +– +– +0 of 4 +0\.000/);
    expect(text).toMatch(/mean over tasks\* +0\.667 .* 3 of 8 +0\.250/);
    expect(text).toContain('a part: 3 of 8 episodes, nothing of picking_up_trash; missing ones count 0');
    expect(text).toContain('missing: turning_on_radio 3: not played');
    expect(text).toContain('missing: picking_up_trash 0, 2-3: not played');
    expect(text).toContain('missing: picking_up_trash 1: no server');
  });

  it('prints a row a task and a column a baseline', () => {
    const text = qTable(summariseLedger([...radio, ...trash]), {
      hold: summariseLedger(trash.map((line) => ({ ...line, q: 0 }))),
    });
    expect(text).toMatch(/turning_on_radio +0\.667 .* – *\n?/);
    expect(text).toMatch(/picking_up_trash +0\.417 .*0\.000/);
    expect(text.split('\n').at(-1)).toMatch(/^mean over tasks +0\.542/);
  });
});
