import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configOfGoldenCase } from '../../test/support/networkConfig.ts';
import { type Parameters, readSafetensors } from '../tensor/index.ts';
import type { TrainingBatch } from './batch.ts';
import { learningRate } from './schedule.ts';
import { Trainer } from './trainer.ts';
import type { TrainerOptions } from './trainerOptions.ts';

const GOLDEN = join(import.meta.dirname, '../../test/golden/train-steps');
/** Its gradient is zero in exact arithmetic: what moves it is rounding (the case's README). */
const ROUNDING_ONLY = 'PaliGemma/img/Transformer/encoderblock/MultiHeadDotProductAttention_0/key/bias';

/** rms(got - expected) / rms(expected - start), with the absolute floor of 1e-6 on the first. */
function moved(got: Parameters, expected: Parameters, start: Parameters): [string, number][] {
  return [...expected].map(([name, { data }]) => {
    const [a, b, s] = [got.get(name)!.data, data, start.get(name)!.data] as Float32Array[];
    let [difference, way] = [0, 0];
    for (let i = 0; i < b!.length; i++) {
      difference += (a![i]! - b![i]!) ** 2;
      way += (b![i]! - s![i]!) ** 2;
    }
    const rms = Math.sqrt(difference / b!.length);
    return [name, rms < 1e-6 ? 0 : rms / Math.sqrt(way / b!.length)];
  });
}

describe('Trainer', () => {
  it('makes the four training steps of the original (golden case train-steps, released)', async () => {
    const manifest = JSON.parse(await readFile(join(GOLDEN, 'manifest.json'), 'utf8'));
    const { config: c, subcases } = manifest;
    const [start, inputs, expected] = await Promise.all(
      ['params', 'inputs', 'released.expected'].map((name) => readSafetensors(join(GOLDEN, `${name}.safetensors`))),
    );
    const model = configOfGoldenCase(c, { use_fast_auxiliary: true, ...c });
    const optimizer = {
      beta1: c.b1,
      beta2: c.b2,
      epsilon: c.eps,
      weightDecay: c.weight_decay,
      clipNorm: c.clip_global_norm,
      emaDecay: c.ema_decay,
    };
    const trainer = await Trainer.open({
      model,
      batch: c.batch,
      optimizer,
      noiseFactor: null,
      threads: 1,
      start: { parameters: start! },
    });
    const below = (prefix: string): Parameters =>
      new Map(
        [...expected!].filter(([n]) => n.startsWith(prefix)).map(([n, array]) => [n.slice(prefix.length), array]),
      );
    const schedule = {
      warmupSteps: c.schedule.warmup_steps,
      peak: c.schedule.peak_lr,
      decaySteps: c.schedule.decay_steps,
      final: c.schedule.decay_lr,
    };
    try {
      for (let step = 0; step < c.steps; step++) {
        const golden = subcases.released.per_step[step];
        const batch = batchOf(inputs!, step, c.batch, c.cameras);
        const report = await trainer.step(batch, learningRate(schedule, step), { read: { histograms: step === 1 } });
        expect(Math.abs(report.losses['loss']! / golden.loss - 1)).toBeLessThan(1e-5);
        expect(Math.abs(report.losses['loss/fast']! / golden.fast_loss - 1)).toBeLessThan(1e-5);
        expect(Math.abs(report.losses['loss/stage']! / golden.subtask_loss - 1)).toBeLessThan(1e-5);
        expect(Math.abs(report.gradientNorm / golden.grad_norm - 1)).toBeLessThan(1e-5);
        const { reading, samples } = report;
        const norms = Object.values(reading!.gradientNorms);
        expect(Math.hypot(...norms) / report.gradientNorm - 1).toBeCloseTo(0, 6);
        expect(reading!.histograms !== undefined).toBe(step === 1);
        expect(samples.task).toEqual(batch.task);
        const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / c.batch;
        expect(mean(samples.action)).toBeCloseTo(report.losses['loss/action']!, 5);
        expect(mean(samples.stage)).toBeCloseTo(report.losses['loss/stage']!, 5);
        expect(mean(samples.right)).toBeCloseTo(report.losses['stage_accuracy']!, 5);
        if (step !== 0 && step !== 3) continue;
        for (const [name, ratio] of moved(trainer.snapshot().parameters, below(`after${step + 1}/params/`), start!))
          if (name !== ROUNDING_ONLY) expect(ratio, name).toBeLessThan(1e-2);
      }
      for (const [name, ratio] of moved(trainer.snapshot().ema, below('after4/ema/'), start!))
        if (name !== ROUNDING_ONLY) expect(ratio, name).toBeLessThan(1e-2);
    } finally {
      await trainer.close();
    }
  });

  it('leaves frozen leaves as they are, out of the norm and of the optimiser', async () => {
    const { config: c } = JSON.parse(await readFile(join(GOLDEN, 'manifest.json'), 'utf8'));
    const [start, inputs] = await Promise.all(
      ['params', 'inputs'].map((name) => readSafetensors(join(GOLDEN, `${name}.safetensors`))),
    );
    const open = (frozen: readonly string[]) =>
      Trainer.open({
        model: configOfGoldenCase(c, { use_fast_auxiliary: true, ...c }),
        batch: c.batch,
        optimizer: { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1, emaDecay: 0.9 },
        noiseFactor: null,
        threads: 1,
        frozen,
        start: { parameters: start! },
      });
    const [still, moving] = ['PaliGemma/llm/layers/mlp/linear', 'action_in_proj/kernel'];
    const [free, held] = [await open([]), await open([still!])];
    const batch = batchOf(inputs!, 0, c.batch, c.cameras);
    const [a, b] = [await free.step(batch, 0.01), await held.step(batch, 0.01)];
    expect(b.losses).toEqual(a.losses);
    expect(b.gradientNorm).toBeLessThan(a.gradientNorm);
    const { parameters, ema, m } = held.snapshot();
    for (const tree of [parameters, ema, m]) expect([...tree.keys(), still!].sort()).toEqual([...start!.keys()].sort());
    expect(parameters.get(moving!)).not.toEqual(start!.get(moving!));
    expect(await held.validate(batch)).toHaveProperty('loss');
    await Promise.all([free.close(), held.close()]);
    await expect(open(['no/such/leaf'])).rejects.toThrow(/no leaf no\/such\/leaf to freeze/);
  });
});

it('parts of a batch, recomputed layers and one layer at a time give the update of the whole batch', async () => {
  const { config: c } = JSON.parse(await readFile(join(GOLDEN, 'manifest.json'), 'utf8'));
  const [start, inputs] = await Promise.all(
    ['params', 'inputs'].map((name) => readSafetensors(join(GOLDEN, `${name}.safetensors`))),
  );
  const model = configOfGoldenCase(c, { use_fast_auxiliary: true, ...c });
  const batch = batchOf(inputs!, 0, c.batch, c.cameras);
  const run = async (how: Pick<TrainerOptions, 'accumulate' | 'recompute' | 'layerwise'>) => {
    const trainer = await Trainer.open({
      ...{ model, batch: c.batch, noiseFactor: null, threads: 1, start: { parameters: start! }, ...how },
      optimizer: { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1, emaDecay: 0.9 },
    });
    try {
      const reports = [
        await trainer.step(batch, 0.01),
        await trainer.step(batch, 0.01, { read: { histograms: false } }),
      ];
      return { reports, held: await trainer.validate(batch), parameters: trainer.snapshot().parameters };
    } finally {
      await trainer.close();
    }
  };
  const whole = await run({});
  // Gradients add up in another order: they differ by rounding alone.
  const ways = [{ recompute: true }, { accumulate: c.batch }, { layerwise: true }, { layerwise: true, accumulate: 2 }];
  for (const how of ways) {
    const parts = await run(how);
    for (const [name, ratio] of moved(parts.parameters, whole.parameters, start!))
      if (name !== ROUNDING_ONLY) expect(ratio, name).toBeLessThan(1e-2);
    for (const [i, { losses, gradientNorm, samples, reading }] of parts.reports.entries()) {
      const expected = whole.reports[i]!;
      expect(Math.abs(gradientNorm / expected.gradientNorm - 1)).toBeLessThan(1e-5);
      for (const [name, value] of Object.entries(losses)) expect(value).toBeCloseTo(expected.losses[name]!, 5);
      expect(samples.action).toHaveLength(c.batch);
      for (const [b, value] of samples.action.entries()) expect(value).toBeCloseTo(expected.samples.action[b]!, 5);
      for (const [part, norm] of Object.entries(reading?.gradientNorms ?? {}))
        expect(norm).toBeCloseTo(expected.reading!.gradientNorms[part as 'vlm']!, 4);
    }
    for (const [name, value] of Object.entries(parts.held)) expect(value).toBeCloseTo(whole.held[name]!, 5);
  }
});

function batchOf(inputs: Parameters, step: number, size: number, cameras: readonly string[]): TrainingBatch {
  const get = (name: string) => inputs.get(`step${step}/${name}`)!.data;
  const prompt = get('tokenized_prompt') as Int32Array;
  const column = (k: number) => Int32Array.from({ length: size }, (_, b) => prompt[2 * b + k]!);
  const pictures = cameras.map((camera) => get(`image_uint8/${camera}`) as Uint8Array);
  const bytes = pictures[0]!.length / size;
  const images = new Uint8Array(size * 3 * bytes);
  for (let b = 0; b < size; b++)
    pictures.forEach((picture, k) => {
      images.set(picture.subarray(b * bytes, (b + 1) * bytes), (b * 3 + k) * bytes);
    });
  return {
    images,
    state: get('state') as Float32Array,
    task: column(0),
    stage: column(1),
    toldStage: column(1),
    actions: get('actions') as Float32Array,
    whiteNoise: get('noise') as Float32Array,
    time: get('time') as Float32Array,
    objects: new Float32Array(0),
    fastTokens: get('fast_tokens') as Int32Array,
    fastMask: get('fast_token_mask') as Uint8Array,
  };
}
