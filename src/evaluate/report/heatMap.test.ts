import { expect, it } from 'vitest';
import { ledgerLine } from '../../../test/support/evaluate.ts';
import type { LedgerLine } from '../ledger/index.ts';
import { heatMap } from './heatMap.ts';

const line = (task: string, instance: number, q: number, maxSteps: number): LedgerLine =>
  ledgerLine({ task, instance, q, success: q === 1, steps: 10, maxSteps, goal: [] });

it('tasks stand by length and episodes from best to worst; only recorded ones can be played', () => {
  const page = heatMap(
    [line('long_one', 0, 0.5, 900), line('short_one', 1, 0, 300), line('short_one', 2, 1, 300)],
    new Set(['short_one_1_0']),
  );
  expect(page.indexOf('Short one')).toBeLessThan(page.indexOf('Long one'));
  expect(page.indexOf('instance 2: q 1.00')).toBeLessThan(page.indexOf('instance 1: q 0.00'));
  expect(page.match(/<button/g)).toHaveLength(1);
  expect(page).toContain('<button style="--q:0.000" title="instance 1: q 0.00" data-unit="short_one_1_0"');
});

it('more episodes than cells share cells, and none is lost', () => {
  const scores = Array.from({ length: 500 }, (_, i) => (i % 5) / 4);
  const page = heatMap(
    scores.map((q, i) => line('task', i, q, 100)),
    new Set(scores.map((_, i) => `task_${i}_0`)),
  );
  const counts = [...page.matchAll(/title="(\d+) episodes/g)].map(([, count]) => Number(count));
  expect(counts).toHaveLength(60);
  expect(counts.reduce((a, b) => a + b, 0)).toBe(500);
  const means = [...page.matchAll(/<i style="--q:([\d.]+)" title/g)].map(([, q]) => Number(q));
  expect(means).toEqual([...means].sort((a, b) => b - a));
  expect(page).toContain('mean q of 500 episodes">0.50');
});
