import { describe, expect, it } from 'vitest';
import { goldenJson, goldenRow, goldenTensors, largestError, proprioceptionFrom25 } from '../../test/support/golden.ts';
import { CHALLENGE_ROBOT, type Picture, type PlanRequest, type Prediction } from '../robot/index.ts';
import { createPolicy } from './createPolicy.ts';
import { createSession } from './session.ts';

const BLACK: Picture = { width: 1, height: 1, channels: 3, data: new Uint8Array(3) };
const PICTURES: Record<string, Picture> = { head: BLACK, left_wrist: BLACK, right_wrist: BLACK };

interface Trace {
  settings: {
    actions_to_execute: number;
    actions_to_keep: number;
    execute_in_n_steps: number;
    history_len: number;
    votes_to_promote: number;
    apply_eval_tricks: boolean;
  };
  resets_before_step: number[];
  plans: {
    step: number;
    prompt: [number, number];
    has_prefix: boolean;
    prefix_rows: number | null;
    compressed: number;
    rule_fired: number;
    stage_asked: number;
    stage_after_rule: number | null;
    stage_after_vote: number;
    history_after: number[];
    buffer_rows: number;
  }[];
}

const traces = goldenJson<Record<string, Trace>>('executor/traces.json');
const tensors = await goldenTensors('executor/traces.safetensors');

describe('session', () => {
  it.each(Object.keys(traces))('replays the recorded trace "%s" of the original row by row', (name) => {
    const { settings, plans, resets_before_step } = traces[name]!;
    const t = (x: string) => tensors[`${name}.${x}`]!;
    const session = createSession({
      executeActions: settings.actions_to_execute,
      keepActions: settings.actions_to_keep,
      executeSteps: settings.execute_in_n_steps,
      historyLength: settings.history_len,
      votes: settings.votes_to_promote,
      rules: settings.apply_eval_tricks,
      gripperCheck: settings.apply_eval_tricks,
    });
    let plan = 0;
    let prefixes = 0;
    for (let step = 0; step < t('action').shape[0]!; step++) {
      if (resets_before_step.includes(step)) session.reset();
      const before = session.note;
      session.observe({
        proprioception: proprioceptionFrom25(goldenRow(t('proprio25'), step)),
        pictures: PICTURES,
        taskId: t('task_id').data[step]!,
      });
      expect([step, Number(session.needsPlan())]).toEqual([step, t('planned').data[step]]);
      const expected = plans[plan]!;
      if (session.needsPlan()) {
        const request = session.planRequest();
        expect([step, request.taskId, request.stage]).toEqual([expected.step, ...expected.prompt]);
        expect(request.prefix?.rows ?? null).toBe(expected.prefix_rows);
        if (request.prefix) {
          expect(largestError(request.prefix.actions, goldenRow(t('asked_prefix'), plan))).toBeLessThan(1e-6);
          prefixes++;
        }
        session.accept({
          actions: Float64Array.from(goldenRow(t('policy_actions'), plan)),
          horizon: 30,
          stageLogits: Float32Array.from(goldenRow(t('policy_logits'), plan)),
        });
        plan++;
      }
      const action = session.next();
      expect([step, largestError(action, goldenRow(t('action'), step))]).toEqual([step, expect.closeTo(0, 7)]);
      const { stage, served, rows, history } = session.detail;
      expect([step, stage, served]).toEqual([step, t('stage_after').data[step], t('buffer_index_after').data[step]]);
      if (session.note.planned) {
        expect([history, rows]).toEqual([expected.history_after, expected.buffer_rows]);
        expect(session.note).not.toBe(before);
        expect([session.note.compressed, session.note.stage]).toEqual([
          expected.compressed === 1,
          expected.stage_after_vote,
        ]);
        const { stage_asked: asked, stage_after_rule: after } = expected;
        const spoke = expected.rule_fired === 1 || (after !== null && after !== asked);
        expect([step, session.note.rule !== undefined]).toEqual([step, spoke]);
        expect(session.note.reason !== undefined).toBe(spoke);
      }
    }
    expect(plan).toBe(plans.length);
    expect(prefixes).toBe(plans.filter((p) => p.has_prefix).length);
  });
});

const still = (task: number, gripper = 0.025) => ({
  proprioception: proprioceptionFrom25(
    Float32Array.from({ length: 25 }, (_, i) => ([14, 15, 23, 24].includes(i) ? gripper : 0.1)),
  ),
  pictures: PICTURES,
  taskId: task,
});
/** A plan whose rows count up, so that a served row tells where it came from. */
const counting = (logits: number[] = [1]): Prediction => ({
  actions: Float64Array.from(
    { length: 30 * 23 },
    (_, i) => Math.floor(i / 23) * (i % 23 === 14 || i % 23 === 22 ? 0 : 0.01),
  ),
  horizon: 30,
  stageLogits: Float32Array.from({ length: 15 }, (_, i) => logits[i] ?? Number.NEGATIVE_INFINITY),
});
const step = (session: ReturnType<typeof createSession>, task: number) => {
  session.observe(still(task));
  if (session.needsPlan()) session.accept(counting());
  return session.next();
};

describe('session at its edges', () => {
  it('refuses an unknown task at once, and goes on with the one it had', () => {
    const session = createSession();
    step(session, 7);
    expect(() => session.observe(still(50))).toThrow(/unknown task id \(got 50, expected 0…49/);
    expect(() => session.observe(still(-2))).toThrow(/unknown task id/);
    expect(session.detail).toMatchObject({ taskId: 7, served: 1 });
    step(session, -1);
    expect(session.detail).toMatchObject({ taskId: 7, served: 2 });
  });

  it('serves far beyond 100 steps without a task id, without rules', () => {
    const session = createSession();
    for (let i = 0; i < 130; i++) {
      session.observe(still(-1, 0));
      if (session.needsPlan()) {
        expect(session.planRequest().taskId).toBe(-1);
        session.accept(counting([0, 1]));
      }
      session.next();
      expect(session.note.rule).toBeUndefined();
    }
    expect(session.detail).toMatchObject({ stage: 0, history: [] });
  });

  it('plays plans at their own speed when told to', () => {
    const session = createSession({ compress: false });
    const column = Array.from({ length: 20 }, () => step(session, 7)[5]!);
    expect(
      largestError(
        column,
        Array.from({ length: 20 }, (_, i) => i * 0.01),
      ),
    ).toBeLessThan(1e-7);
    const fast = createSession();
    const squeezed = Array.from({ length: 20 }, () => step(fast, 7)[5]!);
    expect(squeezed[19]).toBeCloseTo(0.25, 6);
  });

  it('opens an empty gripper in task 1, unless rules are off', () => {
    for (const rules of [true, false]) {
      const session = createSession({ rules });
      session.observe(still(1, 0));
      session.accept(counting());
      const action = session.next();
      expect([action[14], action[22], session.note.rule]).toEqual(rules ? [1, 1, 'empty-gripper'] : [0, 0, undefined]);
    }
  });

  it('gives every plan its own seed, the same in every run, and another after a reset', () => {
    const seeds = () => {
      const session = createSession({ seed: 's' });
      session.reset();
      session.reset();
      const list: string[] = [];
      for (let i = 0; i < 60; i++) {
        if (i === 41) session.reset();
        session.observe(still(7));
        if (session.needsPlan()) {
          list.push(session.planRequest().seed);
          session.accept(counting());
        }
        session.next();
      }
      return list;
    };
    expect(seeds()).toEqual(['s/0/0', 's/0/1', 's/0/2', 's/1/0']);
    expect(seeds()).toEqual(seeds());
  });

  it('says what was wrong with options, plans and order', () => {
    expect(() => createSession({ executeSteps: 0 })).toThrow(/executeSteps out of range \(got 0/);
    const session = createSession();
    expect(() => session.planRequest()).toThrow(/needs an observation/);
    expect(() => session.next()).toThrow(/no plan/);
    session.observe(still(7));
    const bad = counting();
    bad.actions[40] = Number.NaN;
    expect(() => session.accept(bad)).toThrow(/not finite/);
    expect(() => session.accept({ ...counting(), horizon: 29 })).toThrow(/wrong size/);
    expect(() =>
      createSession({ executeActions: 40 }).observe({ ...still(7), proprioception: new Float32Array(99) }),
    ).toThrow(/unknown length \(got 99/);
  });
});

describe('createPolicy', () => {
  it('asks the planner every 20 steps and passes on the kept rows', async () => {
    const asked: PlanRequest[] = [];
    const planner = {
      imageSize: 64,
      robot: CHALLENGE_ROBOT,
      plan: async (requests: readonly PlanRequest[]) => {
        asked.push(...requests);
        return requests.map(() => counting());
      },
      close: async () => {},
    };
    const policy = createPolicy({ planner, session: createSession() });
    await policy.reset();
    const planned: number[] = [];
    for (let i = 0; i < 45; i++) {
      expect((await policy.act(still(7))).length).toBe(23);
      if (policy.note!.planned) planned.push(i);
    }
    expect(planned).toEqual([0, 20, 40]);
    expect(asked.map((r) => r.prefix?.rows)).toEqual([undefined, 4, 4]);
    expect([...asked[1]!.prefix!.actions.subarray(5, 92)].filter((_, i) => i % 23 === 0)).toEqual([
      0.26, 0.27, 0.28, 0.29,
    ]);
    const both = [policy.act(still(7)), policy.act(still(7))];
    const results = await Promise.allSettled(both);
    expect(results.map((r) => r.status)).toContain('fulfilled');
  });

  it('is free again after a planner has failed', async () => {
    let fail = true;
    const planner = {
      imageSize: 64,
      robot: CHALLENGE_ROBOT,
      plan: async () => {
        if (fail) throw new Error('no plan today');
        return [counting()];
      },
      close: async () => {},
    };
    const policy = createPolicy({ planner, session: createSession() });
    await expect(policy.act(still(7))).rejects.toThrow('no plan today');
    fail = false;
    expect((await policy.act(still(7))).length).toBe(23);
  });
});
