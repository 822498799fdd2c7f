import { describe, expect, it } from 'vitest';
import { parseRollouts } from './rolloutsOption.ts';

describe('--rollouts', () => {
  it('is pairs of key and value', () => {
    expect(parseRollouts('every=500,tasks=turning_on_radio+picking_up_trash,episodes=5')).toEqual({
      every: 500,
      tasks: ['turning_on_radio', 'picking_up_trash'],
      episodes: 5,
      seed: 'look',
    });
    expect(parseRollouts('tasks=all,every=1,episodes=2,seed=7,max-steps=30')).toEqual({
      every: 1,
      tasks: 'all',
      episodes: 2,
      seed: '7',
      maxSteps: 30,
    });
  });

  it.each([
    ['evry=5,tasks=all,episodes=1', /Did you mean 'every'/],
    ['every=5,tasks=all', /needs episodes/],
    ['every=0,tasks=all,episodes=1', /every must be a whole number above 0/],
    ['every=5,every=6,tasks=all,episodes=1', /given twice/],
    ['every,tasks=all,episodes=1', /not of the form every=VALUE/],
  ])('refuses %s', (text, message) => {
    expect(() => parseRollouts(text)).toThrow(message);
  });
});
