import { expect, it } from 'vitest';
import { ledgerLine } from '../../../test/support/evaluate.ts';
import { unitsOf } from '../ledger/index.ts';
import { Course, estimate, paceOfLines } from './course.ts';

const units = unitsOf(['turning_on_radio', 'picking_up_trash'], [0, 1, 2, 3]);

it('estimates by what was played, and says when it knows only the beginning', () => {
  expect(estimate(units, [], 2)).toBeUndefined();
  const begun = { task: 'turning_on_radio', seconds: 10, from: 'steps' } as const;
  expect(estimate(units, [begun], 2)).toBe('8 episodes to play: at most 40 s, when all last to their time-outs.');
  const lines = [ledgerLine({ seconds: 2 }), ledgerLine({ instance: 1, seconds: 4 })];
  expect(paceOfLines(lines)).toEqual([{ task: 'turning_on_radio', seconds: 3, from: 'episodes' }]);
  expect(estimate(units.slice(0, 6), paceOfLines(lines), 3)).toBe('6 episodes to play: about 6 s.');
  expect(estimate(units.slice(0, 1), paceOfLines(lines), 3)).toBe('1 episodes to play: about 3 s.');
});

it('tells of each task what is done, its score with the interval, and the time left', () => {
  let clock = 100;
  const lines = [0, 1].map((instance) => ledgerLine({ instance, seconds: 20, q: 0.5 }));
  const course = new Course(units, lines, () => clock);
  for (const line of lines) course.add(line);
  // Two episodes of 20 s within 20 s: two at a time.
  clock = 120;
  const [radio, trash] = course.report();
  expect(radio).toMatch(/^ {2}turning_on_radio 2\/4 · q 0\.50 \[0\.\d\d, \d\.\d\d\] · 20 s left$/);
  expect(trash).toBe('  picking_up_trash 0/4 · – left');
  lines.push(...[2, 3].map((instance) => ledgerLine({ instance })));
  expect(course.report()[0]).toMatch(/4\/4 · q .* · done$/);
});
