import { InputError, ValetError } from '../base/index.ts';
import { buildLossProgram, type ModelConfig, mergeLayers, programParameters, splitLayers } from '../model/index.ts';
import {
  Builder,
  gemmPeak,
  matmul,
  type NdArray,
  type Parameters,
  ProgramSession,
  TrainingState,
} from '../tensor/index.ts';
import type { TrainingBatch } from './batch.ts';
import { average, type Losses } from './losses.ts';
import { microBatch } from './microBatch.ts';
import { type NetworkReading, type ReadingOptions, readNetwork } from './networkReading.ts';
import { type ChunkRequest, type PlannedChunks, planChunks } from './openLoop.ts';

export interface OptimizerOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
  readonly emaDecay: number;
  /**
   * Let the average follow faster at first: the decay of update i is at most (1 + i) / (10 + i). The original does
   * not.
   */
  readonly emaWarmup?: boolean;
}

/** Parameters in the original tree's names, AdamW's moments and the moving average, after `step` updates. */
export interface TrainerSnapshot {
  readonly step: number;
  readonly parameters: Parameters;
  readonly m: Parameters;
  readonly v: Parameters;
  readonly ema: Parameters;
}

export interface TrainerOptions {
  readonly model: ModelConfig;
  readonly batch: number;
  /** The batch goes through the network in so many parts, whose gradients are summed up; 1 when left out. */
  readonly accumulate?: number;
  /** Values within the layers are computed again in the backward pass, in place of being kept. */
  readonly recompute?: boolean;
  readonly optimizer: OptimizerOptions;
  /** [n, n] lower factor L of the noise's covariance, n = horizon · actionDim; null for white noise. */
  readonly noiseFactor: Float32Array | null;
  readonly threads: number;
  /**
   * Leaves that are not trained: no gradient, no part in the norm, no optimiser state; their moving average is what
   * they are.
   */
  readonly frozen?: readonly string[];
  /** Batches say which cameras are there (`imageMask`). */
  readonly imageMask?: boolean;
  /** False: batches hold no FAST tokens, though the network has leaves for them. */
  readonly fastTokens?: boolean;
  /** Fresh weights, or all of a run that goes on. */
  readonly start: Pick<TrainerSnapshot, 'parameters'> & Partial<TrainerSnapshot>;
  /** Measure what the machine's matrix products reach, for the share of it that training uses. */
  readonly measurePeak?: boolean;
}

export interface TrainerInfo {
  readonly parameters: number;
  /** Names of the losses of every update. */
  readonly losses: readonly string[];
  /** Floating point operations of one update's matrix products. */
  readonly flops: number;
  /** GFLOP/s of this machine's matrix products; absent when not measured. */
  readonly peak?: number;
}

/** Training tells the network a stage that may differ from the one it should find. */
const inputs = ({ imageMask = false, fastTokens = true }: TrainerOptions) =>
  ({ imageInput: 'uint8', imageMask, fastTokens, stageLabel: true }) as const;

/** [B] each: what an update's samples are of, and their own losses. */
export interface SampleLosses {
  readonly task: Int32Array;
  /** The flow loss. */
  readonly action: Float32Array;
  readonly stage: Float32Array;
  /** 1 where the stage head was right. */
  readonly right: Float32Array;
}

/** What an update is asked for with. */
export interface StepRequest {
  readonly batch: TrainingBatch;
  readonly learningRate: number;
  readonly read?: ReadingOptions;
  readonly normLimit?: number | undefined;
}

export interface StepReport {
  readonly losses: Losses;
  readonly samples: SampleLosses;
  /** When it was asked for: the network and its gradients, before the update. */
  readonly reading?: NetworkReading;
  /** Global norm before clipping. */
  readonly gradientNorm: number;
  /** False when the losses or gradients were not finite, or their norm above the limit: the update was left out. */
  readonly applied: boolean;
  readonly milliseconds: number;
}

/**
 * Owns the loss program and the training state: gradients are fetched straight into WebAssembly memory and AdamW works
 * on them in place (docs/engine.md#training). It blocks its thread while it computes; `trainer.worker.ts` gives it one
 * of its own. Knows nothing of data.
 */
export class Trainer {
  private evaluation: ProgramSession | undefined;
  private readonly fetches: Record<string, NdArray>;
  /** What the parts of a batch after the first one are fetched into; its gradients are arrays of their own. */
  private readonly laterFetches: Record<string, NdArray>;
  private readonly lossNames: string[];

  private constructor(
    private readonly options: TrainerOptions,
    private readonly state: TrainingState,
    /** Weights that are not trained, as the program takes them. */
    private readonly fixed: Parameters,
    private readonly session: ProgramSession,
    private readonly noise: ProgramSession | null,
    readonly info: TrainerInfo,
  ) {
    const gradients = this.state.fetches();
    this.fetches = {};
    this.lossNames = [];
    for (const { name, shape, dtype } of session.outputs) {
      const gradient = gradients[name];
      if (gradient) this.fetches[name] = gradient;
      else if (name.startsWith('gradient/')) throw new ValetError('Trainer', `no room for ${name}.`);
      else {
        if (shape.length === 0) this.lossNames.push(name);
        this.fetches[name] = { shape, dtype, data: new Float32Array(shape[0] ?? 1) };
      }
    }
    this.laterFetches = { ...this.fetches };
    if (this.parts > 1)
      for (const [name, { shape, dtype, data }] of Object.entries(gradients))
        if (this.fetches[name]) this.laterFetches[name] = { shape, dtype, data: new Float32Array(data.length) };
  }

  static async open(options: TrainerOptions): Promise<Trainer> {
    const { model, batch, start, threads, noiseFactor } = options;
    const frozen = new Set(options.frozen);
    const weights = programParameters(model);
    for (const leaf of frozen)
      if (!weights.some((weight) => weight.leaf === leaf))
        throw new InputError('Trainer', `no leaf ${leaf} to freeze.`);
    const trained = weights.filter(({ leaf }) => !frozen.has(leaf));
    const state = new TrainingState(trained.map(({ input, shape }) => ({ name: input, shape })));
    const split = (tree: Parameters | undefined) => tree && splitLayers(model, tree);
    state.load({
      step: start.step ?? 0,
      parameters: split(start.parameters)!,
      ...(start.ema ? { ema: split(start.ema)! } : {}),
      ...(start.m && start.v ? { m: split(start.m)!, v: split(start.v)! } : {}),
    });
    const fixed = splitLayers(model, new Map([...start.parameters].filter(([leaf]) => frozen.has(leaf))));
    const trainable = (leaf: string) => !frozen.has(leaf);
    const { accumulate: parts = 1, recompute = false } = options;
    const program = buildLossProgram(model, {
      ...{ batch: batch / parts, gradients: true, perSample: true, recompute, trainable },
      ...inputs(options),
    });
    const session = await ProgramSession.create(program, { threads });
    const noise = noiseFactor && (await noiseSession(noiseFactor, model, batch, threads));
    return new Trainer(options, state, fixed, session, noise, {
      parameters: state.count,
      losses: session.outputs.flatMap(({ name, shape }) =>
        shape.length === 0 && !name.startsWith('gradient/') ? [name] : [],
      ),
      flops: parts * program.flops,
      ...(options.measurePeak ? { peak: await gemmPeak(threads) } : {}),
    });
  }

  /**
   * One update, left out when its norm is above `normLimit`. @param read what to read of the network on the way
   * @returns the losses before it
   */
  async step(
    batch: TrainingBatch,
    learningRate: number,
    { read, normLimit }: { readonly read?: ReadingOptions; readonly normLimit?: number | undefined } = {},
  ): Promise<StepReport> {
    const started = performance.now();
    const { losses, samples } = await this.gradientsOf(await this.withNoise(batch));
    const reading = read && readNetwork(this.options.model, this.state, read);
    const { emaDecay: decay, emaWarmup, ...optimizer } = this.options.optimizer;
    const made = this.state.step;
    const emaDecay = emaWarmup ? Math.min(decay, (1 + made) / (10 + made)) : decay;
    const skipAbove = Object.values(losses).every(Number.isFinite) ? normLimit : -1;
    const result = this.state.clipAndStep({ ...optimizer, emaDecay, learningRate, skipAbove });
    const milliseconds = performance.now() - started;
    return { losses, samples, ...(reading && { reading }), ...result, milliseconds };
  }

  /** Puts the mean gradients of a batch into the state, part by part. */
  private async gradientsOf(batch: TrainingBatch): Promise<Pick<StepReport, 'losses' | 'samples'>> {
    const [action, stage, right] = [0, 1, 2].map(() => new Float32Array(batch.task.length)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const all: Losses[] = [];
    for (let part = 0; part < this.parts; part++) {
      const fetches = part === 0 ? this.fetches : this.laterFetches;
      const micro = microBatch(batch, part, this.parts);
      await this.session.run(this.feeds(this.session, micro, this.state.parameters), fetches);
      const values = (name: string) => fetches[name]!.data as Float32Array;
      all.push(Object.fromEntries(this.lossNames.map((name) => [name, values(name)[0]!])));
      const from = part * micro.task.length;
      action.set(values('sample/action'), from);
      stage.set(values('sample/stage'), from);
      right.set(values('sample/stage_right'), from);
      if (part > 0) this.addGradients(part === this.parts - 1 ? 1 / this.parts : 1);
    }
    return { losses: average(all), samples: { task: batch.task, action, stage, right } };
  }

  /** Adds a later part's gradients to the sum, which is scaled then. */
  private addGradients(scale: number): void {
    for (const [name, { data }] of Object.entries(this.state.fetches())) {
      const sum = data as Float32Array;
      const more = this.laterFetches[name]!.data as Float32Array;
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i]! + more[i]!) * scale;
    }
  }

  /** The losses of a batch under the averaged weights; nothing changes. */
  async validate(batch: TrainingBatch): Promise<Losses> {
    const { model, batch: size, threads } = this.options;
    const settings = { batch: size / this.parts, gradients: false, ...inputs(this.options) };
    this.evaluation ??= await ProgramSession.create(buildLossProgram(model, settings), { threads });
    const noisy = await this.withNoise(batch);
    const all: Losses[] = [];
    for (let part = 0; part < this.parts; part++) {
      const micro = microBatch(noisy, part, this.parts);
      const outputs = await this.evaluation.run(this.feeds(this.evaluation, micro, this.state.ema), this.lossNames);
      all.push(Object.fromEntries(this.lossNames.map((name) => [name, Number(outputs[name]!.data[0])])));
    }
    return average(all);
  }

  /** Plans chunks with the averaged weights; nothing changes. */
  planChunks(requests: readonly ChunkRequest[], steps: number): Promise<PlannedChunks[]> {
    const { model, threads } = this.options;
    return planChunks(model, this.averaged(), requests, { steps, threads });
  }

  private averaged(): Parameters {
    return mergeLayers(this.options.model, new Map([...this.fixed, ...this.state.ema]));
  }

  /** Copies of everything that a run goes on from. */
  snapshot(): TrainerSnapshot {
    const { model } = this.options;
    const { step, parameters, m, v } = this.state;
    return {
      step,
      parameters: mergeLayers(model, new Map([...this.fixed, ...parameters])),
      m: mergeLayers(model, m),
      v: mergeLayers(model, v),
      ema: this.averaged(),
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.session.close(), this.noise?.close(), this.evaluation?.close()]);
  }

  private get parts(): number {
    return this.options.accumulate ?? 1;
  }

  /** The batch with the data's correlation in its noise. */
  private async withNoise(batch: TrainingBatch): Promise<TrainingBatch> {
    if (!this.noise) return batch;
    const noise = (await this.noise.run({ z: batch.whiteNoise }))['noise']!.data as Float32Array;
    return { ...batch, whiteNoise: noise };
  }

  /** Inputs of the loss program, by the names and types that it asks for. The noise has its correlation already. */
  private feeds(session: ProgramSession, batch: TrainingBatch, weights: Parameters): Record<string, NdArray> {
    const given: Record<string, ArrayLike<number | bigint>> = {
      images: batch.images,
      state: batch.state,
      task: batch.task,
      stage: batch.toldStage,
      stage_label: batch.stage,
      actions: batch.actions,
      noise: batch.whiteNoise,
      time: batch.time,
      objects: batch.objects,
      ...(batch.imageMask && { image_mask: batch.imageMask }),
      ...(batch.fastTokens && { fast_tokens: batch.fastTokens }),
      ...(batch.fastMask && { fast_mask: batch.fastMask }),
    };
    const feeds: Record<string, NdArray> = {};
    for (const { name, shape, dtype } of session.inputs) {
      const weight = weights.get(name) ?? this.fixed.get(name);
      const values = given[name];
      if (weight) feeds[name] = weight;
      else if (values) feeds[name] = { shape, dtype, data: asType(values, dtype) };
      else throw new ValetError('Trainer', `the loss program asks for '${name}', which training does not make.`);
    }
    return feeds;
  }
}

/** z [flow samples · batch, horizon · width] → z·Lᵀ: one matrix product for all draws of an update. */
async function noiseSession(
  factor: Float32Array,
  { flowSamples, actionHorizon, actionDim }: ModelConfig,
  batch: number,
  threads: number,
): Promise<ProgramSession> {
  const rows = flowSamples * batch;
  const numbers = actionHorizon * actionDim;
  const builder = new Builder();
  const z = builder.input('z', [rows, numbers]);
  builder.output('noise', matmul(z, builder.parameter('factor', [numbers, numbers]), { transposeB: true }));
  const weights: Parameters = new Map([['factor', { shape: [numbers, numbers], dtype: 'float32', data: factor }]]);
  return ProgramSession.create(builder.build(), { threads, weights });
}

function asType(values: ArrayLike<number | bigint>, dtype: NdArray['dtype']): NdArray['data'] {
  if (dtype === 'int64')
    return values instanceof BigInt64Array
      ? values
      : BigInt64Array.from(values as ArrayLike<number>, (value) => BigInt(value));
  if (dtype === 'float32')
    return values instanceof Float32Array ? values : Float32Array.from(values as ArrayLike<number>);
  if (dtype === 'int32') return values instanceof Int32Array ? values : Int32Array.from(values as ArrayLike<number>);
  return values instanceof Uint8Array ? values : Uint8Array.from(values as ArrayLike<number>);
}
