import { distance, SIDES, vectorAt } from '../world/index.ts';
import { looseObjects } from './objects.ts';
import { atLevel, eventStep, type Perturbation } from './perturbation.ts';

/** What is to be handled next is knocked away, before a hand has it. */
export const knock: Perturbation = {
  axis: 'knock',
  about: 'once, the loose object that is next is knocked away, unless a hand holds it',
  levels: ['0.4 m/s', '0.8 m/s', '1.5 m/s'],
  begin({ household, level, random, strike }) {
    const speed = atLevel(level, [0.4, 0.8, 1.5]);
    const from = eventStep(random, household);
    const towards = random.between(0, 2 * Math.PI);
    let done = false;
    return {
      proposed: { from, speed, towards: Number(towards.toFixed(3)) },
      before() {
        if (done || household.steps < from) return;
        const { target } = household.situation();
        const { views } = household.physics;
        const away = (body: number) => distance(vectorAt(views.xpos, body), target);
        const [next] = looseObjects(household).sort((a, b) => away(a.body) - away(b.body));
        if (!next || SIDES.some((side) => household.task.graspable[household.hands[side].held] === next.name)) return;
        const velocity = [speed * Math.cos(towards), speed * Math.sin(towards), 0.3 * speed];
        views.qvel.set(velocity, next.velocity);
        done = true;
        strike({ object: next.name, step: household.steps });
      },
    };
  },
};
