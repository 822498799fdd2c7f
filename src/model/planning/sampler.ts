import { InputError, throwIfAbandoned } from '../../base/index.ts';
import {
  activationBits,
  byteLength,
  type Device,
  isStored,
  loadWeight,
  type NdArray,
  type Precision,
  ProgramSession,
  type QuantisedMatrices,
  type TypedArray,
  type Weights,
} from '../../tensor/index.ts';
import {
  buildConditionProgram,
  buildDenoiseProgram,
  buildPrefixProgram,
  type ModelConfig,
  splitLayers,
} from '../network/index.ts';

const f32 = Math.fround;

/**
 * Flow times at which the velocity is evaluated, and after each Euler step, in float32 as the original counts: from 1,
 * by -1/steps, while t ≥ 1/(2·steps).
 */
export function eulerTimes(steps: number): { before: Float32Array; after: Float32Array } {
  const dt = f32(-1 / steps);
  const before: number[] = [];
  const after: number[] = [];
  for (let t = f32(1); t >= f32(-dt / 2); t = f32(t + dt)) {
    before.push(t);
    after.push(f32(t + dt));
  }
  return { before: Float32Array.from(before), after: Float32Array.from(after) };
}

/** What planning starts from, normalised. */
export interface SamplerInputs {
  /** [B, cameras, S, S, 3] uint8 */
  readonly images: Uint8Array;
  /** [B, actionDim] */
  readonly state: Float32Array;
  readonly task: BigInt64Array;
  readonly stage: BigInt64Array;
  /** [B, cameras], with a sampler that takes masks. */
  readonly imageMask?: Uint8Array;
}

export interface SamplerOptions {
  readonly batch: number;
  readonly steps: number;
  readonly threads?: number;
  readonly imageMask?: boolean;
  /** float64 is for telling rounding from mistakes: x is then a Float64Array. The step times stay float32. */
  readonly precision?: Precision;
  /** What computes; the CPU when left out. */
  readonly device?: Device;
  /**
   * Matrices in bytes (`readInt8`): products with them run in integers, and the leaves that they stand for need not be
   * given.
   */
  readonly quantised?: QuantisedMatrices;
}

/**
 * What the action expert sees of the prefix: `keys`, `values` [layers, B, prefix, kvHeads, headDim] (and
 * `prefix_mask`).
 */
export type PrefixCache = Readonly<Record<string, NdArray>>;
export interface EncodedPrefix {
  /** [B, maxStages], not masked. */
  readonly stageLogits: Float32Array;
  readonly cache: PrefixCache;
  /** [B] each, of the heads that there are. */
  readonly heads: { readonly success?: Float32Array; readonly progress?: Float32Array };
}
export type AfterStep = (x: Float32Array, timeAfter: number, step: number) => void;

/** What one model file can hold besides weights that stay in theirs. */
const MAX_LOADED_BYTES = 1.9e9;

/**
 * The weights as sessions take them: float32 in place on the CPU; everything else is read (and widened) first. @throws
 * InputError when that is too much
 */
async function usable(weights: Weights, inPlace: boolean): Promise<Weights> {
  const out = new Map(weights);
  let bytes = 0;
  for (const [name, weight] of weights) {
    if (!isStored(weight) || (inPlace && !weight.packed)) continue;
    bytes += byteLength(weight);
    if (bytes > MAX_LOADED_BYTES)
      throw new InputError(
        weight.file,
        inPlace
          ? 'holds more 16-bit weights than can be widened while loading. Import it with --dtype float32 or int8.'
          : 'is too large for this device and precision. Use the CPU with float32, or --dtype int8.',
      );
    out.set(name, await loadWeight(weight));
  }
  return out;
}

/**
 * From noise to actions for a fixed batch size: one prefix pass, then Euler steps of the action expert against its
 * cache. Weights are baked in; the adaRMS conditions of the step times are computed once at the start.
 */
export class ActionSampler {
  readonly times: { readonly before: Float32Array; readonly after: Float32Array };

  private constructor(
    readonly config: ModelConfig,
    readonly batch: number,
    private readonly prefix: ProgramSession,
    private readonly velocity: ProgramSession,
    private readonly conditions: readonly (Float32Array | Float64Array)[],
    private readonly precision: Precision,
    steps: number,
  ) {
    this.times = eulerTimes(steps);
  }

  static async create(config: ModelConfig, parameters: Weights, options: SamplerOptions): Promise<ActionSampler> {
    const { batch, steps, threads = 1, imageMask = false, precision = 'float32' } = options;
    const { quantised, device = 'cpu' } = options;
    const integers = quantised ? { quantised, activationBits: await activationBits() } : {};
    const weights = splitLayers(config, await usable(parameters, precision === 'float32' && device === 'cpu'));
    const times = eulerTimes(steps).before;
    const conditions = await ProgramSession.create(buildConditionProgram(config, times.length), {
      weights,
      threads,
      precision,
      device,
    });
    const { modulation } = await conditions.run({ time: precision === 'float64' ? Float64Array.from(times) : times });
    await conditions.close();
    const width = modulation!.data.length / times.length;
    const all = modulation!.data as Float32Array | Float64Array;
    const rows = Array.from(times, (_, i) => all.slice(i * width, (i + 1) * width));
    const prefix = await ProgramSession.create(buildPrefixProgram(config, { batch, imageMask }), {
      weights,
      ...integers,
      integerAttention: 'whole',
      threads,
      precision,
      device,
    });
    const denoise = await ProgramSession.create(buildDenoiseProgram(config, { batch, imageMask }), {
      weights,
      ...integers,
      // The same rounded values would be mixed at every step, and their error adds up; that of scores does not.
      integerAttention: 'scores',
      threads,
      precision,
      device,
    });
    return new ActionSampler(config, batch, prefix, denoise, rows, precision, steps);
  }

  /**
   * @param noise [B, horizon, actionDim], where the sampling starts
   * @param afterStep may change x [B, horizon, actionDim] in place after each Euler step; gets the new time
   * (inpainting)
   * @returns normalised actions [B, horizon, actionDim] and stage logits [B, maxStages], not masked
   */
  async sample(
    inputs: SamplerInputs,
    noise: Float32Array,
    afterStep?: AfterStep,
  ): Promise<{ actions: Float32Array; stageLogits: Float32Array }> {
    const { stageLogits, cache } = await this.encode(inputs);
    return { actions: await this.denoise(cache, noise, afterStep), stageLogits };
  }

  /**
   * The prefix pass alone: stage logits, what other heads say, and the cache that any number of chunks
   * can be sampled against.
   */
  async encode(inputs: SamplerInputs): Promise<EncodedPrefix> {
    const { images, task, stage, imageMask } = inputs;
    const state = this.real(inputs.state);
    const mask: Record<string, Uint8Array> = imageMask ? { image_mask: imageMask } : {};
    const { stage_logits, success, progress, ...cache } = await this.prefix.run({
      images,
      state,
      task,
      stage,
      ...mask,
    });
    const copy = (array: NdArray) => (array.data as Float32Array).slice();
    return {
      stageLogits: copy(stage_logits!),
      cache,
      heads: { ...(success && { success: copy(success) }), ...(progress && { progress: copy(progress) }) },
    };
  }

  /** Euler steps from `noise` [B, horizon, actionDim] to normalised actions of the same shape. */
  async denoise(cache: PrefixCache, noise: Float32Array, afterStep?: AfterStep): Promise<Float32Array> {
    const x = this.real(noise) as Float32Array;
    const { keys, values, ...mask } = cache;
    const layers = { ...mask, ...byLayer('keys', keys!), ...byLayer('values', values!) };
    const { before, after } = this.times;
    const dt = f32(-1 / before.length);
    for (let step = 0; step < before.length; step++) {
      throwIfAbandoned();
      const { velocity } = await this.velocity.run({ ...layers, noisy: x, modulation: this.conditions[step]! });
      const v = velocity!.data as Float32Array;
      if (this.precision === 'float64') for (let i = 0; i < x.length; i++) x[i]! -= v[i]! / before.length;
      else for (let i = 0; i < x.length; i++) x[i]! += f32(dt * v[i]!);
      afterStep?.(x, after[step]!, step);
    }
    return x;
  }

  private real(values: Float32Array): Float32Array | Float64Array {
    return this.precision === 'float64' ? Float64Array.from(values) : values.slice();
  }

  async close(): Promise<void> {
    await Promise.all([this.prefix.close(), this.velocity.close()]);
  }
}

/** `name#0`, `name#1`, …: the layers of a stacked array, as views of its memory. */
function byLayer(name: string, { shape, data }: NdArray): Record<string, TypedArray> {
  const [layers] = shape as [number];
  const length = data.length / layers;
  return Object.fromEntries(
    Array.from({ length: layers }, (_, i) => [
      `${name}#${i}`,
      (data as Float32Array).subarray(i * length, (i + 1) * length),
    ]),
  );
}
