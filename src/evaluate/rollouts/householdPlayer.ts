import { InputError, nearest, present } from '../../base/index.ts';
import { HOME_TASKS, HOUSEHOLD_ROBOT, homeTask, INSTANCE_RANGES } from '../../home/index.ts';
import type { LookPlan, RolloutPlayer, TaskLook } from '../../train/index.ts';
import { counted, readLedger } from '../ledger/index.ts';
import { requireFit } from './environment.ts';
import { evaluate } from './evaluate.ts';

/**
 * The first instance of looks while training. Demonstrations of a seed lie 100 millions apart and begin at the first of
 * them, corrections half-way: no data set reaches these.
 */
const FIRST_LOOK = INSTANCE_RANGES.train[0] + 49_000_000;

/** Plays train instances of the household, in a thread of their own beside the training. */
export const householdPlayer: RolloutPlayer = {
  async tasks(wanted, ofData, robot) {
    requireFit(robot, HOUSEHOLD_ROBOT);
    const known = HOME_TASKS.map(({ name }) => name);
    const both = known.filter((name) => ofData.includes(name));
    if (both.length === 0)
      throw new InputError('--rollouts', `the household has none of the data's tasks (${ofData.join(', ')}).`);
    if (wanted === 'all') return both;
    for (const name of wanted.map((one) => homeTask(one).name))
      if (!ofData.includes(name)) {
        const guess = nearest(name, both);
        throw new InputError(
          '--rollouts',
          `the data holds no ${name}. ${guess ? `Did you mean ${guess}?` : ''}`.trim(),
        );
      }
    return [...new Set(wanted)];
  },

  async play(checkpoint, plan, out, signal) {
    const summary = await evaluate({
      policy: { kind: 'checkpoint', folder: checkpoint },
      ...{ tasks: plan.tasks, instances: instancesOf(plan), out, seed: plan.seed, maxSteps: plan.maxSteps },
      ...{ workers: 1, record: false, silent: true, signal },
    });
    const lines = counted(await readLedger(out));
    return plan.tasks.map((task): TaskLook => {
      const own = lines.filter((line) => line.task === task).sort((a, b) => a.instance - b.instance);
      const { q, success, episodes } = present(summary.tasks[task], `the episodes of ${task}`);
      const [qs, instances] = [own.map((line) => line.q), own.map((line) => line.instance)];
      return { task, episodes, q, success, qs, instances, seeds: [plan.seed] };
    });
  },
};

const instancesOf = ({ episodes }: LookPlan): number[] => Array.from({ length: episodes }, (_, i) => FIRST_LOOK + i);
