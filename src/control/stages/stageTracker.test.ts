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
});
