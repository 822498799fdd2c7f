import { type Parameters, TrainingState } from '../../tensor/index.ts';
import { learningRate, type Schedule } from '../../train/index.ts';
import { compareArrays, type Outcome, toleranceOf, UnknownQuantity, worstOf } from '../compare.ts';
import { type GoldenCase, pattern } from '../goldenCase.ts';
import type { Check } from '../kind.ts';
import type { Quantity } from '../manifest.ts';
import { tensorOf } from './subcase.ts';

/** The settings of an optimiser as the manifests have them. */
export interface OptimizerConfig {
  readonly steps?: number;
  readonly b1: number;
  readonly b2: number;
  readonly eps: number;
  readonly weight_decay: number;
  /** Null: no clipping, no moving average. */
  readonly clip_global_norm?: number | null;
  readonly ema_decay?: number | null;
  readonly schedule: {
    readonly kind?: string;
    readonly warmup_steps?: number;
    readonly peak_lr: number;
    readonly decay_steps?: number;
    readonly decay_lr?: number;
  };
}

/** @throws UnknownQuantity for another kind of schedule than warm-up and cosine, or constant */
export function scheduleOf({ schedule }: OptimizerConfig): Schedule {
  const { kind = 'cosine_with_warmup', warmup_steps = 0, peak_lr: peak, decay_steps = 0, decay_lr = 0 } = schedule;
  if (kind === 'constant') return { warmupSteps: warmup_steps, peak, decaySteps: warmup_steps, final: peak };
  if (kind !== 'cosine_with_warmup') throw new UnknownQuantity('schedule', `kind ${kind} is not built.`);
  return { warmupSteps: warmup_steps, peak, decaySteps: decay_steps, final: decay_lr };
}

export function stepOptions(config: OptimizerConfig) {
  return {
    beta1: config.b1,
    beta2: config.b2,
    epsilon: config.eps,
    weightDecay: config.weight_decay,
    clipNorm: config.clip_global_norm ?? Number.POSITIVE_INFINITY,
    emaDecay: config.ema_decay ?? 0,
  };
}

/** What the optimiser's updates gave: arrays by `step<i>/<params|…>/<leaf>`, and one number per step. */
interface Updates {
  readonly arrays: ReadonlyMap<string, Float32Array>;
  readonly perStep: Readonly<Record<'learning_rate' | 'gradient_norm' | 'clip_factor', number[]>>;
}

/** AdamW, clipping, schedule and moving average over given gradients. */
export function optimizer(golden: GoldenCase): Check {
  const config = golden.config as unknown as OptimizerConfig;
  const schedule = scheduleOf(config);
  return async (quantity) => {
    const name = tensorOf(quantity);
    if (name.startsWith('schedule')) {
      const expected = await golden.tensor(quantity.file, name);
      const first = Number(/^schedule_(\d+)_to_\d+$/.exec(name)?.[1] ?? 0);
      const rates = Array.from({ length: expected.data.length }, (_, i) => learningRate(schedule, first + i));
      return compareArrays(rates, expected, toleranceOf(quantity));
    }
    const updates = await golden.once('updates', () => update(golden, config, schedule));
    if (name in updates.perStep)
      return compareArrays(
        updates.perStep[name as 'learning_rate'],
        await golden.tensor(quantity.file, name),
        toleranceOf(quantity),
      );
    return compareMatching(quantity, await golden.tensors(quantity.file), updates.arrays);
  };
}

/** Every expected tensor whose name fits the quantity's pattern. */
function compareMatching(quantity: Quantity, expected: Parameters, got: ReadonlyMap<string, Float32Array>): Outcome {
  const fits = pattern(tensorOf(quantity));
  const parts = [...expected].filter(([name]) => fits.test(name));
  if (parts.length === 0) throw new UnknownQuantity('optimizer', `no tensor fits ${quantity.tensor ?? quantity.name}.`);
  return worstOf(
    parts.map(([name, target]) => {
      const own = got.get(name.replace(/^step0*(\d+)\//, 'step$1/'));
      if (!own) throw new UnknownQuantity('optimizer', `${name} is not something that an update gives.`);
      return [name, compareArrays(own, target, toleranceOf(quantity))] as const;
    }),
  );
}

/** One more than the largest number of a `step<i>/…`. */
function stepsOf(gradients: Parameters): number {
  return Math.max(0, ...[...gradients.keys()].map((name) => 1 + Number(/^step(\d+)\//.exec(name)?.[1] ?? -1)));
}

async function update(golden: GoldenCase, config: OptimizerConfig, schedule: Schedule): Promise<Updates> {
  const start = await golden.tensors(golden.file('params.safetensors'));
  const gradients = await golden.tensors(golden.file('gradients.safetensors'));
  const state = new TrainingState([...start].map(([name, { shape }]) => ({ name, shape })));
  await state.load({ parameters: start });
  const arrays = new Map<string, Float32Array>();
  const { clipNorm } = stepOptions(config);
  const steps = config.steps ?? stepsOf(gradients);
  const perStep: Updates['perStep'] = { learning_rate: [], gradient_norm: [], clip_factor: [] };
  for (let step = 0; step < steps; step++) {
    for (const { data } of state.gradients.values()) (data as Float32Array).fill(0);
    for (const [name, { data }] of gradients) {
      const match = /^step(\d+)\/(.+)$/.exec(name);
      if (Number(match?.[1]) !== step) continue;
      (state.gradients.get(match![2]!)!.data as Float32Array).set(data as Float32Array);
    }
    const rate = learningRate(schedule, step);
    const { gradientNorm } = state.clipAndStep({ ...stepOptions(config), learningRate: rate });
    perStep.learning_rate.push(rate);
    perStep.gradient_norm.push(gradientNorm);
    perStep.clip_factor.push(gradientNorm > 0 ? Math.min(1, clipNorm / gradientNorm) : 1);
    const kinds = { params: state.parameters, first_moment: state.m, second_moment: state.v, ema: state.ema };
    for (const [kind, tree] of Object.entries(kinds))
      for (const [name, { data }] of tree) arrays.set(`step${step}/${kind}/${name}`, (data as Float32Array).slice());
  }
  return { arrays, perStep };
}
