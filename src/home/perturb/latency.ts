import { atLevel, type Perturbation } from './perturbation.ts';

/** Actions reach the motors late; until the first one is there, the reset pose is held. */
export const latency: Perturbation = {
  axis: 'latency',
  about: 'every action is played so many control steps after it was sent',
  levels: ['2 steps late (67 ms)', '5 steps late (167 ms)', '10 steps late (333 ms)'],
  begin({ household, level, strike }) {
    const steps = atLevel(level, [2, 5, 10]);
    let way: Float32Array[] | undefined;
    return {
      proposed: { steps },
      command(action) {
        way ??= Array.from({ length: steps }, () => household.lastAction);
        way.push(action.slice());
        strike({ steps });
        return way.shift() as Float32Array;
      },
    };
  },
};
