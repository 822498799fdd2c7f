import { SESSION_DEFAULTS } from '../src/control/index.ts';
import { createExpert, type Household, openHousehold } from '../src/home/index.ts';
import { CHALLENGE_ROBOT } from '../src/robot/index.ts';
import { type Benchmark, type BenchRow, row } from './row.ts';

const INSTANCE = 1_000_000;
const WARM_UP = 300;
const STEPS = 600;

/** A control step of the embedded household, played by the built-in expert. One thread. */
export const simulator: Benchmark = {
  summary: 'control steps of the household, with and without its three cameras',
  async run(): Promise<BenchRow[]> {
    const household = await openHousehold('turning_on_radio');
    try {
      /** Milliseconds a step. @param every the cameras are drawn in every n-th step */
      const measure = (every?: number): number => {
        const start = performance.now();
        play(household, STEPS, every);
        return (performance.now() - start) / STEPS;
      };
      play(household, WARM_UP, 1); // the first steps run before the compiler has caught up
      const blind = measure();
      const seeing = measure(1);
      const planning = measure(SESSION_DEFAULTS.executeSteps);
      const realTime = 1000 / CHALLENGE_ROBOT.rate;
      return [
        row('control step, physics and expert', blind, 'ms'),
        row('control step with three 64x64 cameras', seeing, 'ms'),
        row('control steps per second', 1000 / blind, '1/s'),
        row('control steps per second with cameras', 1000 / seeing, '1/s'),
        row('times faster than the robot', realTime / blind, '1'),
        row('times faster than the robot, three 64x64 cameras at every step', realTime / seeing, '1'),
        row("times faster than the robot, three 64x64 cameras at a policy's plans", realTime / planning, '1'),
      ];
    } finally {
      household.close();
    }
  },
};

/** Plays the expert for `steps` control steps, beginning anew when it is done. Without `every` nobody looks. */
function play(household: Household, steps: number, every = 0): void {
  let expert = begin(household);
  for (let step = 0; step < steps; step++) {
    if (every > 0) household.observe({ cameras: step % every === 0 });
    const { done } = household.step(expert.act());
    if (done || expert.done) expert = begin(household);
  }
}

function begin(household: Household) {
  household.reset(INSTANCE);
  return createExpert(household);
}
