import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { observation, planOf } from '../../test/support/control.ts';
import { Random } from '../base/index.ts';
import type { Prediction } from '../robot/index.ts';
import { createSession } from './session.ts';
import type { SessionOptions } from './sessionOptions.ts';

const plan = (number: number): Prediction => {
  const random = Random.of('plan', number);
  return {
    actions: Float64Array.from({ length: 690 }, () => random.between(-1, 1)),
    horizon: 30,
    stageLogits: Float32Array.from({ length: 15 }, (_, i) => (i === number % 5 ? 1 : 0)),
  };
};

describe('a session, for any settings', () => {
  const settings = fc.record({
    executeActions: fc.integer({ min: 1, max: 30 }),
    executeSteps: fc.integer({ min: 1, max: 30 }),
    keepActions: fc.integer({ min: 0, max: 30 }),
    gripperCheck: fc.boolean(),
    compress: fc.boolean(),
  });

  it('plans every executeSteps steps and keeps the rows after those that it used', () => {
    fc.assert(
      fc.property(settings, (options) => {
        const session = createSession(options);
        let last: Prediction | undefined;
        for (let step = 0, plans = 0; step < 4 * options.executeSteps; step++) {
          session.observe(observation({ task: 12 }));
          expect(session.needsPlan()).toBe(step % options.executeSteps === 0);
          if (session.needsPlan()) {
            const { prefix } = session.planRequest();
            if (last) {
              const used = session.note.compressed ? options.executeActions : options.executeSteps;
              const rows = Math.max(0, Math.min(options.keepActions, 30 - used));
              expect(prefix).toEqual({ rows, actions: last.actions.slice(used * 23, (used + rows) * 23) });
            } else expect(prefix).toBeUndefined();
            session.accept((last = plan(plans++)));
          }
          const action = session.next();
          const row = step % options.executeSteps;
          if (!session.note.compressed)
            expect(action).toEqual(Float32Array.from(last!.actions.subarray(row * 23, (row + 1) * 23)));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('acts alike on 256 and on 61 numbers', () => {
    const [long, short] = [createSession(), createSession()];
    for (let step = 0; step < 130; step++) {
      const senses = { task: 1, arm: Math.sin(step), fingers: step % 50 < 20 ? 0 : 0.05 };
      const actions = [256, 61].map((length, i) => {
        const session = [long, short][i]!;
        session.observe(observation({ ...senses, length }));
        if (session.needsPlan()) session.accept(plan(step));
        return session.next();
      });
      expect(actions[1]).toEqual(actions[0]);
      expect(short.note).toEqual(long.note);
    }
  });

  it("raises the base's commands by its own factor", () => {
    const first = (options: Partial<SessionOptions>) => {
      const session = createSession(options);
      session.observe(observation({ task: 12 }));
      session.accept(planOf((d) => (d < 3 ? 0.5 : 0)));
      return session.next()[0];
    };
    expect(first({})).toBeCloseTo(0.65, 6);
    expect(first({ executeSteps: 13 })).toBeCloseTo(1, 6);
    expect(first({ baseFactor: 1 })).toBeCloseTo(0.5, 6);
  });

  it('says which option cannot work', () => {
    const wrong: [Partial<SessionOptions>, RegExp][] = [
      [{ executeActions: 0 }, /executeActions out of range \(got 0, expected an integer of at least 1/],
      [{ executeSteps: 1.5 }, /executeSteps/],
      [{ keepActions: -1 }, /keepActions/],
      [{ historyLength: 0 }, /historyLength/],
      [{ votes: Number.NaN }, /votes/],
      [{ baseFactor: Number.POSITIVE_INFINITY }, /baseFactor/],
      [{ gripperChange: -0.1 }, /gripperChange/],
      [{ taskNumStages: [5, 0] }, /taskNumStages\[1\] out of range \(got 0/],
      [{ stageSuccessors: { 0: [[1], []] } }, /stageSuccessors of task 0: the number of stages .* is 2 \(expected 5/],
      [{ stageSuccessors: { 77: [[]] } }, /names task 77, which the table of stages lacks \(it has 0…49/],
      [{ recovery: { memory: 0 } }, /recovery.memory/],
      [{ rules: ['emptygripper'] }, /Did you mean empty-gripper/],
    ];
    for (const [options, message] of wrong) expect(() => createSession(options)).toThrow(message);
    const tooLong = createSession({ executeActions: 31 });
    tooLong.observe(observation());
    expect(() => tooLong.accept(plan(0))).toThrow(/too short \(got 30 rows, expected at least 31: 31 to execute in 20/);
    expect(tooLong.needsPlan()).toBe(true);
  });

  it('goes along the successors of a task’s stages where they are told', () => {
    const session = createSession({ taskNumStages: [5], stageSuccessors: { 0: [[3], [], [], [1], []] }, rules: false });
    const stages: number[] = [];
    for (let step = 0; step < 300; step++) {
      session.observe(observation({ task: 0 }));
      const vote = step < 150 ? 3 : 1;
      const stageLogits = Float32Array.from({ length: 15 }, (_, stage) => Number(stage === vote));
      if (session.needsPlan()) session.accept({ ...plan(step), stageLogits });
      session.next();
      if (stages.at(-1) !== session.detail.stage) stages.push(session.detail.stage);
    }
    expect(stages).toEqual([0, 3, 1]);
  });

  it('keeps to a table of stages of its own, whatever a rule or the votes say', () => {
    const session = createSession({ taskNumStages: [2, 1] });
    for (let step = 0; step < 400; step++) {
      session.observe(observation({ task: step < 300 ? 0 : 1, fingers: 0 }));
      if (session.needsPlan()) session.accept(plan(step));
      session.next();
      expect(session.detail.stage).toBeLessThan(step < 300 ? 2 : 1);
    }
    expect(() => session.observe(observation({ task: 2 }))).toThrow(/expected 0…1/);
  });
});
