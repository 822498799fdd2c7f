import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldenJson, goldenRow, goldenTensors, proprioceptionFrom25 } from '../../test/support/golden.ts';
import { encodeProprioception, layoutOfLength, proprioceptionField, stateOf } from './proprioception.ts';
import { robotNamed } from './robots.ts';
import { BEHAVIOR_TASKS, stageAtTime, taskById, taskByName } from './tasks.ts';

const R1PRO = robotNamed('r1pro');
const PROPRIOCEPTION_2025 = layoutOfLength(R1PRO, 256);
const PROPRIOCEPTION_2026 = layoutOfLength(R1PRO, 61);
const OLD = PROPRIOCEPTION_2025.fields!;
const NEW = PROPRIOCEPTION_2026.fields!;
const STATE_FIELDS = [
  'base_qvel',
  'trunk_qpos',
  'arm_left_qpos',
  'gripper_left_qpos',
  'arm_right_qpos',
  'gripper_right_qpos',
];

describe('R1PRO', () => {
  it('has parts that fill the 23 columns in order, and 17 relative ones', () => {
    expect(
      R1PRO.parts.flatMap(({ columns: [start, end] }) => Array.from({ length: end - start }, (_, i) => start + i)),
    ).toEqual([...Array(23).keys()]);
    expect(R1PRO.deltaMask.filter(Boolean).length).toBe(17);
    for (const column of [...R1PRO.gripperColumns, 0, 1, 2, 6]) expect(R1PRO.deltaMask[column]).toBe(false);
  });
});

describe('proprioception', () => {
  it('lies as the facts say', () => {
    expect([PROPRIOCEPTION_2025.length, PROPRIOCEPTION_2026.length]).toEqual([256, 61]);
    const fields = OLD;
    expect([fields['robot_pos'], fields['arm_left_qpos'], fields['eef_left_pos'], fields['gripper_left_qpos']]).toEqual(
      [
        [140, 143],
        [158, 165],
        [186, 189],
        [193, 195],
      ],
    );
    expect([fields['arm_right_qpos'], fields['gripper_right_qpos'], fields['trunk_qpos'], fields['base_qvel']]).toEqual(
      [
        [197, 204],
        [232, 234],
        [236, 240],
        [253, 256],
      ],
    );
    const later = NEW;
    expect([later['eef_left_pos'], later['arm_right_qpos'], later['gripper_right_qpos'], later['trunk_qvel']]).toEqual([
      [17, 20],
      [28, 35],
      [49, 51],
      [57, 61],
    ]);
  });

  it("gives the original's state, bit for bit", async () => {
    const { proprio, state } = await goldenTensors('transforms/vectors.safetensors');
    for (let i = 0; i < proprio!.shape[0]!; i++)
      expect([...stateOf(R1PRO, goldenRow(proprio!, i))]).toEqual([...goldenRow(state!, i)]);
  });

  it('gives the recorded gripper values at the thresholds', () => {
    const { rows } = goldenJson<{ from_fingers: { rows: number[][] } }>('rules/edges.json').from_fingers;
    for (const [a, b, value] of rows) {
      const x = new Float32Array(25);
      x.set([a!, b!], 14);
      expect(stateOf(R1PRO, proprioceptionFrom25(x))[14]).toBe(value);
    }
  });

  it('gives the same state from both years', () => {
    const x = Float32Array.from({ length: 25 }, (_, i) => Math.sin(i) / 10);
    const old = proprioceptionFrom25(x);
    const now = new Float32Array(61);
    for (const [name, [start]] of Object.entries(NEW)) now.set(proprioceptionField(R1PRO, old, name), start);
    expect([...stateOf(R1PRO, now)]).toEqual([...stateOf(R1PRO, old)]);
  });

  it('gives back what went in, and one state for both years, for any numbers', () => {
    const number = fc.float({ min: -10, max: 10, noNaN: true });
    const fields = STATE_FIELDS.map((name) => [name, OLD[name]!] as const);
    const shape = fc.record(
      Object.fromEntries(
        fields.map(([name, [start, end]]) => [
          name,
          fc.array(number, { minLength: end - start, maxLength: end - start }),
        ]),
      ),
    );
    fc.assert(
      fc.property(shape, (input) => {
        const long = encodeProprioception(R1PRO, 256, input);
        for (const [name] of fields) expect([...proprioceptionField(R1PRO, long, name)]).toEqual(input[name]);
        const short = new Float32Array(PROPRIOCEPTION_2026.length);
        for (const [name, [start]] of Object.entries(NEW)) short.set(proprioceptionField(R1PRO, long, name), start);
        const state = stateOf(R1PRO, short);
        expect(state).toEqual(stateOf(R1PRO, long));
        // Slowly: velocities and joints as they are, a gripper as its width between -1 at 0 and +1 at 0.1 m.
        const gripper = (name: string) => {
          const [a, b] = input[name]!;
          return (2 * (a! + b!)) / 0.1 - 1;
        };
        const expected = fields.flatMap(([name]) => (name.startsWith('gripper') ? [gripper(name)] : input[name]!));
        expected.forEach((value, i) => {
          expect(Math.abs(state[i]! - value)).toBeLessThan(1e-4);
        });
      }),
    );
  });

  it('derives cosines and sines, and says what is wrong', () => {
    const needed = {
      base_qvel: [0, 0, 0],
      trunk_qpos: [0, 0, 0, 0],
      arm_left_qpos: [1, 2, 3, 4, 5, 6, 7],
      gripper_left_qpos: [0, 0],
      arm_right_qpos: [0, 0, 0, 0, 0, 0, 0],
      gripper_right_qpos: [0, 0],
    };
    const p = encodeProprioception(R1PRO, 256, { ...needed, robot_2d_ori: 0.5, robot_ori: [0.1, 0.2, 0.3] });
    expect(proprioceptionField(R1PRO, p, 'arm_left_qpos_sin')[2]).toBeCloseTo(Math.sin(3), 7);
    expect(proprioceptionField(R1PRO, p, 'arm_right_qpos_cos')[2]).toBe(1);
    expect(proprioceptionField(R1PRO, p, 'robot_2d_ori_cos')[0]).toBeCloseTo(Math.cos(0.5), 7);
    expect(proprioceptionField(R1PRO, p, 'robot_ori_sin')[1]).toBeCloseTo(Math.sin(0.2), 7);
    expect(() => encodeProprioception(R1PRO, 256, {})).toThrow(/base_qvel is missing/);
    expect(() => encodeProprioception(R1PRO, 256, { ...needed, trunk_qpos: [1] })).toThrow(
      /trunk_qpos has the wrong length \(got 1, expected 4\)/,
    );
    expect(() => encodeProprioception(R1PRO, 256, { ...needed, trunk_qpo: [1] })).toThrow(/Did you mean trunk_qpos/);
    expect(() => stateOf(R1PRO, new Float32Array(60))).toThrow(/got 60, expected 256 \(2025\) or 61 \(2026\)/);
  });
});

describe('tasks', () => {
  it('are 50 with 596 stages by the length rule', () => {
    expect(BEHAVIOR_TASKS.length).toBe(50);
    for (const t of BEHAVIOR_TASKS) {
      expect(t.numStages).toBe(Math.min(15, Math.max(5, Math.ceil(t.meanLengthFrames / 900))));
      expect(BEHAVIOR_TASKS[t.id]).toBe(t);
    }
    const last = taskById(49);
    expect(last.stageOffset + last.numStages).toBe(596);
    expect(taskByName('picking_up_trash').id).toBe(1);
    expect(() => taskByName('picking_up_trsh')).toThrow(/Did you mean picking_up_trash/);
    expect(() => taskById(50)).toThrow(/expected 0…49/);
  });

  it('have stage labels in equal times', () => {
    for (const [task, length, , time, stage] of goldenJson<{ rows: number[][] }>('transforms/stage_labels.json').rows)
      expect(stageAtTime(time!, length!, taskById(task!).numStages, 30)).toBe(stage);
  });
});
