import { expect, it } from 'vitest';
import { ledgerLine } from '../../../test/support/evaluate.ts';
import { refuseHiddenChoice } from './comparable.ts';

it('two policies are not compared on hidden instances that both were played on', () => {
  const lines = (...instances: number[]) => instances.map((instance) => ledgerLine({ instance }));
  expect(() => refuseHiddenChoice(lines(0, 10_000), lines(0, 10_000))).toThrow(/instance 10000 .*--final/);
  expect(() => refuseHiddenChoice(lines(0, 10_000), lines(0, 1))).not.toThrow();
});
