import {
  BEHAVIOR_TASKS,
  type ChunkStatistics,
  deltaChunk,
  normaliseActions,
  normaliseState,
  R1PRO,
} from '../action/index.ts';
import { Random } from '../base/index.ts';
import type { RawBatch } from '../data/index.ts';
import { type Jitter, PictureJitter } from './augment.ts';

/** What one update is computed from. All arrays own their buffers, so that they can move to another thread. */
export interface TrainingBatch {
  /** uint8 [B, 3, S, S, 3], cameras in the order of `CAMERAS`. */
  readonly images: Uint8Array;
  /** [B, 3], 0 where a camera is absent; left out, all are there. */
  readonly imageMask?: Uint8Array;
  /** [B, 32], normalised, with the state noise. */
  readonly state: Float32Array;
  readonly task: Int32Array;
  /** [B], the true stage: what the stage head learns. */
  readonly stage: Int32Array;
  /** [B], the stage that the network is told: now and then a neighbouring one. */
  readonly toldStage: Int32Array;
  /** [B, 30, 32] delta actions, normalised for each step of the chunk. */
  readonly actions: Float32Array;
  /** [N, B, 30, 32] standard normal numbers; the trainer's thread gives them the data's correlation. */
  readonly whiteNoise: Float32Array;
  /** [N, B] flow time in (0.001, 1). */
  readonly time: Float32Array;
  /** [B, K] privileged positions for the auxiliary loss. */
  readonly objects: Float32Array;
  /** [B, T] with FAST: the ids, and 1 where one stands. */
  readonly fastTokens?: Int32Array;
  readonly fastMask?: Uint8Array;
}

export interface BatchOptions {
  readonly statistics: ChunkStatistics;
  readonly flowSamples: number;
  readonly stageNoise: number;
  readonly stateNoise: number;
  readonly pictures: Jitter;
  readonly seed: number;
}

/** Turns raw samples into what the network trains on. Everything random is drawn from (seed, step), so that a resumed run sees the same. */
export class BatchMaker {
  private readonly jitter: PictureJitter;

  constructor(private readonly options: BatchOptions) {
    this.jitter = new PictureJitter(options.pictures, Random.of(options.seed, 'picture noise'));
  }

  /** @param step which update (or, in validation, which held-out batch) this is; `still` leaves out every augmentation */
  make(
    raw: RawBatch,
    step: number,
    { still = false, label = 'train' }: { still?: boolean; label?: string } = {},
  ): TrainingBatch {
    const { statistics, flowSamples, stageNoise, stateNoise, pictures, seed } = this.options;
    const { width, paddedWidth, horizon } = R1PRO;
    const size = raw.size;
    const random = Random.of(seed, label, step);
    const state = new Float32Array(size * paddedWidth);
    const actions = new Float32Array(size * horizon * paddedWidth);
    const toldStage = raw.stage.slice();
    for (let b = 0; b < size; b++) {
      const measured = raw.state.subarray(b * width, (b + 1) * width);
      const chunk = raw.actions.subarray(b * horizon * width, (b + 1) * horizon * width);
      actions.set(normaliseActions(deltaChunk(chunk, measured), statistics), b * horizon * paddedWidth);
      state.set(normaliseState(measured, statistics), b * paddedWidth);
      if (still) continue;
      if (stateNoise > 0) for (let d = 0; d < width; d++) state[b * paddedWidth + d]! += stateNoise * random.normal();
      if (stageNoise > 0 && random.uniform() < stageNoise) {
        const last = (BEHAVIOR_TASKS[raw.taskId[b]!]?.numStages ?? 1) - 1;
        const neighbour = raw.stage[b]! + (random.uniform() < 0.5 ? -1 : 1);
        toldStage[b] = Math.min(last, Math.max(0, neighbour));
      }
    }
    const images = raw.pictures;
    if (!still && pictures) this.jitter.apply(images, images.length / (size * 3), random);
    return {
      images,
      state,
      task: raw.taskId,
      stage: raw.stage,
      toldStage,
      actions,
      whiteNoise: random.fillNormal(new Float32Array(flowSamples * size * horizon * paddedWidth)),
      time: flowTimes(random, flowSamples * size),
      objects: raw.taskInfo,
    };
  }
}

/** Flow times of the original: Beta(1.5, 1) · 0.999 + 0.001, so that noisy chunks (t near 1) come more often (FACTS 8.3). float32 [count] */
export function flowTimes(random: Random, count: number): Float32Array {
  // The distribution function of Beta(1.5, 1) is x^1.5, so its inverse draws exactly.
  return Float32Array.from({ length: count }, () => random.uniform() ** (1 / 1.5) * 0.999 + 0.001);
}

/** The buffers of a batch, to move it to another thread instead of copying it. */
export function batchBuffers(batch: TrainingBatch): ArrayBuffer[] {
  const buffers = Object.values(batch).map((array: ArrayBufferView) => array.buffer as ArrayBuffer);
  return [...new Set(buffers)];
}
