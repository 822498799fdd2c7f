import { BASE_JOINTS } from '../world/index.ts';
import { atLevel, eventStep, type Perturbation } from './perturbation.ts';

/** Control steps for which somebody pushes. */
const STEPS = 10;

/** Somebody pushes the robot: a force on its base, against which its motors work. */
export const push: Perturbation = {
  axis: 'push',
  about: 'once, a force of a third of a second pushes and turns the base, stronger than its motors (400 N, 150 Nm)',
  levels: ['550 N, 160 Nm', '750 N, 180 Nm', '1100 N, 210 Nm'],
  begin({ household, level, random, strike }) {
    const newtons = atLevel(level, [550, 750, 1100]);
    const torque = atLevel(level, [160, 180, 210]) * (random.uniform() < 0.5 ? -1 : 1);
    const from = eventStep(random, household);
    const towards = random.between(0, 2 * Math.PI);
    const force = [newtons * Math.cos(towards), newtons * Math.sin(towards), torque];
    const addresses = BASE_JOINTS.map((name) => household.physics.velocityAddress(name));
    const apply = (factor: number) => {
      const { appliedForce } = household.physics.views;
      for (const [k, at] of addresses.entries()) appliedForce[at] = factor * (force[k] as number);
    };
    return {
      proposed: { from, newtons, towards: Number(towards.toFixed(3)), torque },
      before() {
        if (household.steps < from || household.steps >= from + STEPS) return;
        apply(1);
        strike({ from });
      },
      after: () => apply(0),
    };
  },
};
