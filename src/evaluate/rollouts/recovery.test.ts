import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPolicy, createSession, type RulesOption } from '../../control/index.ts';
import type { Household } from '../../home/index.ts';
import { openHousehold } from '../../home/tasks/openHousehold.ts';
import { CHALLENGE_ROBOT, type PlanRequest, type Prediction, stateOf } from '../../robot/index.ts';
import { runEpisode } from './episode.ts';
import { RolloutRecorder, type StepLine } from './rolloutRecorder.ts';

/** Plans that hold the robot where it is and close its right hand, on nothing. */
const closing = {
  imageSize: 16,
  robot: CHALLENGE_ROBOT,
  plan: async (requests: readonly PlanRequest[]): Promise<Prediction[]> =>
    requests.map(({ state }) => {
      const row = Float64Array.from(state);
      row.fill(0, 0, 3);
      row[22] = -1;
      return {
        actions: Float64Array.from({ length: 30 * 23 }, (_, i) => row[i % 23]!),
        horizon: 30,
        stageLogits: Float32Array.from({ length: 15 }, (_, i) => -i),
      };
    }),
  close: async () => {},
};

describe('rules of System 2 in the household', () => {
  let household: Household;
  let folder: string;
  beforeAll(async () => {
    household = await openHousehold('picking_up_trash', { imageSize: 16 });
    folder = await mkdtemp(join(tmpdir(), 'valet-rules-'));
  });
  afterAll(async () => {
    household.close();
    await rm(folder, { recursive: true });
  });

  const play = async (name: string, rules: RulesOption) => {
    const recorder = new RolloutRecorder(household);
    const policy = createPolicy({ planner: closing, session: createSession({ rules }) });
    await runEpisode({ environment: household, policy, instance: 1_000_003, maxSteps: 60, recorders: [recorder] });
    await recorder.write(join(folder, name));
    const text = await readFile(join(folder, name, 'steps.jsonl'), 'utf8');
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as StepLine);
  };

  it('a missed grasp is seen within a second, answered by opening the hand, and recorded with its reason', async () => {
    const lines = await play('missed', { enable: ['missed-grasp'] });
    const first = lines.find((line) => line.rule !== undefined);
    expect(first).toMatchObject({ rule: 'missed-grasp', reason: 'the right gripper closed on nothing' });
    expect(first!.planned).toBeUndefined();
    expect(first!.step).toBeLessThan(30);
    expect(first!.action[22]).toBe(1);
    expect(lines.filter((line) => line.rule === 'missed-grasp').length).toBe(1);
  });

  it("the original's rule waits for the next plan; without rules the hand stays closed", async () => {
    const original = await play('original', true);
    const fired = original.filter((line) => line.rule !== undefined);
    expect(fired[0]).toMatchObject({ rule: 'empty-gripper', planned: true, step: 21 });
    const none = await play('none', false);
    expect(none.some((line) => line.rule !== undefined || line.reason !== undefined)).toBe(false);
    expect(stateOf(CHALLENGE_ROBOT, household.observe({ cameras: false }).proprioception)[22]).toBeLessThan(-0.98);
  });
});
