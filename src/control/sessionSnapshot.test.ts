import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { observation } from '../../test/support/control.ts';
import { Random } from '../base/index.ts';
import type { Prediction } from '../robot/index.ts';
import { dropPlan, goOnFrom } from './dropPlan.ts';
import { RULE_NAMES } from './ruleSelection.ts';
import { createSession, type EpisodeSession } from './session.ts';
import type { SessionOptions } from './sessionOptions.ts';

/** A plan with everything in it, different for each number. */
function plan(number: number): Prediction {
  const random = Random.of('plan', number);
  return {
    actions: Float64Array.from({ length: 690 }, () => random.between(-1, 1)),
    horizon: 30,
    stageLogits: Float32Array.from({ length: 15 }, (_, i) => (i === number % 4 ? 1 : 0)),
  };
}

/** One control step as a server would drive it; the plan follows from what was asked. */
function step(session: EpisodeSession, i: number): unknown {
  const random = Random.of('step', i);
  if (i % 97 === 96) session.reset();
  const task = i % 61 < 40 ? 1 : 12;
  session.observe(observation({ task, arm: random.between(-0.1, 0.1), fingers: i % 37 === 0 ? 0 : 0.05 }));
  let asked: unknown;
  if (session.needsPlan()) {
    const { prefix, seed, stage, taskId } = session.planRequest();
    asked = { prefix: prefix && [...prefix.actions], seed, stage, taskId };
    session.accept(plan(Number(seed.split('/').at(-1)) + stage));
  }
  return { asked, action: [...session.next()], note: session.note, detail: session.detail };
}

it('a dropped plan is planned again without a prefix; the stage and its votes stay', () => {
  const session = createSession();
  for (let i = 0; i < 50; i++) {
    session.observe(observation({ task: 1 }));
    if (session.needsPlan()) session.accept({ ...plan(0), stageLogits: Float32Array.of(0, 1, 0) });
    session.next();
  }
  const { stage, history } = session.detail;
  expect([stage, session.needsPlan()]).toEqual([1, false]);
  dropPlan(session);
  expect(session.needsPlan()).toBe(true);
  expect(session.detail).toMatchObject({ taskId: 1, stage, history });
  session.observe(observation({ task: 1 }));
  expect(session.planRequest()).toMatchObject({ taskId: 1, stage });
  expect(session.planRequest().prefix).toBeUndefined();
});

it('an episode that somebody else brought to a later moment goes on in the stage that is told', () => {
  const session = createSession();
  goOnFrom(session, { taskId: 1, stage: 2 });
  expect(session.detail).toMatchObject({ taskId: 1, stage: 2, history: [], rows: 0 });
  session.observe(observation({ task: 1 }));
  expect(session.planRequest()).toMatchObject({ taskId: 1, stage: 2 });
  expect(session.planRequest().prefix).toBeUndefined();
});

describe('snapshot and restore', () => {
  it.each<[string, Partial<SessionOptions>]>([
    ['the defaults', {}],
    [
      'every rule and other settings',
      { rules: RULE_NAMES, executeActions: 12, executeSteps: 7, keepActions: 0, recovery: { rest: 5 } },
    ],
  ])('go on bit for bit in a new session, through JSON, with %s', (_, options) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 180 }), (cut) => {
        const one = createSession(options);
        for (let i = 0; i < cut; i++) step(one, i);
        const other = createSession(options);
        other.restore(JSON.parse(JSON.stringify(one.snapshot())));
        expect(other.detail).toEqual(one.detail);
        expect(other.note).toEqual(one.note);
        for (let i = cut; i < cut + 45; i++) expect(step(other, i)).toEqual(step(one, i));
        expect(other.snapshot()).toEqual(one.snapshot());
      }),
      { numRuns: 10 },
    );
  });

  it('go on between a plan and its first action', () => {
    const one = createSession();
    one.observe(observation({ task: 1, fingers: 0 }));
    one.accept(plan(1));
    const other = createSession();
    other.restore(one.snapshot());
    expect(other.next()).toEqual(one.next());
    expect(other.note).toEqual(one.note);
    expect(other.note).toMatchObject({ planned: true, rule: 'empty-gripper' });
  });

  it('refuse what is no snapshot, and leave the session as it was', () => {
    const session = createSession();
    step(session, 0);
    const before = session.snapshot();
    const damaged: [unknown, RegExp][] = [
      [undefined, /not a snapshot/],
      [{ ...before, version: 2 }, /version/],
      [{ ...before, served: -1 }, /served/],
      [{ ...before, taskId: 99 }, /task 99 at stage 0 is unknown/],
      [{ ...before, stage: 40 }, /stage 40 is unknown/],
      [{ ...before, plan: { ...before.plan, rows: 21 } }, /wrong size/],
      [{ ...before, past: Buffer.alloc(4 * 23).toString('base64') }, /not whole/],
      [{ ...before, extra: 1 }, /extra/],
    ];
    for (const [snapshot, message] of damaged) expect(() => session.restore(snapshot)).toThrow(message);
    expect(session.snapshot()).toEqual(before);
  });
});
