import type { Lora, ModelConfig } from '../model/index.ts';
import type { Parameters, UpdateResult, Weights } from '../tensor/index.ts';
import type { TrainingBatch } from './batch.ts';
import type { Losses } from './losses.ts';
import type { NetworkReading, ReadingOptions } from './networkReading.ts';

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

/**
 * The trained parameters in the original tree's names (those of adapters too), AdamW's moments and the moving average,
 * after `step` updates.
 */
export interface TrainerSnapshot {
  readonly step: number;
  readonly parameters: Parameters;
  readonly m: Parameters;
  readonly v: Parameters;
  readonly ema: Parameters;
}

/** What a trainer begins with: `TrainerSnapshot`, in memory or in files, and the leaves that are not trained. */
export type TrainerStart = { readonly [kind in 'm' | 'v' | 'ema']?: Weights } & {
  readonly step?: number;
  readonly parameters: Weights;
};

export interface TrainerOptions {
  readonly model: ModelConfig;
  /** Samples of an update: of several ranks, of each. */
  readonly batch: number;
  /** The batch goes through the network in so many parts, whose gradients are summed up; 1 when left out. */
  readonly accumulate?: number;
  /** Values within the layers are computed again in the backward pass, in place of being kept. */
  readonly recompute?: boolean;
  /** Layers run one after the other, and frozen weights stay in their files (`SectionedSession`). */
  readonly layerwise?: boolean;
  readonly optimizer: OptimizerOptions;
  /** [n, n] lower factor L of the noise's covariance, n = horizon · actionDim; null for white noise. */
  readonly noiseFactor: Float32Array | null;
  readonly threads: number;
  /**
   * Leaves that are not trained: no gradient, no part in the norm, no optimiser state; their moving average is what
   * they are.
   */
  readonly frozen?: readonly string[];
  /** Adapters of the vision-language model, beside its frozen leaves. */
  readonly lora?: Lora | null;
  /** Batches say which cameras are there (`imageMask`). */
  readonly imageMask?: boolean;
  /** Batches say how much the actions of each sample count (`sampleWeight`); held-out ones count alike. */
  readonly sampleWeights?: boolean;
  /** False: batches hold no FAST tokens, though the network has leaves for them. */
  readonly fastTokens?: boolean;
  /** Fresh weights, or all of a run that goes on. What lies in files is read from there. */
  readonly start: TrainerStart;
  /** Measure what the machine's matrix products reach, for the share of it that training uses. */
  readonly measurePeak?: boolean;
}

export interface TrainerInfo {
  readonly parameters: number;
  /** Names of the losses of every update. */
  readonly losses: readonly string[];
  /** Floating point operations of one update's matrix products, on all ranks. */
  readonly flops: number;
  /** GFLOP/s of this machine's matrix products, times the ranks; absent when not measured. */
  readonly peak?: number;
}

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

/** One leaf of what is trained, of its moments or of its average. */
export interface LeafRequest {
  readonly kind: 'parameters' | 'm' | 'v' | 'ema';
  readonly leaf: string;
}

export interface StepReport extends UpdateResult {
  /** Of several ranks, their mean. */
  readonly losses: Losses;
  readonly samples: SampleLosses;
  /** When it was asked for: the network and its gradients, before the update. */
  readonly reading?: NetworkReading;
  /** False when the losses or gradients were not finite, or their norm above the limit: the update was left out. */
  readonly applied: boolean;
  readonly milliseconds: number;
}
