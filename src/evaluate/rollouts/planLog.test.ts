import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { HOUSEHOLD_ROBOT } from '../../home/index.ts';
import { checkpointFolder } from '../../model/index.ts';
import { readPlanActions, readPlanLines } from './planLog.ts';
import { openPolicy } from './policySource.ts';
import { readStepLines } from './recording.ts';
import { openRunner } from './runner.ts';

const root = await temporaryFolder();

it('keeps every plan of an episode: what was predicted, kept, squeezed, and how long it took', {
  timeout: 120_000,
}, async () => {
  const source = await openPolicy({ kind: 'checkpoint', folder: checkpointFolder('household') });
  const runner = openRunner(source, { seeds: ['0'], maxSteps: 65, recordTo: root });
  const { plans } = await runner.run({ task: 'turning_on_radio', instance: 0, rollout: 0 });
  await runner.close();
  const [unit] = await readdir(join(root, 'rollouts'));
  const rollout = join(root, 'rollouts', unit as string);
  const [lines, steps] = [readPlanLines(rollout), readStepLines(rollout)];
  expect(lines.map(({ step }) => step)).toEqual(steps.filter(({ planned }) => planned).map(({ step }) => step - 1));
  expect(lines).toHaveLength(plans);
  expect(lines.map(({ kept }) => kept)).toEqual([0, ...new Array(plans - 1).fill(4)]);
  for (const { rows, ms, prepareMs = 0, prefixMs = 0, denoiseMs = 0 } of lines) {
    expect(rows).toBe(HOUSEHOLD_ROBOT.horizon);
    expect(prepareMs + prefixMs + denoiseMs).toBeLessThanOrEqual(ms + 0.5);
    expect(denoiseMs).toBeGreaterThan(0);
  }
  // A plan begins with the rows that the one before promised, in half precision.
  const actions = readPlanActions(rollout, lines, HOUSEHOLD_ROBOT.width);
  expect(actions.map(({ length }) => length)).toEqual(lines.map(({ rows }) => rows * HOUSEHOLD_ROBOT.width));
  lines.forEach(({ step, compressed }, i) => {
    // Played at its own speed, the first step is the plan's first row.
    if (compressed === false)
      for (const [k, value] of (steps[step]?.action ?? []).entries()) expect(actions[i]?.[k]).toBeCloseTo(value, 2);
  });
  expect((await stat(join(rollout, 'plans.bin'))).size).toBeLessThan(1500 * plans);
});
