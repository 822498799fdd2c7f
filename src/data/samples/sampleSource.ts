import type { Robot } from '../../robot/index.ts';
import type { BadSample } from './badSample.ts';
import type { RawBatch } from './rawBatch.ts';
import type { RowShare } from './rowShare.ts';

/** A data folder of a source, and what is drawn of it. */
export interface SampleFolder {
  readonly dir: string;
  /** Samples. */
  readonly count: number;
  readonly episodes: number;
}

/** Where a sample is from: number of the folder, episode_index, and the frame at which its chunk begins. */
export interface SamplePlace {
  readonly folder: number;
  readonly episode: number;
  readonly frame: number;
}

/** Receives state [width] and absolute chunk [horizon, width] of a sample, valid during the call only. */
export type SampleVisitor = (state: Float32Array, actions: Float32Array, sample: number) => void;

/** Training samples of one or more data sets of one robot: in memory, or read as they are needed, which is the same. */
export interface SampleSource {
  readonly robot: Robot;
  /** Actions per chunk. */
  readonly horizon: number;
  readonly folders: readonly SampleFolder[];
  /** Number of samples. */
  readonly size: number;
  /** Width K of `taskInfo`. */
  readonly taskInfoSize: number;
  /** Numbers that no network can learn from and pictures that cannot be read, one of each sample that has some. */
  badSamples(): readonly BadSample[];
  /** A bad sample in words, with data set, episode, and frame and dimension or file. */
  badWords(bad: BadSample): string;
  /** The same source without the samples of these numbers. @throws InputError when a data set keeps none */
  without(bad: readonly Pick<BadSample, 'sample'>[]): SampleSource;
  /**
   * The batch of `step`: a pure function of (seed, step) for the same data and options; each group's samples once per
   * epoch. @param steps of the run: nothing beyond the last one is read ahead
   * @param share every `size`-th row of it, from `rank` on
   */
  batch(
    step: number,
    size: number,
    seed: number | string,
    steps?: number,
    share?: RowShare,
  ): RawBatch | Promise<RawBatch>;
  /**
   * The samples with these numbers, in this order; without `pictures` these are left empty.
   * @throws InputError when a number is out of range
   */
  gather(indices: ArrayLike<number>, options?: { readonly pictures?: boolean }): RawBatch | Promise<RawBatch>;
  sourceOf(sample: number): SamplePlace;
  /** The task of a sample. */
  taskOf(sample: number): number;
  /** Hands over the numbers of every sample, in no order. */
  each(visit: SampleVisitor): Promise<void>;
  /** Ends what it started; the samples cannot be had any more. */
  close(): Promise<void>;
}
