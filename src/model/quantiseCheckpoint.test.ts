import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadParameters, readCheckpoint } from './checkpoint.ts';
import { importCheckpoint } from './formats/importCheckpoint.ts';
import { planError, runReport, syntheticInputs } from './int8Report/planReport.ts';

const household = fileURLToPath(new URL('../../policies/household', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-int8-checkpoint-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('import to int8', () => {
  it('makes a checkpoint of half the size that plans nearly as the float32 one does, the same each time', async () => {
    const out = join(folder, 'int8');
    const report = await importCheckpoint(household, out, { dtype: 'int8', threads: 1 });
    expect(Math.max(...report.matrices!.map(({ relative }) => relative))).toBeLessThan(0.01);
    expect((await readdir(out)).sort()).toEqual([
      'assets',
      'card.json',
      'config.json',
      'int8.safetensors',
      'params.safetensors',
    ]);
    expect(report.bytesWritten).toBeLessThan((await stat(join(household, 'params.safetensors'))).size * 0.6);

    const [exact, coarse] = [await readCheckpoint(household), await readCheckpoint(out)];
    const inputs = syntheticInputs(coarse, 2, 1);
    const [a, b] = [await runReport(exact, inputs), await runReport(coarse, inputs)];
    const error = planError(coarse, a, b);
    expect(error.normalised.mean).toBeGreaterThan(0);
    expect(error.normalised.mean).toBeLessThan(0.02);
    expect(error.layers).toHaveLength(exact.config.layers);
    expect(Math.max(...error.layers)).toBeLessThan(0.05);
    expect(planError(exact, a, a)).toMatchObject({ normalised: { mean: 0, max: 0 }, sameStage: 1 });
    expect((await runReport(coarse, inputs))[1]!.actions).toEqual(b[1]!.actions);
  });

  it('is for planning alone, and is not made twice', async () => {
    const out = join(folder, 'int8');
    await expect(loadParameters(await readCheckpoint(out))).rejects.toThrow(/Train from the float32 one/);
    await expect(importCheckpoint(out, join(folder, 'again'), { dtype: 'int8' })).rejects.toThrow();
    expect((await readdir(folder)).filter((name) => name.includes('again'))).toEqual([]);
  });

  it('widens 16-bit checkpoints, and plans from them directly', async () => {
    const half = join(folder, 'bfloat16');
    await importCheckpoint(household, half, { dtype: 'bfloat16', threads: 1 });
    await importCheckpoint(half, join(folder, 'from16'), { dtype: 'int8', threads: 1 });
    const [exact, widened, rounded] = await Promise.all(
      [household, half, join(folder, 'from16')].map((path) => readCheckpoint(path)),
    );
    const inputs = syntheticInputs(exact!, 1, 2);
    const plan = async (checkpoint: typeof exact) => runReport(checkpoint!, inputs);
    const a = await plan(exact);
    expect(planError(exact!, a, await plan(widened)).normalised.mean).toBeLessThan(0.03);
    expect(planError(exact!, a, await plan(rounded)).normalised.mean).toBeLessThan(0.05);
  });
});
