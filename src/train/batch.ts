import { type ChunkStatistics, deltaChunk, normaliseActions, normaliseState } from '../action/index.ts';
import { InputError, Random } from '../base/index.ts';
import type { RawBatch } from '../data/index.ts';
import { type Jitter, PictureJitter } from '../picture/index.ts';
import { BEHAVIOR_TASKS, CHALLENGE_ROBOT } from '../robot/index.ts';

/** What one update is computed from. All arrays own their buffers, so that they can move to another thread. */
export interface TrainingBatch {
  /** uint8 [B, cameras, S, S, 3], cameras in the network's order. */
  readonly images: Uint8Array;
  /** [B, cameras], 0 where a camera is absent; left out, all are there. */
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

/** What FAST makes of a chunk of delta actions [horizon, 23] in physical units: ids, as many as it needs. */
export interface ChunkTokenizer {
  encode(deltas: Float32Array): ArrayLike<number>;
}

export interface BatchOptions {
  /** Cameras that the network sees, in its order; all of the data's when left out. */
  readonly cameras?: readonly string[];
  /** FAST tokens of each chunk, cut off or padded to `length`. */
  readonly fast?: { readonly tokenizer: ChunkTokenizer; readonly length: number };
  readonly statistics: ChunkStatistics;
  readonly flowSamples: number;
  /** Stages of each task by id; the challenge's when left out. */
  readonly taskNumStages?: readonly number[];
  readonly stageNoise: number;
  readonly stateNoise: number;
  readonly pictures: Jitter;
  readonly seed: number;
}

const CHALLENGE_STAGES = BEHAVIOR_TASKS.map(({ numStages }) => numStages);

/** Turns raw samples into what the network trains on. Everything random is drawn from (seed, step), so that a resumed run sees the same. */
export class BatchMaker {
  private readonly jitter: PictureJitter;
  /** Places of the network's cameras among the data's. */
  private readonly cameras: readonly number[];

  constructor(private readonly options: BatchOptions) {
    this.cameras = (options.cameras ?? CHALLENGE_ROBOT.cameraNames).map((name) => {
      const place = (CHALLENGE_ROBOT.cameraNames as readonly string[]).indexOf(name);
      if (place < 0)
        throw new InputError(
          'batch',
          `the data has no camera '${name}' (it has ${CHALLENGE_ROBOT.cameraNames.join(', ')}). Change model.cameras.`,
        );
      return place;
    });
    this.jitter = new PictureJitter(options.pictures, Random.of(options.seed, 'picture noise'));
  }

  /** @param step which update (or, in validation, which held-out batch) this is; `still` leaves out every augmentation */
  make(
    raw: RawBatch,
    step: number,
    { still = false, label = 'train' }: { still?: boolean; label?: string } = {},
  ): TrainingBatch {
    const { statistics, flowSamples, stageNoise, stateNoise, pictures, seed, fast } = this.options;
    const { taskNumStages = CHALLENGE_STAGES } = this.options;
    const { width, paddedWidth, horizon } = CHALLENGE_ROBOT;
    const size = raw.size;
    const random = Random.of(seed, label, step);
    const state = new Float32Array(size * paddedWidth);
    const actions = new Float32Array(size * horizon * paddedWidth);
    const toldStage = raw.stage.slice();
    const tokens = fast && { ids: new Int32Array(size * fast.length), mask: new Uint8Array(size * fast.length) };
    for (let b = 0; b < size; b++) {
      const measured = raw.state.subarray(b * width, (b + 1) * width);
      const chunk = raw.actions.subarray(b * horizon * width, (b + 1) * horizon * width);
      const deltas = deltaChunk(chunk, measured);
      if (fast) {
        const ids = Array.from(fast.tokenizer.encode(deltas)).slice(0, fast.length);
        tokens!.ids.set(ids, b * fast.length);
        tokens!.mask.fill(1, b * fast.length, b * fast.length + ids.length);
      }
      actions.set(normaliseActions(deltas, statistics), b * horizon * paddedWidth);
      state.set(normaliseState(measured, statistics), b * paddedWidth);
      if (still) continue;
      if (stateNoise > 0) for (let d = 0; d < width; d++) state[b * paddedWidth + d]! += stateNoise * random.normal();
      if (stageNoise > 0 && random.uniform() < stageNoise) {
        const last = (taskNumStages[raw.taskId[b]!] ?? 1) - 1;
        const neighbour = raw.stage[b]! + (random.uniform() < 0.5 ? -1 : 1);
        toldStage[b] = Math.min(last, Math.max(0, neighbour));
      }
    }
    const images = pickCameras(raw.pictures, size, this.cameras);
    if (!still && pictures) this.jitter.apply(images, images.length / (size * this.cameras.length), random);
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
      ...(tokens && { fastTokens: tokens.ids, fastMask: tokens.mask }),
    };
  }
}

/** uint8 [B, cameras of the data, …] → [B, places, …]; the array itself when that is all of them in order. */
function pickCameras(pictures: Uint8Array, size: number, places: readonly number[]): Uint8Array {
  if (places.length === CHALLENGE_ROBOT.cameraNames.length && places.every((place, i) => place === i)) return pictures;
  const bytes = pictures.length / size / CHALLENGE_ROBOT.cameraNames.length;
  const out = new Uint8Array(size * places.length * bytes);
  for (let b = 0; b < size; b++)
    places.forEach((place, c) => {
      const from = (b * CHALLENGE_ROBOT.cameraNames.length + place) * bytes;
      out.set(pictures.subarray(from, from + bytes), (b * places.length + c) * bytes);
    });
  return out;
}

/**
 * Flow times of the original: Beta(1.5, 1) · 0.999 + 0.001, so that noisy chunks (t near 1) come more often
 * (docs/facts.md#flow-matching-and-noise). float32 [count]
 */
export function flowTimes(random: Random, count: number): Float32Array {
  // The distribution function of Beta(1.5, 1) is x^1.5, so its inverse draws exactly.
  return Float32Array.from({ length: count }, () => random.uniform() ** (1 / 1.5) * 0.999 + 0.001);
}

/** The buffers of a batch, to move it to another thread instead of copying it. */
export function batchBuffers(batch: TrainingBatch): ArrayBuffer[] {
  const buffers = Object.values(batch).map((array: ArrayBufferView) => array.buffer as ArrayBuffer);
  return [...new Set(buffers)];
}
