import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { observation, planOf } from '../../test/support/control.ts';
import { CHALLENGE_ROBOT } from '../robot/index.ts';
import { type Moment, RECOVERY_DEFAULTS, recover, retrace } from './recovery.ts';
import { namesOn, parseRules, RULE_NAMES } from './ruleSelection.ts';
import { createSession } from './session.ts';

const [LEFT, RIGHT] = CHALLENGE_ROBOT.gripperColumns as [number, number];
/** `count` steps; `change` writes into step i's measured state and given action. */
const past = (
  count: number,
  change: (i: number, state: Float32Array, action: Float32Array) => void = () => {},
): Moment[] =>
  Array.from({ length: count }, (_, i) => {
    const [state, action] = [new Float32Array(23), new Float32Array(23)];
    for (const gripper of [LEFT, RIGHT]) [state[gripper], action[gripper]] = [1, 1];
    change(i, state, action);
    return { state, action };
  });
const now = (moments: readonly Moment[], change: (state: Float32Array) => void = () => {}) => {
  const state = Float32Array.from(moments.at(-1)!.state);
  change(state);
  return state;
};
const { missedGrasp, blocked, stalled, strayed } = RECOVERY_DEFAULTS;
const seen = (moments: Moment[], state: Float32Array, task = 1, stage = 0) =>
  recover({ task, stage, past: moments, state });

describe('recover', () => {
  /** The right hand closes over the last steps, to `width` at the end; the base drives, so that nothing stalls. */
  const closing = (end: number) => {
    const moments = past(40, (i, state, action) => {
      state[0] = 0.3;
      if (i >= 30) [state[RIGHT], action[RIGHT]] = [1 - (i - 29) * 0.15, -1];
    });
    return [moments, now(moments, (state) => void (state[RIGHT] = end))] as const;
  };

  it('sees a gripper that closed on nothing, and one that closed on something', () => {
    const missed = seen(...closing(-1))!;
    expect(missed).toMatchObject({
      rule: 'missed-grasp',
      open: [RIGHT],
      reason: 'the right gripper closed on nothing',
    });
    expect(missed.rows).toBe(Math.ceil(40 / missedGrasp.stride));
    for (let row = 0; row < missed.rows; row++)
      expect([missed.actions[row * 23 + LEFT], missed.actions[row * 23 + RIGHT]]).toEqual([1, 1]);
    expect(seen(...closing(0.3))).toBeUndefined();
    // Where the table says that the hand may be empty: the radio from stage 2 on.
    expect(seen(...closing(-1), 0, 1)?.rule).toBe('missed-grasp');
    expect(seen(...closing(-1), 0, 2)).toBeUndefined();
  });

  it('does not call a gripper that never was open a missed grasp', () => {
    const moments = past(40, (_, state, action) => {
      state[0] = 0.3;
      [state[RIGHT], action[RIGHT]] = [-1, -1];
    });
    expect(seen(moments, now(moments))).toBeUndefined();
  });

  it('sees a joint that is held up, not one that lags or has arrived', () => {
    const pushing = (gap: number, speed: number) =>
      past(20, (i, state, action) => {
        state[0] = 0.3;
        state[9] = i * speed;
        action[9] = state[9]! + gap;
      });
    const held = pushing(blocked.jointGap * 2, 0);
    expect(seen(held, now(held))).toMatchObject({
      rule: 'blocked-approach',
      reason: expect.stringMatching(/joint 3 of the leftArm/),
    });
    const lagging = pushing(blocked.jointGap * 2, 0.02);
    expect(seen(lagging, now(lagging))).toBeUndefined();
    const arrived = pushing(0.01, 0);
    expect(seen(arrived, now(arrived))).toBeUndefined();
  });

  it('sees a base that is told to go and stands', () => {
    const pushing = (speed: number) => past(20, (_, state, action) => void ([state[1], action[1]] = [speed, -0.6]));
    expect(seen(pushing(0), now(pushing(0)))?.reason).toMatch(/base was told to go \(-0.60 along axis 1\)/);
    expect(seen(pushing(-0.4), now(pushing(-0.4)))).toBeUndefined();
  });

  it('sees a robot that gets nowhere, however its arm dithers', () => {
    const dither = (drive: number, grip = 1) =>
      past(stalled.window, (i, state, action) => {
        state[0] = drive;
        state[9] = action[9] = 0.3 * Math.sin(i / 5);
        if (i === 50) action[RIGHT] = grip;
      });
    expect(seen(dither(0), now(dither(0)))?.rule).toBe('stalled-approach');
    expect(seen(dither(0.1), now(dither(0.1)))).toBeUndefined();
    expect(seen(dither(0, -1), now(dither(0, -1)))).toBeUndefined();
  });

  it('sees a robot that drifts away from its work, not one that drives somewhere or works', () => {
    const drift = (speed: (i: number) => number, grip = 1, steps = strayed.window) =>
      past(steps, (i, state, action) => {
        state[1] = action[1] = speed(i);
        if (i === 50) action[RIGHT] = grip;
      });
    const away = drift(() => 0.2);
    const found = seen(away, now(away))!;
    expect(found).toMatchObject({ rule: 'strayed', open: [], reason: expect.stringMatching(/drifted 1\.00 m in 150/) });
    expect(found.rows).toBe(strayed.window / strayed.stride);
    const back = Array.from({ length: found.rows }, (_, row) => found.actions[row * 23 + 1]!);
    expect(back.reduce((a, b) => a + b, 0)).toBeCloseTo(-0.2 * strayed.window, 4);
    const rule = (moments: Moment[]) => seen(moments, now(moments))?.rule;
    expect(rule(drift(() => 0.2, -1))).toBeUndefined(); // it grasped on the way
    expect(rule(drift((i) => (i < 60 ? 0.6 : 0.1)))).toBeUndefined(); // it drove somewhere
    expect(rule(drift((i) => (i < 75 ? 0.2 : -0.2)))).not.toBe('strayed'); // to and fro
    expect(rule(drift(() => 0.2, 1, strayed.window - 1))).toBeUndefined(); // too early to say
  });

  it('says nothing when its rules are off', () => {
    const [moments, state] = closing(-1);
    expect(recover({ task: 1, stage: 0, past: moments, state }, { rules: [] })).toBeUndefined();
  });
});

describe('retrace', () => {
  it('goes back over poses that the robot has been in, and never beyond', () => {
    const number = fc.float({ min: -2, max: 2, noNaN: true });
    const moments = fc.array(
      fc.record({
        state: fc.array(number, { minLength: 23, maxLength: 23 }),
        action: fc.array(number, { minLength: 23, maxLength: 23 }),
      }),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(moments, fc.integer({ min: 1, max: 7 }), (steps, stride) => {
        const rows = retrace(steps, stride, [RIGHT], CHALLENGE_ROBOT);
        expect(rows.length / 23).toBe(Math.ceil(steps.length / stride));
        for (let row = 0; row < rows.length / 23; row++) {
          const from = steps[Math.max(0, steps.length - (row + 1) * stride)]!.state;
          for (let d = 3; d < 23; d++) if (d !== LEFT && d !== RIGHT) expect(rows[row * 23 + d]).toBe(from[d]);
          for (let d = 0; d < 3; d++) expect(Math.abs(rows[row * 23 + d]!)).toBeLessThanOrEqual(1);
          expect([rows[row * 23 + LEFT], rows[row * 23 + RIGHT]]).toEqual([steps.at(-1)!.action[LEFT], 1]);
        }
        // The last row is the oldest pose.
        for (let d = 3; d < 14; d++) expect(rows[rows.length - 23 + d]).toBe(steps[0]!.state[d]);
      }),
      { numRuns: 50 },
    );
  });

  it("undoes the base's way", () => {
    const steps = past(10, (i, _state, action) => void (action[0] = i < 4 ? 0.2 : 0));
    const rows = retrace(steps, 2, [], CHALLENGE_ROBOT);
    const sum = Array.from({ length: 5 }, (_, row) => rows[row * 23]!).reduce((a, b) => a + b, 0);
    expect(sum).toBeCloseTo(-0.8, 6);
  });
});

describe('rules by name', () => {
  it('are chosen on the command line as in a program', () => {
    expect(namesOn(parseRules('original'))).toEqual(['turning-on-radio', 'empty-gripper']);
    expect(namesOn(parseRules('none'))).toEqual([]);
    expect(namesOn(parseRules('all'))).toEqual(RULE_NAMES);
    expect(namesOn(parseRules('missed-grasp, empty-gripper'))).toEqual(['empty-gripper', 'missed-grasp']);
    expect(namesOn(parseRules('+missed-grasp,-empty-gripper'))).toEqual(['turning-on-radio', 'missed-grasp']);
    expect(namesOn({ disable: ['turning-on-radio'] })).toEqual(['empty-gripper']);
    expect(() => parseRules('+missed-grasp,empty-gripper')).toThrow(/either a list of names or only/);
    expect(() => namesOn({ disable: ['emptygripper'] })).toThrow(/no rule "emptygripper".*Did you mean empty-gripper/);
  });
});

describe('a session with recovery', () => {
  const zeros = planOf(() => 0);
  /** A robot that stands and holds its open hands: it stalls, whatever the plan. */
  const stand = (rules: Parameters<typeof createSession>[0], steps = 400) => {
    const session = createSession(rules);
    const notes: { step: number; rule: string; planned: boolean; reason: string }[] = [];
    const prefixes: boolean[] = [];
    for (let step = 0; step < steps; step++) {
      session.observe(observation({ task: 1 }));
      if (session.needsPlan()) {
        prefixes.push(session.planRequest().prefix !== undefined);
        session.accept(zeros);
      }
      session.next();
      const { rule, planned, reason } = session.note;
      if (rule !== undefined) notes.push({ step, rule, planned, reason: reason! });
    }
    return { notes, prefixes, session };
  };

  it('answers, rests, answers again up to the limit, and plans afresh afterwards', () => {
    const { notes, prefixes } = stand({ rules: { enable: ['stalled-approach'] }, recovery: { limit: 2 } }, 600);
    const rows = stalled.window / stalled.stride;
    expect(notes).toEqual(
      [stalled.window, 2 * stalled.window + rows].map((step) => ({
        step,
        rule: 'stalled-approach',
        planned: false,
        reason: `neither base nor gripper got anywhere in ${stalled.window} steps`,
      })),
    );
    expect(prefixes.filter((kept) => !kept).length).toBe(3);
  });

  it('is off unless it is asked for, without a task, and after its limit', () => {
    expect(stand({}).notes).toEqual([]);
    expect(stand({ rules: { enable: ['stalled-approach'] }, recovery: { limit: 0 } }).notes).toEqual([]);
    const session = createSession({ rules: RULE_NAMES });
    for (let step = 0; step < 200; step++) {
      session.observe(observation({ task: -1 }));
      if (session.needsPlan()) session.accept(zeros);
      session.next();
      expect(session.note.rule).toBeUndefined();
    }
  });

  it('does not take one look before several actions for a robot that stands', () => {
    const session = createSession({ rules: ['blocked-approach'] });
    const pushing = planOf((d) => (d === 9 ? 1 : 0));
    for (let look = 0; look < 9; look++) {
      session.observe(observation({ task: 1, arm: look * 0.02 }));
      for (let k = 0; k < 20; k++) {
        if (session.needsPlan()) session.accept(pushing);
        session.next();
        expect(session.note.rule).toBeUndefined();
      }
    }
  });
});
