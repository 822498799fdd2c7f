import { type Communicator, InputError, present, ValetError } from '../base/index.ts';
import { buildLossProgram, mergeLayers, mergeLora, programParameters, splitLayers } from '../model/index.ts';
import {
  gemmPeak,
  loadWeights,
  type NdArray,
  type Parameters,
  type ProgramSession,
  TrainingState,
  type Weight,
  type Weights,
} from '../tensor/index.ts';
import { batchRows, type TrainingBatch } from './batch.ts';
import { average, type Losses } from './losses.ts';
import { type LossSession, lossInputs, lossModel, lossSession } from './lossSession.ts';
import { type ReadingOptions, readNetwork } from './networkReading.ts';
import { noiseSession } from './noiseFactor.ts';
import { type ChunkRequest, type PlannedChunks, planChunks } from './openLoop.ts';
import { leadRanks } from './ranks/index.ts';
import { trainerFeeds } from './trainerFeeds.ts';
import type {
  LeafRequest,
  SampleLosses,
  StepReport,
  TrainerInfo,
  TrainerOptions,
  TrainerSnapshot,
} from './trainerOptions.ts';

/**
 * Owns the loss program and the training state: gradients are fetched straight into WebAssembly memory and AdamW works
 * on them in place (docs/engine.md#training). It blocks its thread while it computes; `trainer.worker.ts` gives it one
 * of its own. Knows nothing of data.
 */
export class Trainer {
  private evaluation: LossSession | undefined;
  private readonly fetches: Record<string, NdArray>;
  /** What the parts of a batch after the first one are fetched into; its gradients are arrays of their own. */
  private readonly laterFetches: Record<string, NdArray>;
  private readonly lossNames: string[];
  /** Weights that are not trained, as the program takes them. */
  private readonly fixedInputs: Weights;
  /** The averaged weights since the last update, once somebody has asked for them. */
  private averages: Parameters | undefined;

  private constructor(
    private readonly options: TrainerOptions,
    private readonly state: TrainingState,
    /** Leaves that are not trained; layer by layer they lie in files. */
    private readonly fixed: Weights,
    private readonly session: LossSession,
    private readonly noise: ProgramSession | null,
    readonly info: TrainerInfo,
    private readonly communicator: Communicator | undefined,
  ) {
    this.fixedInputs = splitLayers(lossModel(options), fixed, options.lora);
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

  /**
   * @param communicator the ranks that train together: all of them open, step and give `whole` alike; rank 0 alone may
   * validate and take snapshots, and leads the others
   */
  static async open(options: TrainerOptions, communicator?: Communicator): Promise<Trainer> {
    const { model, batch, start, threads, noiseFactor, lora = null } = options;
    const frozen = new Set(options.frozen);
    const weights = programParameters(model, lora);
    for (const leaf of frozen)
      if (!weights.some((weight) => weight.leaf === leaf))
        throw new InputError('Trainer', `no leaf ${leaf} to freeze.`);
    const trained = weights.filter(({ leaf }) => !frozen.has(leaf));
    const state = new TrainingState(
      trained.map(({ input, shape }) => ({ name: input, shape })),
      { communicator },
    );
    const split = <W extends Weight>(tree: ReadonlyMap<string, W> | undefined) =>
      tree && splitLayers(model, tree, lora);
    const trainable = (leaf: string) => !frozen.has(leaf);
    await state.load({
      step: start.step ?? 0,
      parameters: split(start.parameters)!,
      ...(start.ema ? { ema: split(start.ema)! } : {}),
      ...(start.m && start.v ? { m: split(start.m)!, v: split(start.v)! } : {}),
    });
    const { accumulate: parts = 1, recompute = false, layerwise = false } = options;
    const untrained = new Map([...start.parameters].filter(([leaf]) => frozen.has(leaf)));
    const fixed = layerwise ? untrained : await loadWeights(untrained);
    const program = buildLossProgram(lossModel(options), {
      ...{ batch: batch / parts, gradients: true, perSample: true, recompute: recompute || layerwise, trainable, lora },
      ...lossInputs(options),
    });
    const session = await lossSession(program, options);
    const noise = noiseFactor && (await noiseSession(noiseFactor, model, batch, threads));
    const ranks = communicator?.size ?? 1;
    const info = {
      parameters: state.count,
      losses: session.outputs.flatMap(({ name, shape }) =>
        shape.length === 0 && !name.startsWith('gradient/') ? [name] : [],
      ),
      flops: ranks * parts * program.flops,
      ...(options.measurePeak ? { peak: ranks * (await gemmPeak(threads)) } : {}),
    };
    return new Trainer(options, state, fixed, session, noise, info, communicator);
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
    this.averages = undefined;
    const limit = normLimit === undefined ? {} : { normLimit };
    leadRanks(this.communicator, { method: 'step', learningRate, ...limit, ...(read && { read }) });
    const started = performance.now();
    const own = await this.gradientsOf(await this.withNoise(batch));
    if (read) this.state.averageGradients();
    const reading = read && readNetwork(this.options.model, this.state, read, this.options.lora);
    const { emaDecay: decay, emaWarmup, ...optimizer } = this.options.optimizer;
    const made = this.state.step;
    const emaDecay = emaWarmup ? Math.min(decay, (1 + made) / (10 + made)) : decay;
    const losses = this.meanLosses(own.losses);
    const skipAbove = Object.values(losses).every(Number.isFinite) ? normLimit : -1;
    const result = this.state.clipAndStep({ ...optimizer, emaDecay, learningRate, skipAbove });
    return {
      losses,
      samples: this.gatheredSamples(own.samples),
      ...(reading && { reading }),
      ...result,
      milliseconds: performance.now() - started,
    };
  }

  /** Puts the mean gradients of this rank's batch into the state, part by part. */
  private async gradientsOf(batch: TrainingBatch): Promise<Pick<StepReport, 'losses' | 'samples'>> {
    const [action, stage, right] = [0, 1, 2].map(() => new Float32Array(batch.task.length)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const all: Losses[] = [];
    for (const [part, micro] of this.partsOf(batch).entries()) {
      const fetches = part === 0 ? this.fetches : this.laterFetches;
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

  /** The samples of the update and their own losses; on rank 0 those of all ranks. */
  private gatheredSamples({ task, action, stage, right }: SampleLosses): SampleLosses {
    const all = [task, action, stage, right].map((own) => gathered(Float32Array.from(own), this.communicator));
    const [tasks, ...losses] = all as [Float32Array, Float32Array, Float32Array, Float32Array];
    return { task: Int32Array.from(tasks), action: losses[0], stage: losses[1], right: losses[2] };
  }

  /** The losses of the update, over all ranks. */
  private meanLosses(own: Losses): Losses {
    const sums = Float64Array.from(this.lossNames, (name) => own[name]!);
    this.communicator?.allReduce(sums);
    return Object.fromEntries(this.lossNames.map((name, i) => [name, sums[i]! / (this.communicator?.size ?? 1)]));
  }

  /**
   * A moment or the average of all trained parameters; of several ranks, rank 0 gets it and all of them call it at its
   * lead.
   */
  whole(kind: 'm' | 'v' | 'ema'): Parameters {
    leadRanks(this.communicator, { method: 'whole', kind });
    return this.state.whole(kind);
  }

  /** The averaged weights. */
  private ema(): Parameters {
    this.averages ??= this.whole('ema');
    return this.averages;
  }

  /**
   * The losses of a batch under the averaged weights; nothing changes. It has the samples of an update, of all ranks.
   */
  async validate(batch: TrainingBatch): Promise<Losses> {
    const { batch: size, lora } = this.options;
    const settings = {
      batch: size / this.parts,
      gradients: false,
      lora,
      ...lossInputs(this.options),
      sampleWeights: false,
    };
    this.evaluation ??= await lossSession(buildLossProgram(lossModel(this.options), settings), this.options);
    const ema = this.ema();
    const ranks = this.communicator?.size ?? 1;
    const all: Losses[] = [];
    for (let rank = 0; rank < ranks; rank++) {
      const noisy = await this.withNoise(this.rowsOf(batch, rank * size, size));
      for (const micro of this.partsOf(noisy)) {
        const outputs = await this.evaluation.run(this.feeds(this.evaluation, micro, ema), this.lossNames);
        all.push(Object.fromEntries(this.lossNames.map((name) => [name, Number(outputs[name]!.data[0])])));
      }
    }
    return average(all);
  }

  /** Plans chunks with the averaged weights; nothing changes. */
  async planChunks(requests: readonly ChunkRequest[], steps: number): Promise<PlannedChunks[]> {
    const { model, threads, lora } = this.options;
    const adapters = mergeLayers(model, this.ema(), lora);
    const merged = lora ? await mergeLora(model, lora, { base: this.fixed, adapters }) : [];
    return planChunks(model, new Map([...this.fixed, ...adapters, ...merged]), requests, { steps, threads });
  }

  /** Copies of what is trained, and of its moments and average. */
  snapshot(): TrainerSnapshot {
    const { model, lora } = this.options;
    const { step, parameters } = this.state;
    const copied = (views: Parameters) => mergeLayers(model, views, lora);
    return {
      step,
      parameters: copied(parameters),
      m: copied(this.whole('m')),
      v: copied(this.whole('v')),
      ema: copied(this.ema()),
    };
  }

  /** A copy of one leaf of what is trained: what `snapshot` says of it, without memory for all. */
  leaf(kind: LeafRequest['kind'], leaf: string): NdArray {
    const { model, lora } = this.options;
    const views = new Map([...this.state[kind]].filter(([input]) => input.split('#')[0] === leaf));
    return present(mergeLayers(model, views, lora).get(leaf), leaf);
  }

  async close(): Promise<void> {
    await Promise.all([this.session.close(), this.noise?.close(), this.evaluation?.close()]);
  }

  private get parts(): number {
    return this.options.accumulate ?? 1;
  }

  private rowsOf(batch: TrainingBatch, from: number, size: number): TrainingBatch {
    return size === batch.task.length
      ? batch
      : batchRows(batch, { from, size, flowSamples: this.options.model.flowSamples });
  }

  private feeds(session: LossSession, batch: TrainingBatch, weights: Parameters): Record<string, Weight> {
    return trainerFeeds(session, batch, (name) => weights.get(name) ?? this.fixedInputs.get(name));
  }

  /** The parts in which a batch goes through the network. */
  private partsOf(batch: TrainingBatch): TrainingBatch[] {
    const size = batch.task.length / this.parts;
    return Array.from({ length: this.parts }, (_, part) => this.rowsOf(batch, part * size, size));
  }

  /** The batch with the data's correlation in its noise. */
  private async withNoise(batch: TrainingBatch): Promise<TrainingBatch> {
    if (!this.noise) return batch;
    const noise = (await this.noise.run({ z: batch.whiteNoise }))['noise']!.data as Float32Array;
    return { ...batch, whiteNoise: noise };
  }
}

/** The numbers of all ranks on rank 0, one rank after the other; on the others their own. */
function gathered(own: Float32Array, communicator: Communicator | undefined): Float32Array {
  if (!communicator) return own;
  const all = communicator.rank === 0 ? new Float32Array(communicator.size * own.length) : null;
  communicator.gather(own, all);
  return all ?? own;
}
