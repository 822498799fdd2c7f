import { expect, it } from 'vitest';
import { openHousehold } from '../tasks/openHousehold.ts';
import { timeLimit } from './timeLimit.ts';

it('a time-out is int(2 × mean) in 2025 and int(1.5 × mean) in 2026; an episode ends there', async () => {
  expect([timeLimit({ meanExpertSteps: 115 }, '2025'), timeLimit({ meanExpertSteps: 115 }, '2026')]).toEqual([
    230, 172,
  ]);
  const household = await openHousehold('turning_on_radio', { imageSize: 8, edition: '2026' });
  household.reset(0);
  let done = false;
  while (!done) done = household.step(household.lastAction).done;
  expect(household.steps).toBe(timeLimit(household.task, '2026'));
  household.close();
});
