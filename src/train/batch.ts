import { type ChunkStatistics, deltaChunk, normaliseActions, normaliseState } from '../action/index.ts';
import { InputError, present, Random } from '../base/index.ts';
import { type RawBatch, type RowShare, WHOLE_BATCH } from '../data/index.ts';
import { PictureAugmenter, type PictureChanges, PictureJitter } from '../picture/index.ts';
import { isWristCamera, neighboursOf, type Robot, type TaskSuccessors } from '../robot/index.ts';
import type { Outcomes } from './outcomes.ts';

/** What one update is computed from. All arrays own their buffers, so that they can move to another thread. */
export interface TrainingBatch {
  /** uint8 [B, cameras, S, S, 3], cameras in the network's order. */
  readonly images: Uint8Array;
  /** [B, cameras], 0 where a camera is absent; left out, all are there. */
  readonly imageMask?: Uint8Array;
  /** [B, actionDim], normalised, with the state noise. */
  readonly state: Float32Array;
  readonly task: Int32Array;
  /** [B], the true stage: what the stage head learns. */
  readonly stage: Int32Array;
  /** [B], the stage that the network is told: now and then a neighbouring one. */
  readonly toldStage: Int32Array;
  /** [B, horizon, actionDim] delta actions, normalised for each step of the chunk. */
  readonly actions: Float32Array;
  /** [N, B, horizon, actionDim] standard normal numbers; the trainer's thread gives them the data's correlation. */
  readonly whiteNoise: Float32Array;
  /** [N, B] flow time in (0.001, 1). */
  readonly time: Float32Array;
  /** [B, K] privileged positions for the auxiliary loss. */
  readonly objects: Float32Array;
  /** [B, T] with FAST: the ids, and 1 where one stands. */
  readonly fastTokens?: Int32Array;
  readonly fastMask?: Uint8Array;
  /** [B] how much each sample's actions count. */
  readonly sampleWeight?: Float32Array;
  /** [B] each: labels of the heads on the outcome, and 1 where they are known. */
  readonly successLabel?: Int32Array;
  readonly successKnown?: Float32Array;
  readonly progressLabel?: Float32Array;
  readonly progressKnown?: Float32Array;
}

/** What FAST makes of a chunk of delta actions [horizon, width] in physical units: ids, as many as it needs. */
export interface ChunkTokenizer {
  encode(deltas: Float32Array): ArrayLike<number>;
}

export interface BatchOptions {
  /** Whose samples they are. */
  readonly robot: Robot;
  /** Cameras that the network sees, in its order; all of the robot's when left out. */
  readonly cameras?: readonly string[];
  /** FAST tokens of each chunk, cut off or padded to `length`. */
  readonly fast?: { readonly tokenizer: ChunkTokenizer; readonly length: number };
  /** Of the network's width and horizon. */
  readonly statistics: ChunkStatistics;
  readonly flowSamples: number;
  /** Stages of each task by id. */
  readonly taskNumStages: readonly number[];
  /** Tasks whose stages branch: a neighbouring stage is one right before or after. */
  readonly stageSuccessors?: TaskSuccessors | undefined;
  readonly stageNoise: number;
  readonly stateNoise: number;
  readonly pictures: PictureChanges;
  /** What became of the samples' episodes, where training asks for it. */
  readonly outcomes?: Pick<Outcomes, 'at'> | undefined;
  readonly seed: number;
}

/**
 * Turns raw samples into what the network trains on. Everything random is drawn from (seed, step), so that a resumed
 * run sees the same.
 */
export class BatchMaker {
  private readonly jitter: PictureJitter;
  private readonly augmenter: PictureAugmenter;
  private readonly cameraNames: readonly string[];
  /** Places of the network's cameras among the data's. */
  private readonly cameras: readonly number[];

  constructor(private readonly options: BatchOptions) {
    const { cameraNames } = options.robot;
    this.cameraNames = options.cameras ?? cameraNames;
    this.cameras = this.cameraNames.map((name) => {
      const place = cameraNames.indexOf(name);
      if (place < 0)
        throw new InputError(
          'batch',
          `the data has no camera '${name}' (it has ${cameraNames.join(', ')}). Change model.cameras.`,
        );
      return place;
    });
    const { pictures, seed } = options;
    const noise = () => Random.of(seed, 'picture noise');
    const linear = pictures.colour === 'hsv' ? { brightness: 0, contrast: 0, noise: 0 } : pictures;
    this.jitter = new PictureJitter(linear, noise());
    this.augmenter = new PictureAugmenter(pictures, noise());
  }

  /**
   * @param raw the samples; with a `share`, those of its rows alone. What is random is drawn for the whole batch in one
   * order, so that each row is the same however many share the batch
   * @param step which update (or, in validation, which held-out batch) this is; `still` leaves out every
   * augmentation
   */
  make(
    raw: RawBatch,
    step: number,
    { still = false, label = 'train', share = WHOLE_BATCH }: { still?: boolean; label?: string; share?: RowShare } = {},
  ): TrainingBatch {
    const { statistics, flowSamples, stageNoise, stateNoise, pictures, seed, fast } = this.options;
    const { robot } = this.options;
    const { width } = robot;
    const { width: paddedWidth, horizon } = statistics;
    const size = raw.size;
    const rows = rowsOf(size * share.size, share);
    const random = Random.of(seed, label, step);
    const state = new Float32Array(size * paddedWidth);
    const actions = new Float32Array(size * horizon * paddedWidth);
    const toldStage = raw.stage.slice();
    const tokens = fast && { ids: new Int32Array(size * fast.length), mask: new Uint8Array(size * fast.length) };
    for (const b of rows) {
      if (b === undefined) {
        if (!still) this.skipRow(random);
        continue;
      }
      const measured = raw.state.subarray(b * width, (b + 1) * width);
      const chunk = raw.actions.subarray(b * horizon * width, (b + 1) * horizon * width);
      const deltas = deltaChunk(chunk, measured, robot);
      if (fast) {
        const ids = Array.from(fast.tokenizer.encode(deltas)).slice(0, fast.length);
        present(tokens, 'tokens').ids.set(ids, b * fast.length);
        present(tokens, 'tokens').mask.fill(1, b * fast.length, b * fast.length + ids.length);
      }
      actions.set(normaliseActions(deltas, statistics, robot), b * horizon * paddedWidth);
      state.set(normaliseState(measured, statistics, robot), b * paddedWidth);
      if (still) continue;
      if (stateNoise > 0) for (let d = 0; d < width; d++) state[b * paddedWidth + d]! += stateNoise * random.normal();
      if (stageNoise > 0 && random.uniform() < stageNoise) {
        const [task, stage] = [present(raw.taskId[b], 'raw.taskId[b]'), present(raw.stage[b], 'raw.stage[b]')];
        toldStage[b] = this.neighbour(task, stage, random);
      }
    }
    const images = pickCameras(raw.pictures, size, robot.cameras.length, this.cameras);
    if (!still && pictures) {
      this.augmentRows(images, raw, `${label} ${step}`);
      this.jitterRows(images, rows, random);
    }
    const numbers = horizon * paddedWidth;
    return {
      images,
      state,
      task: raw.taskId,
      stage: raw.stage,
      toldStage,
      actions,
      whiteNoise: perRow(rows, { samples: flowSamples, each: numbers, size }, (out) => random.fillNormal(out)),
      time: perRow(rows, { samples: flowSamples, each: 1, size }, (out) => out.set(flowTimes(random, 1))),
      objects: raw.taskInfo,
      ...(tokens && { fastTokens: tokens.ids, fastMask: tokens.mask }),
      ...this.outcomesOf(raw),
    };
  }

  private outcomesOf({ source, size }: RawBatch): Partial<TrainingBatch> {
    const { outcomes } = this.options;
    if (!outcomes) return {};
    const each = Array.from({ length: size }, (_, b) =>
      outcomes.at(
        present(source.folder[b], 'the folder'),
        present(source.episode[b], 'the episode'),
        present(source.frame[b], 'the frame'),
      ),
    );
    return {
      sampleWeight: Float32Array.from(each, ({ weight }) => weight),
      successLabel: Int32Array.from(each, ({ success }) => (success ? 1 : 0)),
      successKnown: Float32Array.from(each, ({ success }) => (success === undefined ? 0 : 1)),
      progressLabel: Float32Array.from(each, ({ progress }) => progress ?? 0),
      progressKnown: Float32Array.from(each, ({ progress }) => (progress === undefined ? 0 : 1)),
    };
  }

  /** Draws what a row of another rank takes. */
  private skipRow(random: Random): void {
    const { stateNoise, stageNoise, robot } = this.options;
    if (stateNoise > 0) for (let d = 0; d < robot.width; d++) random.normal();
    if (stageNoise > 0 && random.uniform() < stageNoise) random.uniform();
  }

  /** Changes each picture by a generator of (seed, step, sample, camera): wherever in a batch a sample stands. */
  private augmentRows(images: Uint8Array, { size, source }: RawBatch, when: string): void {
    if (!this.augmenter.active) return;
    const { cameraNames } = this;
    const bytes = images.length / size / cameraNames.length;
    const side = Math.sqrt(bytes / 3);
    for (let b = 0; b < size; b++)
      for (const [c, camera] of cameraNames.entries()) {
        const sample = [source.folder[b], source.episode[b], source.frame[b]].map((one) => present(one, 'the sample'));
        const random = Random.of(this.options.seed, 'picture', when, ...sample, camera);
        const from = (b * cameraNames.length + c) * bytes;
        this.augmenter.apply(images.subarray(from, from + bytes), side, random, !isWristCamera(camera));
      }
  }

  private jitterRows(images: Uint8Array, rows: Rows, random: Random): void {
    const cameras = this.cameras.length;
    const bytes = images.length / rows.filter((row) => row !== undefined).length;
    for (const b of rows)
      if (b === undefined) this.jitter.skip(cameras, random);
      else this.jitter.apply(images.subarray(b * bytes, (b + 1) * bytes), bytes / cameras, random);
  }

  /** A stage beside a task's stage: the one before or after it. */
  private neighbour(task: number, stage: number, random: Random): number {
    const { taskNumStages, stageSuccessors } = this.options;
    const successors = stageSuccessors?.[task];
    if (successors) {
      const beside = neighboursOf(stage, successors);
      return beside[random.integer(Math.max(1, beside.length))] ?? stage;
    }
    const last = (taskNumStages[task] ?? 1) - 1;
    return Math.min(last, Math.max(0, stage + (random.uniform() < 0.5 ? -1 : 1)));
  }
}

/** For each row of a whole batch: its place among those that are made here, or undefined. */
type Rows = readonly (number | undefined)[];

const rowsOf = (all: number, { rank, size }: RowShare): Rows =>
  Array.from({ length: all }, (_, row) => (row % size === rank ? (row - rank) / size : undefined));

/** float32 [samples, size, each]: drawn for every row of the whole batch, kept for those that are made here. */
function perRow(
  rows: Rows,
  { samples, each, size }: { readonly samples: number; readonly each: number; readonly size: number },
  draw: (out: Float32Array) => void,
): Float32Array {
  const out = new Float32Array(samples * size * each);
  const unused = new Float32Array(each);
  for (let n = 0; n < samples; n++)
    for (const b of rows)
      draw(b === undefined ? unused : out.subarray((n * size + b) * each, (n * size + b + 1) * each));
  return out;
}

/** uint8 [B, cameras of the robot, …] → [B, places, …]; the array itself when that is all of them in order. */
function pickCameras(pictures: Uint8Array, size: number, cameras: number, places: readonly number[]): Uint8Array {
  if (places.length === cameras && places.every((place, i) => place === i)) return pictures;
  const bytes = pictures.length / size / cameras;
  const out = new Uint8Array(size * places.length * bytes);
  for (let b = 0; b < size; b++)
    places.forEach((place, c) => {
      const from = (b * cameras + place) * bytes;
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

/** Samples `from`… of a batch, `size` of them. */
export function batchRows(
  batch: TrainingBatch,
  { from, size, flowSamples }: { readonly from: number; readonly size: number; readonly flowSamples: number },
): TrainingBatch {
  const all = batch.task.length;
  const rows = (array: Float32Array, groups = 1): Float32Array => {
    const each = array.length / all / groups;
    const Kind = array.constructor as Float32ArrayConstructor;
    const out = new Kind(groups * size * each);
    for (let n = 0; n < groups; n++)
      out.set(array.subarray((n * all + from) * each, (n * all + from + size) * each), n * size * each);
    return out;
  };
  // Each array keeps its kind.
  return Object.fromEntries(
    Object.entries(batch).map(([name, array]) => [
      name,
      rows(array as Float32Array, name === 'whiteNoise' || name === 'time' ? flowSamples : 1),
    ]),
  ) as unknown as TrainingBatch;
}

/** The buffers of a batch, to move it to another thread instead of copying it. */
export function batchBuffers(batch: TrainingBatch): ArrayBuffer[] {
  const buffers = Object.values(batch).map((array: ArrayBufferView) => array.buffer as ArrayBuffer);
  return [...new Set(buffers)];
}
