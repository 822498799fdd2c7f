import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldenRow, goldenTensors } from '../../../test/support/golden.ts';
import { BEHAVIOR_TASKS } from '../../robot/index.ts';
import { FIRST_STAGE, type StageState, voteOnStage } from './stageTracker.ts';

describe('voteOnStage', () => {
  it('follows the original through its sequences', async () => {
    const { task, start, history_len, votes, logits, stage, history } =
      await goldenTensors('stages/stages.safetensors');
    const [sequences, plans, classes] = logits!.shape as [number, number, number];
    for (let s = 0; s < sequences; s++) {
      let state: StageState = { stage: start!.data[s]!, history: [] };
      const options = { historyLength: history_len!.data[s]!, votes: votes!.data[s]! };
      for (let p = 0; p < plans; p++) {
        const row = goldenRow(logits!, s).subarray(p * classes, (p + 1) * classes);
        state = voteOnStage(state, row, BEHAVIOR_TASKS[task!.data[s]!]!.numStages, options);
        const expected = [...goldenRow(history!, s).subarray(p * 5, p * 5 + 5)].filter((x) => x >= 0);
        expect([s, p, state.stage, ...state.history]).toEqual([s, p, goldenRow(stage!, s)[p], ...expected]);
      }
    }
  });

  it('stays within [0, last] for any votes, settings and table, moves by one, and never leaves the last stage', () => {
    const run = fc.record({
      numStages: fc.integer({ min: 1, max: 30 }),
      historyLength: fc.integer({ min: 1, max: 6 }),
      votes: fc.integer({ min: 1, max: 7 }),
      start: fc.nat(29),
      rows: fc.array(
        fc.oneof(
          fc.nat(29).map((pick) => Array.from({ length: 30 }, (_, i) => (i === pick ? 1 : Number.NEGATIVE_INFINITY))),
          fc.array(fc.constantFrom(0, 1, Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY), {
            maxLength: 16,
          }),
        ),
        { maxLength: 60 },
      ),
    });
    fc.assert(
      fc.property(run, ({ numStages, start, rows, ...options }) => {
        let state: StageState = { ...FIRST_STAGE, stage: Math.min(start, numStages - 1) };
        for (const logits of rows) {
          const next = voteOnStage(state, logits, numStages, options);
          expect(next.stage).toBeGreaterThanOrEqual(0);
          expect(next.stage).toBeLessThan(numStages);
          expect(Math.abs(next.stage - state.stage)).toBeLessThanOrEqual(1);
          if (next.stage !== state.stage) expect(next.history).toEqual([]);
          if (state.stage === numStages - 1) expect(next.stage).toBe(state.stage);
          expect(next.history.length).toBeLessThanOrEqual(options.historyLength);
          for (const vote of next.history) expect(vote).toBeLessThan(numStages);
          state = next;
        }
      }),
    );
  });

  describe('where stages branch', () => {
    const options = { historyLength: 3, votes: 2, successors: [[1, 2], [3], [3], [], [0]] };
    const vote = (state: StageState, ...stages: number[]) =>
      stages.reduce((now, stage) => {
        const logits = Array.from({ length: 5 }, (_, s) => (s === stage ? 1 : 0));
        return voteOnStage(now, logits, 5, options);
      }, state);

    it('goes where enough votes of a full history lead, and only there', () => {
      expect(vote(FIRST_STAGE, 2, 2)).toEqual({ stage: 0, history: [2, 2] });
      expect(vote(FIRST_STAGE, 2, 2, 2)).toEqual({ stage: 2, history: [] });
      expect(vote(FIRST_STAGE, 1, 2, 2)).toEqual({ stage: 2, history: [] });
      expect(vote(FIRST_STAGE, 0, 1, 2, 0, 0).stage).toBe(0);
      expect(vote({ stage: 2, history: [] }, 1, 1, 1, 0, 0, 0, 4, 4, 4)).toEqual({ stage: 2, history: [2, 2, 2] });
      expect(vote({ stage: 4, history: [] }, 0, 0, 0).stage).toBe(0);
      expect(vote({ stage: 3, history: [] }, 0, 1, 2, 4, 4, 4).stage).toBe(3);
    });

    it('lets what is seen decide between the present stage and its successors alone', () => {
      // The picture looks like stage 1 most of all, but there is no way to it from 2.
      const logits = [0, 9, 1, 2, 0];
      let state: StageState = { stage: 2, history: [] };
      for (let i = 0; i < 3; i++) state = voteOnStage(state, logits, 5, options);
      expect(state.stage).toBe(3);
    });

    it('moves along the successors for any votes', () => {
      const table = fc.array(fc.uniqueArray(fc.nat(6), { maxLength: 3 }), { minLength: 7, maxLength: 7 });
      const rows = fc.array(fc.array(fc.constantFrom(0, 1, Number.NaN, Number.NEGATIVE_INFINITY), { maxLength: 7 }));
      fc.assert(
        fc.property(table, rows, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), (drawn, ...rest) => {
          const [plans, historyLength, votes] = rest;
          const successors = drawn.map((next, stage) => next.filter((one) => one !== stage));
          let state = FIRST_STAGE;
          for (const logits of plans) {
            const next = voteOnStage(state, logits, 7, { historyLength, votes, successors });
            if (next.stage === state.stage) {
              for (const one of next.history) expect([state.stage, ...successors[state.stage]!]).toContain(one);
            } else {
              expect(successors[state.stage]).toContain(next.stage);
              expect(next.history).toEqual([]);
            }
            state = next;
          }
        }),
      );
    });
  });
});
