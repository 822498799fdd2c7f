import { atLevel, eventStep, type Perturbation } from './perturbation.ts';

/** For a while no new action arrives: the last one is played again and again, its velocities too. */
export const heldActions: Perturbation = {
  axis: 'held-actions',
  about: 'once, no new action arrives for a while: the robot goes on with the last one, its base velocity too',
  levels: ['10 steps (0.3 s)', '20 steps (0.7 s)', '40 steps (1.3 s)'],
  begin({ household, level, random, strike }) {
    const steps = atLevel(level, [10, 20, 40]);
    const from = Math.max(1, eventStep(random, household));
    let held: Float32Array | undefined;
    return {
      proposed: { from, steps },
      command(action) {
        if (household.steps < from || household.steps >= from + steps) return action;
        if (household.steps === from) held = household.lastAction;
        strike({ from });
        return held ?? action;
      },
    };
  },
};
