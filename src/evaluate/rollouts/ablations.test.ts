import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { INSTANCE_RANGES, openHousehold } from '../../home/index.ts';
import { CHALLENGE_ROBOT, type Planner, type PlanRequest } from '../../robot/index.ts';
import { ablated } from './ablations.ts';
import { NearestPolicy, rememberTask, shrunk } from './nearestPolicy.ts';

const { width, deltaMask } = CHALLENGE_ROBOT;

/** Answers one row: what it was told plus 1 where actions are relative, 7 elsewhere. Remembers what it was told. */
function fake() {
  const told: PlanRequest[] = [];
  const planner: Planner = {
    imageSize: 4,
    robot: CHALLENGE_ROBOT,
    plan: async (requests) => {
      told.push(...requests);
      return requests.map(({ state }) => ({
        actions: Float64Array.from({ length: width }, (_, i) => (deltaMask[i] ? state[i]! + 1 : 7)),
        horizon: 1,
        stageLogits: new Float32Array(15),
      }));
    },
    close: async () => {},
  };
  return { planner, told };
}

const request = (): PlanRequest => ({
  taskId: 0,
  stage: 3,
  state: Float32Array.from({ length: width }, (_, i) => i / 8),
  pictures: { head: { width: 1, height: 1, channels: 3, data: Uint8Array.of(9, 9, 9) } },
  prefix: { rows: 1, actions: Float64Array.from({ length: width }, (_, i) => i / 8 + 2) },
  seed: '0',
});
const means = { meanState: new Float32Array(width).fill(0.5), stageNow: () => 4 };

describe('what a network is kept from', () => {
  it('stateless: it is told the mean, and what it says stays relative to where the robot is', async () => {
    const { planner, told } = fake();
    const [answer] = await ablated(planner, 'stateless', means).plan([request()]);
    expect([...told[0]!.state].every((value) => value === 0.5)).toBe(true);
    for (let i = 0; i < width; i++) {
      expect(answer!.actions[i]).toBeCloseTo(deltaMask[i] ? i / 8 + 1 : 7, 6);
      // A promise two above the state is still two above what the network takes for the state.
      expect(told[0]!.prefix!.actions[i]).toBeCloseTo(deltaMask[i] ? 2.5 : i / 8 + 2, 6);
    }
  });

  it('memoryless, oracle-stage and blind change nothing but the stage and the pictures', async () => {
    for (const [ablation, change] of [
      ['memoryless', { stage: 0 }],
      ['oracle-stage', { stage: 4 }],
    ] as const) {
      const { planner, told } = fake();
      await ablated(planner, ablation, means).plan([request()]);
      expect(told[0]).toEqual({ ...request(), ...change });
    }
    const { planner, told } = fake();
    await ablated(planner, 'blind', means).plan([request()]);
    expect(Object.keys(told[0]!.pictures)).toEqual([...CHALLENGE_ROBOT.cameraNames]);
    for (const { data } of Object.values(told[0]!.pictures)) expect(data).toEqual(new Uint8Array(48));
  });
});

describe('the nearest demonstration', () => {
  it('shrinks a picture to means of its cells', () => {
    const data = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => (Math.floor(i / 3) % 2 === 0 ? 255 : 0));
    const small = shrunk({ width: 32, height: 32, channels: 3, data });
    expect(small).toHaveLength(16 * 16 * 3);
    expect([...small].every((value) => value === 0.5)).toBe(true);
  });

  it('does in a remembered scene what was done there', { timeout: 120_000 }, async () => {
    const task = 'turning_on_radio';
    const memory = await rememberTask(task, 3, 16);
    expect(memory.actions).toHaveLength(3);
    const household = await openHousehold(task, { imageSize: 16 });
    const policy = new NearestPolicy(memory, household);
    const random = Random.of('nearest', task);
    for (const rows of memory.actions) {
      household.reset(INSTANCE_RANGES.train[0] + random.integer(1_000_000));
      await policy.reset();
      for (let step = 0; step < 20; step++) {
        const action = await policy.act(household.observation());
        expect(policy.note.planned).toBe(step % 15 === 0);
        expect(action).toEqual(rows[step]);
        household.step(action);
      }
    }
    household.close();
  });
});
