import { describe, expect, it } from 'vitest';
import { createPolicy, createSession } from '../control/index.ts';
import { type Policy, robotNamed, stateOf } from '../robot/index.ts';
import { ArithmeticPlanner, fakeObservation, tryPolicy } from './index.ts';

const policyOf = (act: Policy['act']): Policy => ({ act, reset: async () => {}, close: async () => {} });

describe('ArithmeticPlanner', () => {
  it('plans by arithmetic for any robot, and keeps its requests', async () => {
    for (const name of ['single-arm', 'aloha', 'r1pro']) {
      const robot = robotNamed(name);
      const planner = new ArithmeticPlanner(robot, { growth: 0.5 });
      const { pictures, proprioception } = fakeObservation(robot, { imageSize: 8 });
      const state = stateOf(robot, proprioception);
      const [plan] = await planner.plan([{ taskId: 0, stage: 2, state, pictures, seed: '0' }]);
      expect(plan?.actions).toHaveLength(robot.horizon * robot.width);
      expect(plan?.actions.slice(3 * robot.width, 4 * robot.width)).toEqual(Float64Array.from(state, (x) => x + 1.5));
      expect(plan?.stageLogits.indexOf(1)).toBe(2);
      expect(planner.requests).toHaveLength(1);
    }
  });
});

describe('tryPolicy', () => {
  it('lets a session plan twice over the arithmetic planner', async () => {
    const robot = robotNamed('r1pro');
    const planner = new ArithmeticPlanner(robot);
    const actions = await tryPolicy(createPolicy({ planner, session: createSession() }), robot, { imageSize: 8 });
    expect(actions).toHaveLength(robot.horizon + 1);
    expect(planner.requests).toHaveLength(2);
  });

  it('names a wrong width and a number that is not finite', async () => {
    const robot = robotNamed('single-arm');
    await expect(
      tryPolicy(
        policyOf(async () => new Float32Array(6)),
        robot,
      ),
    ).rejects.toThrow('tryPolicy: step 0: 6 numbers (expected 7).');
    const broken = policyOf(async () => new Float32Array(7).fill(Number.NaN, 3));
    await expect(tryPolicy(broken, robot)).rejects.toThrow('tryPolicy: step 0: number 3 is NaN.');
  });
});
