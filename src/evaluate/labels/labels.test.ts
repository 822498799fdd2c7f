import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ledgerLine } from '../../../test/support/evaluate.ts';
import { HOUSEHOLD_ROBOT } from '../../home/index.ts';
import type { LedgerLine } from '../ledger/index.ts';
import { readRecords } from '../report/index.ts';
import { evaluate } from '../rollouts/index.ts';
import { cohensKappa } from './kappa.ts';
import { readLabelFile } from './labelFile.ts';
import { countLabels, labelByRules, readLabels, ruleAgreement, withStages, writeLabels } from './labels.ts';
import { labelStages } from './labelTable.ts';
import { recordedEpisode } from './record.ts';
import { LABEL_RULES } from './rules.ts';
import { byRule, type Label, parseLabels } from './vocabulary.ts';

const RATE = HOUSEHOLD_ROBOT.rate;
const NAMES = [
  'can',
  'base',
  'left_arm_link7',
  'left_finger_link1',
  'left_finger_link2',
  'right_arm_link7',
  'right_finger_link1',
  'right_finger_link2',
];
const LINE = ledgerLine({
  task: 'tidy',
  q: 0,
  steps: 600,
  maxSteps: 600,
  distance: { base: 0, left: 0, right: 0 },
  goal: [{ text: 'inside(can, bin)', initial: false, value: false }],
  plans: 1,
});

interface Moment {
  can?: readonly [number, number, number];
  /** The can's tilt, radians. */
  tilt?: number;
  base?: readonly [number, number, number];
  right?: readonly [number, number, number];
  /** Opening of the right fingers, metres. */
  opening?: number;
}

/** An episode of 600 steps in which the hands move on slowly, except for what `moment` says. */
function episode(moment: (step: number) => Moment, line: Partial<LedgerLine> = {}, steps?: (step: number) => object) {
  const frames = 601;
  const track = new Float32Array(frames * NAMES.length * 7);
  for (let frame = 0; frame < frames; frame++) {
    const drift = frame * 0.001;
    const {
      can = [0.5, 0, 0.06],
      tilt = 0,
      base = [0, 0, 0],
      right = [0, -0.5 + drift, 1],
      opening = 0.1,
    } = moment(frame);
    const put = (name: string, [x, y, z]: readonly number[], w = 1, turn = 0) =>
      track.set(
        [x as number, y as number, z as number, w, turn, 0, 0],
        (frame * NAMES.length + NAMES.indexOf(name)) * 7,
      );
    put('can', can, Math.cos(tilt / 2), Math.sin(tilt / 2));
    put('base', base);
    put('left_arm_link7', [0, 0.5 + drift, 1]);
    put('left_finger_link1', [0, 0.5, 0.9]);
    put('left_finger_link2', [0, 0.6, 0.9]);
    put('right_arm_link7', right);
    put('right_finger_link1', [right[0], right[1], right[2] - 0.1]);
    put('right_finger_link2', [right[0], right[1] + opening, right[2] - 0.1]);
  }
  const lines = Array.from({ length: frames - 1 }, (_, i) => ({
    step: i + 1,
    action: [],
    q: 0,
    goal: [false],
    ...steps?.(i + 1),
  }));
  return recordedEpisode({ line: { ...LINE, ...line }, steps: lines, names: NAMES, track, rate: RATE });
}

const found = (record: ReturnType<typeof episode>) =>
  LABEL_RULES.filter(({ find }) => find(record)).map(({ name }) => name);

it('an episode in which nothing of that kind happens has no label', () => {
  expect(found(episode(() => ({})))).toEqual([]);
});

it.each<[string, (step: number) => Moment, Partial<LedgerLine>?, ((step: number) => object)?]>([
  [
    'closed-on-nothing',
    (step) => ({
      right: [0.5, -0.02 + step * 0.0001, 0.2],
      opening: [100, 300].some((at) => step > at && step < at + 40) ? 0.001 : 0.1,
    }),
  ],
  [
    'dropped',
    (step) => {
      const hand = [0.4, 0, Math.min(0.7, 0.1 + step * 0.003) + (step > 400 ? (step - 400) * 0.001 : 0)] as const;
      return {
        right: hand,
        can: step < 300 ? [0.4, 0, hand[2] - 0.04] : [0.4, 0, Math.max(0.06, 0.66 - (step - 300) * 0.03)],
      };
    },
  ],
  ['knocked-over', (step) => ({ tilt: step > 200 ? 1.5 : 0 })],
  ['no-motion', (step) => ({ right: [0, -0.5, 1], ...(step > 250 ? {} : { base: [step * 0.004, 0, 0] }) })],
  ['stage-fell-back', () => ({}), {}, (step) => ({ truth: step < 300 ? 1 : 0 })],
  ['wrong-stage', () => ({}), {}, (step) => ({ truth: 0, stage: step > 400 ? 1 : 0 })],
  ['drove-off', (step) => ({ base: [step * 0.006, 0, 0] })],
  ['undone', () => ({}), {}, (step) => ({ goal: [step > 200 && step < 400] })],
  ['near-the-goal', () => ({}), { q: 0.75 }, (step) => ({ q: step > 550 ? 0.75 : 0.5 })],
])('%s is seen', (name, moment, line, steps) => {
  const record = episode(name === 'no-motion' ? (step) => ({ ...moment(step) }) : moment, line, steps);
  if (name === 'no-motion') {
    // The left hand stands still, too.
    const still = {
      ...record,
      at: (frame: number, body: string) => record.at(body.startsWith('left') ? 0 : frame, body),
    };
    expect(found(still)).toContain(name);
    return;
  }
  expect(found(record)).toEqual([name]);
});

it('what is let go into its place is no drop, and a carried can may tilt', () => {
  const into = episode(
    (step) => ({
      right: [0.4, 0, 0.6],
      can:
        step < 300
          ? [0.4, 0, 0.06 + Math.min(0.5, step * 0.003)]
          : [0.4, 0, Math.max(0.06, 0.56 - (step - 300) * 0.03)],
      tilt: step > 150 ? 1.2 : 0,
    }),
    {},
    (step) => ({ goal: [step > 310] }),
  );
  expect(found(into)).not.toContain('dropped');
  expect(found(into)).not.toContain('knocked-over');
  const inside = episode(
    (step) => ({ tilt: step > 320 ? 1.5 : 0 }),
    {},
    (step) => ({ goal: [step > 310] }),
  );
  expect(found(inside)).toEqual([]);
});

it("Cohen's kappa: the textbook's table, chance, and perfect agreement", () => {
  const table = (yes: number, first: number, second: number, no: number) => [
    ...Array(yes).fill([true, true]),
    ...Array(first).fill([true, false]),
    ...Array(second).fill([false, true]),
    ...Array(no).fill([false, false]),
  ];
  expect(cohensKappa(table(20, 5, 10, 15))).toEqual({ count: 50, agreed: 0.7, kappa: expect.closeTo(0.4, 12) });
  expect(cohensKappa(table(25, 25, 25, 25)).kappa).toBeCloseTo(0, 12);
  expect(cohensKappa(table(10, 0, 0, 5)).kappa).toBe(1);
  expect(cohensKappa(table(0, 0, 0, 5)).kappa).toBe(1);
  expect(cohensKappa([]).kappa).toBeNaN();
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-labels-'));
  await evaluate({
    policy: { kind: 'hold' },
    tasks: ['turning_on_radio'],
    instances: [0, 1],
    out: folder,
    workers: 1,
    resume: false,
    maxSteps: 320,
    record: true,
    silent: true,
  } as never);
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

it('real rollouts are labelled: who holds still is stuck; persons and rules do not overwrite each other', async () => {
  const { lines } = await readRecords(folder);
  const { labels, unread } = await labelByRules(folder, lines);
  expect(unread).toEqual([]);
  await writeLabels(folder, labels, byRule);
  const units = new Set(['turning_on_radio_0_0', 'turning_on_radio_1_0']);
  const mine = parseLabels('turning_on_radio_0_0=stuck+search', 'anna', units);
  await writeLabels(folder, mine, (label) => label.by === 'anna');
  const again = await writeLabels(folder, labels, byRule);
  expect(again).toHaveLength(labels.length + 2);
  expect(await readLabels(folder)).toEqual(again);
  const counts = countLabels(again, lines);
  expect(counts.map(({ label, units }) => [label, units.length])).toContainEqual(['search', 1]);
  expect(ruleAgreement(again)?.units).toBe(1);
  expect(() => parseLabels('nobody_0_0=stuck', 'anna', units)).toThrow(/no counted episode/);
  expect(() => parseLabels('turning_on_radio_0_0=', 'anna', units)).toThrow(/names no label/);
  expect(() => parseLabels('turning_on_radio_0_0=stuck', 'rule:x', units)).toThrow(/--by/);
});

it('agreement counts pairs of episode and label', () => {
  const label = (unit: string, name: string, by: string): Label => ({ unit, label: name, by });
  const agreement = ruleAgreement([
    label('a', 'stuck', 'rule:no-motion'),
    label('a', 'stuck', 'anna'),
    label('b', 'order', 'rule:stage-fell-back'),
    label('b', 'stuck', 'anna'),
    label('c', 'order', 'rule:stage-fell-back'),
  ]);
  expect(agreement?.units).toBe(2);
  expect(agreement?.overall).toMatchObject({ count: 4, agreed: 0.5 });
  expect(agreement?.labels['order']).toMatchObject({ count: 2, agreed: 0.5 });
});

it('a table worked out by hand: kappa of two judges over three labels and five episodes', () => {
  const label = (unit: string, name: string, by: string): Label => ({ unit, label: name, by });
  // Episodes:  a        b        c              d      e
  // rules:     stuck    stuck    stuck, order   order  search
  // anna:      stuck    search   stuck          order  order
  const agreement = ruleAgreement([
    ...['a', 'b', 'c'].map((unit) => label(unit, 'stuck', 'rule:no-motion')),
    ...['c', 'd'].map((unit) => label(unit, 'order', 'rule:stage-fell-back')),
    label('e', 'search', 'rule:x'),
    ...['a', 'c'].map((unit) => label(unit, 'stuck', 'anna')),
    ...['d', 'e'].map((unit) => label(unit, 'order', 'anna')),
    label('b', 'search', 'anna'),
  ]);
  // stuck: both yes 2, rules alone 1, neither 2: agreed 4/5; by chance 3/5·2/5 + 2/5·3/5 = 12/25; κ = (20−12)/(25−12).
  expect(agreement?.labels['stuck']).toEqual({ count: 5, agreed: 0.8, kappa: expect.closeTo(8 / 13, 12) });
  // order: both yes 1 (d), rules alone 1 (c), anna alone 1 (e), neither 2: agreed 3/5; chance 4/25 + 9/25.
  expect(agreement?.labels['order']).toEqual({ count: 5, agreed: 0.6, kappa: expect.closeTo(2 / 12, 12) });
  // search: rules e, anna b, neither 3: agreed 3/5; chance 1/25 + 16/25.
  expect(agreement?.labels['search']).toEqual({ count: 5, agreed: 0.6, kappa: expect.closeTo(-2 / 8, 12) });
  // All 15 pairs: both yes 3, rules alone 3, anna alone 2, neither 7; chance (6·5 + 9·10) / 225.
  expect(agreement?.overall).toEqual({
    ...{ count: 15, agreed: expect.closeTo(10 / 15, 12) },
    kappa: expect.closeTo((150 - 120) / (225 - 120), 12),
  });
});

it('labels are counted by task and by the stage in which they showed first', () => {
  const lines = [
    ledgerLine({ task: 'tidy', instance: 0, success: false }),
    ledgerLine({ task: 'tidy', instance: 1, success: false }),
    ledgerLine({ task: 'wash', instance: 0, success: false }),
  ];
  const stuck = (unit: string, stage?: number, by = 'rule:no-motion'): Label => ({
    ...{ unit, label: 'stuck', by },
    ...(stage !== undefined && { stage }),
  });
  const counts = countLabels(
    [stuck('tidy_0_0', 2), stuck('tidy_0_0', 1, 'anna'), stuck('tidy_1_0', 1), stuck('wash_0_0')],
    lines,
  );
  expect(counts).toMatchObject([{ tasks: { tidy: 2, wash: 1 }, stages: { tidy: { 1: 2 }, wash: { none: 1 } } }]);
  expect(labelStages(counts)).toEqual({
    head: ['task', 'stage', 'stuck'],
    rows: [
      ['tidy', '2', '2'],
      ['wash', 'not known', '1'],
    ],
  });
  expect(labelStages(countLabels([stuck('wash_0_0')], lines))).toBeUndefined();
});

it('a person’s table of labels: what a spreadsheet writes, with steps and reasons', async () => {
  const table = join(folder, 'mine.csv');
  const units = new Set(['turning_on_radio_0_0', 'turning_on_radio_1_0']);
  const rows = [
    '\uFEFFtask,instance,rollout,q,labels,reason',
    'turning_on_radio,0,0,0.5,robot fell+stuck@40,"leant over, and ""sat"""',
    'turning_on_radio,1,0,0,,',
    '',
  ];
  await writeFile(table, rows.join('\r\n'));
  const reason = 'leant over, and "sat"';
  expect(await readLabelFile(table, 'anna', units)).toEqual([
    { unit: 'turning_on_radio_0_0', label: 'robot fell', by: 'anna', reason },
    { unit: 'turning_on_radio_0_0', label: 'stuck', step: 40, by: 'anna', reason },
  ]);
  await writeFile(table, 'unit,labels\nturning_on_radio_1_0,search\nturning_on_radio_9_0,stuck\n');
  await expect(readLabelFile(table, 'anna', units)).rejects.toThrow(/row 3: "turning_on_radio_9_0" is no counted/);
  await writeFile(table, 'unit,labels\nturning_on_radio_1_0,se"arch\n');
  await expect(readLabelFile(table, 'anna', units)).rejects.toThrow(/quote that is not closed, in row 2/);
  await writeFile(table, 'unit,why\nturning_on_radio_1_0,search\n');
  await expect(readLabelFile(table, 'anna', units)).rejects.toThrow(/columns unit, why \(expected unit/);
  await expect(readLabelFile(join(folder, 'none.csv'), 'anna', units)).rejects.toThrow(/ENOENT/);
});

it('the stage of a label is the true one at its step, else the voted one', async () => {
  const at = join(folder, 'rollouts', 'tidy_0_0');
  await mkdir(at, { recursive: true });
  const steps = [
    { step: 1, truth: 0, stage: 1 },
    { step: 2, truth: 3, stage: 1 },
    { step: 3, stage: 4 },
  ];
  await writeFile(join(at, 'steps.jsonl'), steps.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const label = (unit: string, step?: number): Label => ({
    ...{ unit, label: 'stuck', by: 'anna' },
    ...(step !== undefined && { step }),
  });
  const given = [
    label('tidy_0_0', 0),
    label('tidy_0_0', 2),
    label('tidy_0_0', 99),
    label('tidy_0_0'),
    label('x_0_0', 1),
  ];
  expect(withStages(folder, given).map(({ stage }) => stage)).toEqual([0, 3, 4, 4, undefined]);
});
