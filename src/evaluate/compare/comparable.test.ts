import { expect, it } from 'vitest';
import { ledgerLine } from '../../../test/support/evaluate.ts';
import type { RunFile } from '../ledger/index.ts';
import { refuseHiddenChoice, requireSameSelection } from './comparable.ts';

it('two policies are not compared on hidden instances that both were played on', () => {
  const lines = (...instances: number[]) => instances.map((instance) => ledgerLine({ instance }));
  expect(() => refuseHiddenChoice(lines(0, 10_000), lines(0, 10_000))).toThrow(/instance 10000 .*--final/);
  expect(() => refuseHiddenChoice(lines(0, 10_000), lines(0, 1))).not.toThrow();
});

it('checkpoints that were chosen by different rules are not compared; how the looks came out does not matter', () => {
  const chosen = (folder: string, ...selections: string[]) => ({
    folder,
    run: { checkpoints: selections.map((selection) => ({ hash: folder, selection })) } as unknown as RunFile,
  });
  const highest = (course: string, looks = 5) =>
    chosen('b', `while training: highest q of ${looks} looks in rollouts of 4 train instances (step ${course})`);
  expect(() => requireSameSelection(highest('10: 0.2, 20: 0.4'), highest('10: 0.3, 20: none'))).not.toThrow();
  expect(() => requireSameSelection(highest('10: 0.2'), highest('10: 0.2', 50))).toThrow(
    /chosen by another rule .*50 looks.*5 looks.*--other-selection/,
  );
  expect(() => requireSameSelection(chosen('a', 'the last one'), highest('10: 0.2'))).toThrow(/the last one/);
  expect(() =>
    requireSameSelection(chosen('a', 'not stated; its training was at step 9'), highest('1: 0')),
  ).not.toThrow();
  expect(() => requireSameSelection(chosen('a'), highest('1: 0'))).not.toThrow();
  expect(() => requireSameSelection(chosen('a', 'x', 'y'), chosen('b', 'y', 'x'))).not.toThrow();
});
