import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { HOME_TASKS } from '../tasks/homeTasks.ts';
import { openHousehold } from '../tasks/openHousehold.ts';
import { BASE_SCALE } from '../world/controllers.ts';
import type { HomeTask } from '../world/index.ts';
import { instanceIds } from '../world/instances.ts';
import { createExpert } from './createExpert.ts';

/** Whether a stage may come after another within one step: a few stages on, by the task's own order. */
function mayFollow(task: HomeTask, from: number, to: number): boolean {
  const next = (stage: number) => task.stageSuccessors?.[stage] ?? (stage + 1 < task.numStages ? [stage + 1] : []);
  let reached = [from];
  for (let steps = 0; steps < 4; steps++) reached = [...new Set([...reached, ...reached.flatMap(next)])];
  return reached.includes(to);
}

/** Up to so many scenes of a task, fewer of a long one; each plays all of its stages. */
const scenes = ({ meanExpertSteps }: HomeTask, most: number): number =>
  Math.max(1, Math.min(most, Math.round((400 * most) / meanExpertSteps)));

describe.each(HOME_TASKS)('expert of $name', { timeout: 300_000 }, (task) => {
  it('reaches the goal in time, smoothly and slowly enough to be played 1.3 times faster, stage by stage', async () => {
    const household = await openHousehold(task.name);
    const expert = createExpert(household);
    for (const instance of instanceIds('train', scenes(task, 6), 300)) {
      household.reset(instance);
      let result = { done: false, success: false };
      let last = household.lastAction;
      let stage = 0;
      while (!result.done) {
        expect(mayFollow(household.task, stage, expert.stage), `${stage} → ${expert.stage}`).toBe(true);
        stage = expert.stage;
        const action = expert.act();
        expect(Math.hypot(action[0]!, action[1]!)).toBeLessThanOrEqual(BASE_SCALE[0] / 1.3 + 1e-6);
        for (let k = 0; k < 23; k++)
          expect(Math.abs(action[k]! - last[k]!)).toBeLessThan(k === 14 || k === 22 ? 0.16 : 0.08);
        last = action;
        result = household.step(action);
      }
      expect(result.success, `instance ${instance}`).toBe(true);
      expect(household.q()).toBe(1);
      expect(expert.done).toBe(true);
      const { numStages, stageSuccessors } = household.task;
      if (stageSuccessors) expect(stageSuccessors[expert.stage]).toEqual([]);
      else expect(expert.stage).toBe(numStages - 1);
      expect(household.steps).toBeLessThan(1.6 * household.task.meanExpertSteps);
    }
    expert.close();
    household.close();
  });

  it('takes over where somebody else has gone astray', async () => {
    const household = await openHousehold(task.name);
    const expert = createExpert(household);
    for (const instance of instanceIds('train', scenes(task, 3), 400)) {
      const random = Random.of('astray', instance);
      household.reset(instance);
      while (household.steps < 0.3 * household.task.meanExpertSteps) household.step(expert.act());
      const offset = Array.from(
        { length: 23 },
        (_, k) => (k < 3 ? 0.3 : k >= 15 && k < 22 ? 0.12 : 0) * random.normal(),
      );
      for (let i = 0; i < 25; i++) {
        const action = household.lastAction.map((value, k) => (k < 3 ? 0 : value));
        action[22] = -1;
        household.step(action, offset);
      }
      let result = { done: false, success: false };
      while (!result.done) result = household.step(expert.act());
      expect(result.success, `instance ${instance}`).toBe(true);
    }
    expert.close();
    household.close();
  });
});
