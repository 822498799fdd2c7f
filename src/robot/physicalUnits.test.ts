import { expect, it } from 'vitest';
import { physicalUnits } from './physicalUnits.ts';
import { CHALLENGE_ROBOT } from './robots.ts';

it('shares of limits become physical units, others stay', () => {
  const units = Object.fromEntries(CHALLENGE_ROBOT.parts.map((part) => [part.name, physicalUnits(part)]));
  expect(units['base']).toEqual([
    { scale: 0.75, unit: 'm/s' },
    { scale: 0.75, unit: 'm/s' },
    { scale: 1, unit: 'rad/s' },
  ]);
  expect(units['torso']).toEqual(Array.from({ length: 4 }, () => ({ scale: 1, unit: 'rad' })));
  expect(physicalUnits({ unit: 'share of 1 m/s', columns: [0, 2] })).toEqual([
    { scale: 1, unit: 'share of 1 m/s' },
    { scale: 1, unit: 'share of 1 m/s' },
  ]);
});
