import { describe, expect, it } from 'vitest';
import { goldenJson, goldenTensors } from '../../test/support/golden.ts';
import { correct } from './rules.ts';

const code = (open: readonly string[]) =>
  open.length > 0 ? 4 + Number(open.includes('left')) + 2 * Number(open.includes('right')) : 0;

describe('correct', () => {
  it("is the original's whole table: 50 tasks, 15 stages, both grippers over 9 values", async () => {
    const { gripper_values, action_code, rule, stage_after } = await goldenTensors('rules/rules.safetensors.gz');
    const values = gripper_values!.data;
    let at = 0;
    const wrong: string[] = [];
    for (let task = 0; task < 50; task++)
      for (let stage = 0; stage < 15; stage++)
        for (const left of values)
          for (const right of values) {
            const c = correct({ task, stage, grippers: { left, right } });
            const got = [c ? code(c.open) : 0, c ? (c.rule === 'turning-on-radio' ? 1 : 2) : 0, c ? c.stage : stage];
            const want = [action_code!.data[at], rule!.data[at], stage_after!.data[at]];
            if (got.join() !== want.join())
              wrong.push(`task ${task} stage ${stage} (${left}, ${right}): ${got}, not ${want}`);
            at++;
          }
    expect(at).toBe(50 * 15 * values.length ** 2);
    expect(wrong).toEqual([]);
  });

  it('compares in float64 at the thresholds', () => {
    type Row = [number, string, number, number];
    for (const [value, , general, radio] of goldenJson<{ thresholds: { rows: Row[] } }>('rules/edges.json').thresholds
      .rows) {
      const c = correct({ task: 3, stage: 0, grippers: { left: value, right: 1 } });
      expect(c ? code(c.open) : 0).toBe(general);
      const r = correct({ task: 0, stage: 3, grippers: { left: -1, right: value } });
      expect(r ? code(r.open) : 0).toBe(radio);
    }
  });
});
