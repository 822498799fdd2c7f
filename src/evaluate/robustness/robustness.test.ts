import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ledgerLine, temporaryFolder } from '../../../test/support/evaluate.ts';
import { readLedger } from '../ledger/ledger.ts';
import { writeReport } from '../report/index.ts';
import { evaluate } from '../rollouts/index.ts';
import { evaluatePerturbed } from './evaluatePerturbed.ts';
import { robustness, robustnessLine } from './robustness.ts';

const root = await temporaryFolder();
const fault = (struck: number | null) => ({
  perturbations: [{ axis: 'push', level: 2 as const, proposed: { from: 40 }, struck, executed: {} }],
});

describe('scores of a perturbation', () => {
  const clean = [1, 1, 0.5, 0].map((q, instance) => ledgerLine({ instance, q, success: q === 1 }));
  const lines = [
    ledgerLine({ instance: 0, q: 1, success: true, ...fault(40) }),
    ledgerLine({ instance: 1, q: 0, success: false, ...fault(41) }),
    ledgerLine({ instance: 2, q: 1, success: true, ...fault(null) }),
    ledgerLine({ instance: 3, q: 0, success: false, ...fault(40) }),
  ];

  it('recovery counts only episodes in which it struck; a loss is above 0', () => {
    const found = robustness(clean, lines);
    expect(found.recovery).toMatchObject({ struck: 3, mean: 1 / 3 });
    expect(found.degradation.mean).toBeCloseTo((0 + 1 - 0.5 + 0) / 4, 12);
    expect(found.degradation.low).toBeLessThan(0.125);
    expect(robustnessLine(found)).toMatch(/q lost against 4 clean pairs: 0.125 .* struck in 3; of these 33 %/);
  });

  it('without a strike there is no recovery', () => {
    const never = lines.map((line) => ({ ...line, ...fault(null) }));
    expect(robustness(clean, never).recovery).toMatchObject({ struck: 0, mean: null, low: 0, high: 1 });
    expect(robustnessLine(robustness(clean, never))).toMatch(/it never struck/);
  });
});

describe('a perturbed evaluation', { timeout: 240_000 }, () => {
  const out = join(root, 'late');
  const common = {
    policy: { kind: 'expert' },
    tasks: ['turning_on_radio'],
    instances: [0],
    maxSteps: 60,
    silent: true,
  } as const;

  it('plays its clean pair first, records what struck, and tells it on the page', async () => {
    const found = await evaluatePerturbed({ ...common, out, perturb: [{ axis: 'latency', level: 1 }] });
    expect(found).toMatchObject({ episodes: 1, degradation: { pairs: 1 }, recovery: { struck: 1 } });
    const [line] = await readLedger(out);
    expect(line!.perturbations).toEqual([
      { axis: 'latency', level: 1, proposed: { steps: 2 }, struck: 0, executed: { steps: 2 } },
    ]);
    const rollout = join(out, 'rollouts', 'turning_on_radio_0_0');
    const scene = JSON.parse(await readFile(join(rollout, 'scene.json'), 'utf8'));
    expect(scene.perturbations).toEqual(line!.perturbations);
    const steps = (await readFile(join(rollout, 'steps.jsonl'), 'utf8')).trim().split('\n');
    const late = steps.map((text) => JSON.parse(text) as { action: number[]; executed?: number[] });
    expect(late[10]!.executed).toEqual(late[8]!.action);
    const page = await readFile(await writeReport(out), 'utf8');
    expect(page).toContain('<b>latency:2</b>'.replace('2', '1'));
    expect(page).toContain('latency:1 struck at step 0');
    expect(page).toContain('q clean');
  });

  it('takes a clean evaluation of the same policy and seed, and no other', async () => {
    const clean = join(root, 'clean');
    await evaluate({ ...common, out: clean, record: false });
    const perturb = [{ axis: 'light', level: 2 }] as const;
    const found = await evaluatePerturbed({ ...common, out: join(root, 'dark'), perturb, clean });
    expect(found.degradation).toMatchObject({ mean: 0, pairs: 1 }); // the expert does not look
    expect(existsSync(join(root, 'dark', 'baselines'))).toBe(false);
    const other = { ...common, policy: { kind: 'hold' } as const, out: join(root, 'other'), perturb, clean };
    await expect(evaluatePerturbed(other)).rejects.toThrow(/another policy or seed/);
    expect(existsSync(join(root, 'other'))).toBe(false); // told before anything is played
    await expect(evaluatePerturbed({ ...common, out: join(root, 'twice'), perturb, clean: out })).rejects.toThrow(
      /is perturbed by latency:1/,
    );
  });
});
