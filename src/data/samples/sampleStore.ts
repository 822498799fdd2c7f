import { freemem } from 'node:os';
import { InputError, present } from '../../base/index.ts';
import { BEHAVIOR_STAGES, type Robot, robotRecord } from '../../robot/index.ts';
import { commonRobot, type Dataset, openSets, setPlace } from '../lerobot/index.ts';
import { type BadNumber, badNumbers, badNumberWords } from './badNumbers.ts';
import { parseDataFolder } from './dataFolder.ts';
import type { OpenRequest } from './decode.worker.ts';
import { loadEpisodes } from './loadEpisodes.ts';
import { planSamples } from './planSamples.ts';
import type { RawBatch } from './rawBatch.ts';
import { SampleTable } from './sampleTable.ts';
import { Sampler } from './sampling.ts';

export interface SampleStoreOptions {
  /** Whose data they are; when left out, as the data sets say. */
  readonly robot?: Robot | undefined;
  /** The data sets, where they are open already: a part of their episodes, perhaps. */
  readonly sets?: readonly Dataset[] | undefined;
  /** Actions per chunk; the robot's when left out. */
  readonly horizon?: number;
  /** A sample every so many frames. */
  readonly frameStride?: number;
  /** Pictures are kept as S x S, scaled with padding where the data set's are not. */
  readonly imageSize: number;
  /** Refuse above this; default 70 % of the memory that is free now. */
  readonly memoryLimitBytes?: number;
  /** Decoding threads; default one per core. */
  readonly workers?: number;
  /** Chooses the chunk starts (not the batches). */
  readonly seed?: number | string;
  /** `time`: equal-time bins, as the original; `skills`: the recorded stages. */
  readonly stageLabels?: 'time' | 'skills';
  /** Stages of each task by id; the challenge's when left out. */
  readonly taskNumStages?: readonly number[];
  /** Keep only one side of a fixed split of the episodes; `share` of them are for validation. */
  readonly split?: { readonly part: 'train' | 'validation'; readonly share: number };
  /** Episodes loaded so far, and of how many. */
  readonly progress?: (done: number, total: number) => void;
}

/** A data folder of a store: its samples and its weight. */
export interface StoredFolder {
  readonly dir: string;
  readonly count: number;
  readonly weight: number;
  readonly episodes: number;
}

/** Pictures in pieces that V8 can hold as one buffer each. */
interface PictureBlocks {
  readonly blocks: readonly SharedArrayBuffer[];
  readonly samplesPerBlock: number;
  readonly sampleBytes: number;
}

const BLOCK_BYTES = 2 ** 30;

/** Training samples of one or more data sets of one robot, held in memory. */
export class SampleStore {
  private readonly sampler: Sampler;
  private readonly blocks: readonly Uint8Array[];

  private constructor(
    readonly robot: Robot,
    readonly horizon: number,
    readonly folders: readonly StoredFolder[],
    private readonly pictures: PictureBlocks,
    private readonly table: SampleTable,
    /** Places of the samples in the table; all of them when left out. */
    private readonly places?: Uint32Array,
  ) {
    this.sampler = new Sampler(folders);
    this.blocks = pictures.blocks.map((block) => new Uint8Array(block));
  }

  /**
   * Reads all samples of the data sets (`dir` or `dir:weight`) into memory. Without any weight every sample is as
   * likely as any other;
   * with weights each folder gets its share of every batch, a folder without one counting as 1.
   * @throws InputError when they do not fit (with numbers), an episode is damaged, or the data sets are of different
   * robots
   */
  static async load(dataFolders: readonly string[], options: SampleStoreOptions): Promise<SampleStore> {
    const { frameStride = 1, imageSize, seed = 0, stageLabels = 'time', taskNumStages = BEHAVIOR_STAGES } = options;
    if (!Number.isInteger(frameStride) || frameStride < 1)
      throw new InputError('frameStride', `must be a whole number above 0 (got ${frameStride}).`);
    const parsed = dataFolders.map(parseDataFolder);
    const folderNames = parsed.map(({ dir }) => dir);
    const datasets =
      options.sets ?? (await openSets(folderNames, { robot: options.robot, pictures: true, tasks: 'refused' })).sets;
    const robot = commonRobot(datasets);
    const { horizon = robot.horizon } = options;
    const plan = planSamples(datasets, robot, { horizon, frameStride, seed, split: options.split, taskNumStages });
    const sampleBytes = imageSize * imageSize * 3 * robot.cameras.length;
    requireRoom(plan, robot, { imageSize, sampleBytes, frameStride, limit: options.memoryLimitBytes });

    const pictures = pictureBlocks(plan.samples, sampleBytes);
    const table = new SampleTable(plan.samples, plan.rows, robot.width);
    const open: OpenRequest = {
      ...pictures,
      imageSize,
      stageLabels,
      taskNumStages,
      robot: robotRecord(robot),
      datasets: datasets.map(setPlace),
    };
    await loadEpisodes(plan.requests, open, table, options);

    const weighted = parsed.some(({ weight }) => weight !== undefined);
    const folders = plan.counts.map(({ samples: count, episodes }, i): StoredFolder => {
      const { dir = '', weight = 1 } = parsed[i] ?? {};
      return { dir, count, weight: weighted ? weight : count, episodes };
    });
    return new SampleStore(robot, horizon, folders, pictures, table);
  }

  /** Number of samples. */
  get size(): number {
    return this.places?.length ?? this.table.count;
  }

  /** Width K of `taskInfo`. */
  get taskInfoSize(): number {
    return this.table.taskInfoWidth;
  }

  /** State [width] and absolute chunk [horizon, width] of a sample, as views; @throws InputError beyond the last */
  numbers(sample: number): { readonly state: Float32Array; readonly actions: Float32Array } {
    const { width } = this.robot;
    const place = this.placeOf(sample);
    const row = this.table.row[place];
    if (row === undefined) throw new InputError('SampleStore', `no sample ${sample} (there are ${this.size}).`);
    return {
      state: this.table.state.subarray(place * width, (place + 1) * width),
      actions: this.table.action.subarray(row * width, (row + this.horizon) * width),
    };
  }

  /** The task of a sample. */
  taskOf(sample: number): number {
    return present(this.table.taskId[this.placeOf(sample)], 'the task of a sample');
  }

  /** Where a sample is from: the number of its folder, its episode, and the frame at which it begins. */
  sourceOf(sample: number): { readonly folder: number; readonly episode: number; readonly frame: number } {
    const { table } = this;
    const place = this.placeOf(sample);
    const of = (column: ArrayLike<number>) => present(column[place], `sample ${sample}`);
    return { folder: of(table.folder), episode: of(table.episode), frame: of(table.frame) };
  }

  private placeOf(sample: number): number {
    return sample < this.size ? (this.places?.[sample] ?? sample) : -1;
  }

  /** Numbers that no network can learn from, one of each sample that has some. */
  badNumbers(): BadNumber[] {
    return this.places ? [] : badNumbers(this.table, this.horizon);
  }

  /** A bad number in words, with data set, episode, frame and dimension. */
  badWords(bad: BadNumber): string {
    return badNumberWords(bad, this.folders[bad.folder]?.dir ?? '', this.robot);
  }

  /** The same store without the samples of these numbers. @throws InputError when a data set keeps none */
  without(bad: readonly Pick<BadNumber, 'sample' | 'folder'>[]): SampleStore {
    const out = new Set(bad.map(({ sample }) => sample));
    const left = Uint32Array.from({ length: this.size }, (_, i) => i).filter((i) => !out.has(i));
    const places = left.map((sample) => this.placeOf(sample));
    const weighted = this.folders.some(({ weight, count }) => weight !== count);
    const folders = this.folders.map((folder, f) => {
      const count = folder.count - bad.filter((one) => one.folder === f).length;
      if (count === 0) throw new InputError(folder.dir, 'no sample is left: all of them hold such numbers.');
      return { ...folder, count, weight: weighted ? folder.weight : count };
    });
    return new SampleStore(this.robot, this.horizon, folders, this.pictures, this.table, places);
  }

  /**
   * The batch of `step`: a pure function of (seed, step) for the same data and options; each folder's samples once
   * per epoch.
   */
  batch(step: number, size: number, seed: number | string): RawBatch {
    return this.gather(this.sampler.indices(step, size, seed));
  }

  /** The samples with these numbers, in this order. @throws InputError when a number is out of range */
  gather(indices: ArrayLike<number>): RawBatch {
    const size = indices.length;
    const { table, horizon, taskInfoSize: k, blocks } = this;
    const { width } = this.robot;
    const { sampleBytes, samplesPerBlock } = this.pictures;
    const batch: RawBatch = {
      size,
      pictures: new Uint8Array(size * sampleBytes),
      state: new Float32Array(size * width),
      actions: new Float32Array(size * horizon * width),
      taskId: new Int32Array(size),
      stage: new Int32Array(size),
      taskInfo: new Float32Array(size * k),
      source: { folder: new Int32Array(size), episode: new Int32Array(size), frame: new Int32Array(size) },
    };
    for (const [b, number] of Array.from(indices).entries()) {
      const i = this.placeOf(number);
      const block = blocks[Math.floor(i / samplesPerBlock)];
      if (!(i >= 0 && block)) throw new InputError('SampleStore', `no sample ${number} (there are ${this.size}).`);
      const at = (i % samplesPerBlock) * sampleBytes;
      batch.pictures.set(block.subarray(at, at + sampleBytes), b * sampleBytes);
      batch.state.set(table.state.subarray(i * width, (i + 1) * width), b * width);
      const row = present(table.row[i], 'table.row[i]');
      batch.actions.set(table.action.subarray(row * width, (row + horizon) * width), b * horizon * width);
      batch.taskInfo.set(table.taskInfo.subarray(i * k, (i + 1) * k), b * k);
      batch.taskId[b] = present(table.taskId[i], 'table.taskId[i]');
      batch.stage[b] = present(table.stage[i], 'table.stage[i]');
      batch.source.folder[b] = present(table.folder[i], 'table.folder[i]');
      batch.source.episode[b] = present(table.episode[i], 'table.episode[i]');
      batch.source.frame[b] = present(table.frame[i], 'table.frame[i]');
    }
    return batch;
  }
}

function pictureBlocks(samples: number, sampleBytes: number): PictureBlocks {
  const samplesPerBlock = Math.max(1, Math.floor(BLOCK_BYTES / sampleBytes));
  const blocks = Array.from({ length: Math.ceil(samples / samplesPerBlock) }, (_, i) => {
    const count = Math.min(samplesPerBlock, samples - i * samplesPerBlock);
    return new SharedArrayBuffer(count * sampleBytes);
  });
  return { blocks, samplesPerBlock, sampleBytes };
}

/**
 * Bytes a sample takes beside pictures and state: task, stage, folder, episode, frame, row, and privileged numbers
 * as a guess.
 */
const OTHER_BYTES = 4 * (64 + 5);

/** @throws InputError when the samples do not fit in memory, with the frame stride that would */
function requireRoom(
  { samples, rows }: { readonly samples: number; readonly rows: number },
  { width, cameras }: Robot,
  {
    imageSize,
    sampleBytes,
    frameStride,
    limit = 0.7 * freemem(),
  }: { imageSize: number; sampleBytes: number; frameStride: number; limit?: number | undefined },
): void {
  const needed = samples * (sampleBytes + 4 * width + OTHER_BYTES) + rows * width * 4;
  if (needed <= limit) return;
  const fitting = Math.ceil((frameStride * needed) / limit);
  throw new InputError(
    'SampleStore',
    `${samples} samples of ${cameras.length} x ${imageSize}x${imageSize} pictures need ${gigabytes(needed)}, more ` +
      `than the ${gigabytes(limit)} allowed. ` +
      `A frameStride of ${fitting} instead of ${frameStride} would fit.`,
  );
}

const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
