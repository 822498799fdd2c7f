import { expect, it } from 'vitest';
import { ledgerLine } from '../../../test/support/evaluate.ts';
import { pairLedgers } from './pairs.ts';
import { testInOrder } from './sequentially.ts';

const ledger = (task: string, scores: readonly number[]) =>
  scores.map((q, instance) => ledgerLine({ task, instance, q }));
const [radio, trash] = ['turning_on_radio', 'picking_up_trash'];
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

it('counts the instances that every task has, in the order given, until it is decided', () => {
  const worse = [...ledger(radio!, new Array(20).fill(0)), ...ledger(trash!, new Array(15).fill(0))];
  const better = [...ledger(radio!, new Array(20).fill(1)), ...ledger(trash!, new Array(15).fill(1))];
  const { tasks } = pairLedgers(worse, better);
  expect(testInOrder(tasks, [radio!, trash!], range(20))).toMatchObject({ verdict: 'b', instances: 8 });
  expect(testInOrder(tasks, [radio!, trash!], [19, 18, 17, 0, 1])).toMatchObject({ verdict: null, instances: 2 });
  const { tasks: back } = pairLedgers(better, worse);
  expect(testInOrder(back, [radio!], range(20))).toMatchObject({ verdict: 'a', instances: 8 });
});
