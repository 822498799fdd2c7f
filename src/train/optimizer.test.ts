import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Parameters, readSafetensors, TrainingState } from '../tensor/index.ts';
import { learningRate } from './schedule.ts';

const GOLDEN = join(import.meta.dirname, '../../test/golden');

interface Manifest {
  config: {
    steps: number;
    b1: number;
    b2: number;
    eps: number;
    weight_decay: number;
    clip_global_norm: number;
    ema_decay: number;
    schedule: { warmup_steps: number; peak_lr: number; decay_steps: number; decay_lr: number };
  };
}

const below = (tree: Parameters, prefix: string): Parameters =>
  new Map(
    [...tree].filter(([name]) => name.startsWith(prefix)).map(([name, array]) => [name.slice(prefix.length), array]),
  );

/** Largest difference of two arrays, relative to the largest magnitude expected. */
function error(got: ArrayLike<number | bigint>, expected: ArrayLike<number | bigint>): number {
  let [worst, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Math.abs(Number(got[i]) - Number(expected[i])));
    largest = Math.max(largest, Math.abs(Number(expected[i])));
  }
  return worst / largest;
}

describe.each(['optimizer', 'optimizer-weight-decay'])('golden case %s', (name) => {
  const folder = join(GOLDEN, name);

  it('has the schedule of the original', async () => {
    const { config } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Manifest;
    const { warmup_steps, peak_lr, decay_steps, decay_lr } = config.schedule;
    const schedule = { warmupSteps: warmup_steps, peak: peak_lr, decaySteps: decay_steps, final: decay_lr };
    const expected = (await readSafetensors(join(folder, 'expected.safetensors'))).get('schedule_0_to_29')!.data;
    expect(
      error(
        Array.from({ length: 30 }, (_, step) => learningRate(schedule, step)),
        expected,
      ),
    ).toBeLessThan(2e-6);
  });

  it('has the updates, moments and moving average of the original', async () => {
    const { config } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Manifest;
    const start = await readSafetensors(join(folder, 'params.safetensors'));
    const gradients = await readSafetensors(join(folder, 'gradients.safetensors'));
    const expected = await readSafetensors(join(folder, 'expected.safetensors'));
    const { warmup_steps, peak_lr, decay_steps, decay_lr } = config.schedule;
    const schedule = { warmupSteps: warmup_steps, peak: peak_lr, decaySteps: decay_steps, final: decay_lr };
    const state = new TrainingState([...start].map(([leaf, { shape }]) => ({ name: leaf, shape })));
    await state.load({ parameters: start });
    for (let i = 0; i < config.steps; i++) {
      const at = `step${String(i).padStart(2, '0')}/`;
      for (const [leaf, { data }] of below(gradients, at))
        (state.gradients.get(leaf)!.data as Float32Array).set(data as Float32Array);
      const { gradientNorm } = state.clipAndStep({
        learningRate: learningRate(schedule, i),
        beta1: config.b1,
        beta2: config.b2,
        epsilon: config.eps,
        weightDecay: config.weight_decay,
        clipNorm: config.clip_global_norm,
        emaDecay: config.ema_decay,
      });
      expect(error([gradientNorm], [expected.get('gradient_norm')!.data[i]!])).toBeLessThan(1e-6);
      const kinds = {
        params: [state.parameters, 2e-6],
        first_moment: [state.m, 2e-6],
        second_moment: [state.v, 4e-6],
        ema: [state.ema, 2e-6],
      } as const;
      for (const [kind, [got, tolerance]] of Object.entries(kinds))
        for (const [leaf, { data }] of below(expected, `${at}${kind}/`))
          expect(error(got.get(leaf)!.data, data), `${at}${kind}/${leaf}`).toBeLessThan(tolerance);
    }
  });
});
