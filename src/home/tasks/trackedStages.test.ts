import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { SESSION_DEFAULTS, type StageState, voteOnStage } from '../../control/index.ts';
import { createExpert } from '../expert/index.ts';
import { type HomeTask, Household, instanceIds } from '../world/index.ts';
import { HOME_TASKS } from './homeTasks.ts';

const { executeSteps, historyLength, votes } = SESSION_DEFAULTS;

/** The stages of episodes of the expert, step by step, up to a step. `before` may change a scene. */
async function trueStages(
  task: HomeTask,
  instances: readonly number[],
  { before = () => {}, until = Number.POSITIVE_INFINITY }: { before?: (room: Household) => void; until?: number } = {},
): Promise<number[][]> {
  const room = await Household.create(task);
  const expert = createExpert(room);
  const episodes = instances.map((instance) => {
    room.reset(instance);
    before(room);
    const stages: number[] = [];
    for (let done = false; !done && room.steps <= until; ) {
      stages.push(expert.stage);
      done = room.step(expert.act()).done;
    }
    return stages;
  });
  expert.close();
  room.close();
  return episodes;
}

/**
 * What the tracker makes of an episode when each plan's vote is the true stage, or with a probability any other one.
 * @returns its stage at every step
 */
function tracked(task: HomeTask, stages: readonly number[], wrong: number, random: Random): number[] {
  let state: StageState = { stage: 0, history: [] };
  return stages.map((stage, step) => {
    if (step % executeSteps === 0) {
      const other = (stage + 1 + random.integer(task.numStages - 1)) % task.numStages;
      const vote = random.uniform() < wrong ? other : stage;
      const logits = Array.from({ length: task.numStages }, (_, s) => (s === vote ? 5 : 0));
      state = voteOnStage(state, logits, task.numStages, {
        historyLength,
        votes,
        successors: task.stageSuccessors,
      });
    }
    return state.stage;
  });
}

/** Of the steps of a stage that began four plans ago or earlier, the share in which the tracker is there too. */
function followed(stages: readonly number[], told: readonly number[]): number {
  const late = 4 * executeSteps;
  const checked = stages.flatMap((stage, step) =>
    step >= late && stages.slice(step - late, step + 1).every((one) => one === stage) ? [told[step] === stage] : [],
  );
  return checked.filter(Boolean).length / checked.length;
}

const branching = HOME_TASKS.filter(({ stageSuccessors }) => stageSuccessors);

describe.each(branching.map((task) => [task.name, task] as const))('the stages of %s', (_, task) => {
  it('are followed by the tracker from their successors alone, most of the time also with wrong votes', async () => {
    const episodes = await trueStages(task, instanceIds('train', 8, 700));
    for (const stages of episodes) expect(followed(stages, tracked(task, stages, 0, Random.of('none')))).toBe(1);
    const shares = episodes.flatMap((stages, i) =>
      Array.from({ length: 12 }, (_, seed) => seed).map((seed) =>
        followed(stages, tracked(task, stages, 0.2, Random.of('votes', i, seed))),
      ),
    );
    expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeGreaterThan(0.9);
  });
});

it('the tracked stage carries every order through the dark, where a plain line of stages would not', async () => {
  const task = HOME_TASKS.find(({ name }) => name === 'repeating_shown_order')!;
  const orders = [0, 1, 2].flatMap((first) => [0, 1, 2].filter((b) => b !== first).map((second) => [first, second]));
  const turn = 241; // all is dark, and the robot begins to move
  const { stageSuccessors: _, ...line } = task;
  let [right, onLine] = [0, 0];
  for (const [i, order] of orders.entries()) {
    const before = ({ runtime }: Household) => Object.assign(runtime, { order });
    const [stages] = (await trueStages(task, instanceIds('train', 1, 800 + i), { before, until: turn })) as [number[]];
    expect(stages[turn]).toBe(4 + i);
    expect(tracked(task, stages, 0, Random.of('none'))[turn]).toBe(4 + i);
    if (tracked(line, stages, 0, Random.of('none'))[turn] === 4 + i) onLine++;
    for (let seed = 0; seed < 100; seed++)
      if (tracked(task, stages, 0.2, Random.of('order', i, seed))[turn] === 4 + i) right++;
  }
  expect(right / (100 * orders.length)).toBeGreaterThan(0.9);
  expect(onLine).toBeLessThan(orders.length / 2);
});
