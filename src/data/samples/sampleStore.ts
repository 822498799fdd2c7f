import { availableParallelism, freemem } from 'node:os';
import { InputError, Random, WorkerClient } from '../../base/index.ts';
import { CHALLENGE_ROBOT } from '../../robot/index.ts';
import { type Dataset, openDataset } from '../lerobot/index.ts';
import type { LoadedEpisode, LoadRequest, OpenRequest } from './decode.worker.ts';
import { chunkStarts, Sampler } from './sampling.ts';

const WIDTH = CHALLENGE_ROBOT.width;

export interface SampleStoreOptions {
  /** Actions per chunk. */
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
  /** Keep only one side of a fixed split of the episodes; `share` of them are for validation. */
  readonly split?: { readonly part: 'train' | 'validation'; readonly share: number };
  /** Episodes loaded so far, and of how many. */
  readonly progress?: (done: number, total: number) => void;
}

/** Training samples before any normalisation. */
export interface RawBatch {
  readonly size: number;
  /** uint8 [B, 3, S, S, 3], cameras in the order of CHALLENGE_ROBOT.cameraNames. */
  readonly pictures: Uint8Array;
  /** [B, 23] at the chunk's first frame. */
  readonly state: Float32Array;
  /** [B, horizon, 23], absolute. */
  readonly actions: Float32Array;
  readonly taskId: Int32Array;
  readonly stage: Int32Array;
  /** [B, K]: privileged observation at the chunk's first frame, padded with zeros to the widest task's K. */
  readonly taskInfo: Float32Array;
  /** Where each sample is from: number of the folder, episode_index, frame. */
  readonly source: { readonly folder: Int32Array; readonly episode: Int32Array; readonly frame: Int32Array };
}

/** One V8 array buffer per gigabyte of pictures. */
const BLOCK_BYTES = 2 ** 30;
/** Episodes per message to a worker. */
const EPISODES_PER_CALL = 8;

/** A data folder and its share of the draws, from `dir` or `dir:weight`. */
export function parseDataFolder(text: string): { dir: string; weight: number | undefined } {
  const match = /^(.+):(\d+(?:\.\d+)?)$/.exec(text);
  return match ? { dir: match[1]!, weight: Number(match[2]) } : { dir: text, weight: undefined };
}

/** Training samples of one or more data sets, held in memory. */
export class SampleStore {
  /** Width K of `taskInfo`. */
  readonly taskInfoSize: number;
  private readonly sampler: Sampler;

  private constructor(
    readonly horizon: number,
    readonly imageSize: number,
    /** Samples per folder and the folder's weight. */
    readonly folders: readonly {
      readonly dir: string;
      readonly count: number;
      readonly weight: number;
      readonly episodes: number;
    }[],
    private readonly blocks: readonly Uint8Array[],
    private readonly samplesPerBlock: number,
    private readonly table: SampleTable,
  ) {
    this.taskInfoSize = table.taskInfoWidth;
    this.sampler = new Sampler(folders);
  }

  /**
   * Reads all samples of the data sets (`dir` or `dir:weight`) into memory. Without any weight every sample is as likely as any other;
   * with weights each folder gets its share of every batch, a folder without one counting as 1.
   * @throws InputError when they do not fit (with numbers), or an episode is damaged
   */
  static async load(dataFolders: readonly string[], options: SampleStoreOptions): Promise<SampleStore> {
    const {
      horizon = CHALLENGE_ROBOT.horizon,
      frameStride = 1,
      imageSize,
      seed = 0,
      stageLabels = 'time',
      split,
    } = options;
    if (dataFolders.length === 0) throw new InputError('data', 'at least one data folder is needed.');
    if (!Number.isInteger(frameStride) || frameStride < 1)
      throw new InputError('frameStride', `must be a whole number above 0 (got ${frameStride}).`);
    const parsed = dataFolders.map(parseDataFolder);
    const datasets = await Promise.all(parsed.map(({ dir }) => openDataset(dir)));
    const requests: LoadRequest[] = [];
    const counts = datasets.map(() => 0);
    const episodeCounts = datasets.map(() => 0);
    let [samples, rows] = [0, 0];
    datasets.forEach((dataset, d) => {
      for (const camera of CHALLENGE_ROBOT.cameraNames)
        if (!dataset.cameras.includes(camera))
          throw new InputError(
            dataset.root,
            `has no camera ${camera} (it has ${dataset.cameras.join(', ') || 'none'}).`,
          );
      const validation = split && validationPlaces(dataset, split.share);
      dataset.episodes.forEach((episode, place) => {
        if (validation && validation.has(place) !== (split.part === 'validation')) return;
        const starts = chunkStarts(episode.length, horizon, frameStride, seed, 'starts', d, episode.index);
        if (starts.length === 0) return;
        requests.push({ dataset: d, episode: place, starts, firstSample: samples });
        samples += starts.length;
        rows += episode.length;
        counts[d]! += starts.length;
        episodeCounts[d]!++;
      });
      if (counts[d] === 0)
        throw new InputError(
          dataset.root,
          `gives no samples: none of its ${dataset.episodes.length} episodes${split ? ` in the ${split.part} part` : ''} has ${horizon} frames.`,
        );
    });

    const sampleBytes = imageSize * imageSize * 3 * CHALLENGE_ROBOT.cameraNames.length;
    const taskInfoGuess = 64;
    const needed = samples * (sampleBytes + 4 * (WIDTH + taskInfoGuess + 5)) + rows * WIDTH * 4;
    const limit = options.memoryLimitBytes ?? 0.7 * freemem();
    if (needed > limit) {
      const fitting = Math.ceil((frameStride * needed) / limit);
      throw new InputError(
        'SampleStore',
        `${samples} samples of ${CHALLENGE_ROBOT.cameraNames.length} x ${imageSize}x${imageSize} pictures need ${gigabytes(needed)}, more than the ${gigabytes(limit)} allowed. ` +
          `A frameStride of ${fitting} instead of ${frameStride} would fit.`,
      );
    }
    const samplesPerBlock = Math.max(1, Math.floor(BLOCK_BYTES / sampleBytes));
    const blocks = Array.from({ length: Math.ceil(samples / samplesPerBlock) }, (_, i) => {
      const count = Math.min(samplesPerBlock, samples - i * samplesPerBlock);
      return new SharedArrayBuffer(count * sampleBytes);
    });
    const table = new SampleTable(samples, rows, horizon);
    const open: OpenRequest = {
      blocks,
      samplesPerBlock,
      imageSize,
      stageLabels,
      datasets: datasets.map((dataset) => dataset.root),
    };
    await loadAll(requests, datasets, open, options, table);

    const weighted = parsed.some(({ weight }) => weight !== undefined);
    const folders = parsed.map(({ dir, weight }, i) => ({
      dir,
      count: counts[i]!,
      weight: weighted ? (weight ?? 1) : counts[i]!,
      episodes: episodeCounts[i]!,
    }));
    return new SampleStore(
      horizon,
      imageSize,
      folders,
      blocks.map((block) => new Uint8Array(block)),
      samplesPerBlock,
      table,
    );
  }

  /** Number of samples. */
  get size(): number {
    return this.table.count;
  }

  /** The batch of `step`: a pure function of (seed, step) for the same data and options; each folder's samples once per epoch. */
  batch(step: number, size: number, seed: number | string): RawBatch {
    return this.gather(this.sampler.indices(step, size, seed));
  }

  /** The samples with these numbers, in this order. @throws InputError when a number is out of range */
  gather(indices: ArrayLike<number>): RawBatch {
    const size = indices.length;
    const { table, horizon } = this;
    const k = this.taskInfoSize;
    const sampleBytes = this.imageSize * this.imageSize * 3 * CHALLENGE_ROBOT.cameraNames.length;
    const batch: RawBatch = {
      size,
      pictures: new Uint8Array(size * sampleBytes),
      state: new Float32Array(size * WIDTH),
      actions: new Float32Array(size * horizon * WIDTH),
      taskId: new Int32Array(size),
      stage: new Int32Array(size),
      taskInfo: new Float32Array(size * k),
      source: { folder: new Int32Array(size), episode: new Int32Array(size), frame: new Int32Array(size) },
    };
    for (let b = 0; b < size; b++) {
      const i = indices[b]!;
      if (!(i >= 0 && i < this.size)) throw new InputError('SampleStore', `no sample ${i} (there are ${this.size}).`);
      const at = (i % this.samplesPerBlock) * sampleBytes;
      batch.pictures.set(
        this.blocks[Math.floor(i / this.samplesPerBlock)]!.subarray(at, at + sampleBytes),
        b * sampleBytes,
      );
      batch.state.set(table.state.subarray(i * WIDTH, (i + 1) * WIDTH), b * WIDTH);
      const row = table.row[i]!;
      batch.actions.set(table.action.subarray(row * WIDTH, (row + horizon) * WIDTH), b * horizon * WIDTH);
      batch.taskInfo.set(table.taskInfo.subarray(i * k, (i + 1) * k), b * k);
      batch.taskId[b] = table.taskId[i]!;
      batch.stage[b] = table.stage[i]!;
      batch.source.folder[b] = table.folder[i]!;
      batch.source.episode[b] = table.episode[i]!;
      batch.source.frame[b] = table.frame[i]!;
    }
    return batch;
  }
}

/** The numbers of all samples, each in one flat array. */
class SampleTable {
  readonly state: Float32Array;
  readonly action: Float32Array;
  readonly row: Uint32Array;
  readonly taskId: Uint8Array;
  readonly stage: Uint8Array;
  readonly folder: Uint8Array;
  readonly episode: Int32Array;
  readonly frame: Int32Array;
  taskInfo = new Float32Array(0);
  taskInfoWidth = 0;
  private nextRow = 0;
  private readonly parts: { first: number; width: number; data: Float32Array }[] = [];

  constructor(
    readonly count: number,
    rows: number,
    readonly horizon: number,
  ) {
    this.state = new Float32Array(count * WIDTH);
    this.action = new Float32Array(rows * WIDTH);
    this.row = new Uint32Array(count);
    this.taskId = new Uint8Array(count);
    this.stage = new Uint8Array(count);
    this.folder = new Uint8Array(count);
    this.episode = new Int32Array(count);
    this.frame = new Int32Array(count);
  }

  put(
    { dataset, firstSample: first, starts }: LoadRequest,
    loaded: LoadedEpisode,
    episodeIndex: number,
    taskIndex: number,
  ): void {
    this.state.set(loaded.state, first * WIDTH);
    this.action.set(loaded.action, this.nextRow * WIDTH);
    this.stage.set(loaded.stage, first);
    this.frame.set(starts, first);
    for (let i = 0; i < starts.length; i++) this.row[first + i] = this.nextRow + starts[i]!;
    const end = first + starts.length;
    this.taskId.fill(taskIndex, first, end);
    this.folder.fill(dataset, first, end);
    this.episode.fill(episodeIndex, first, end);
    this.parts.push({ first, width: loaded.taskInfoWidth, data: loaded.taskInfo });
    this.nextRow += loaded.action.length / WIDTH;
  }

  /** Lays the privileged observations, whose width differs between tasks, side by side. */
  seal(): void {
    const k = (this.taskInfoWidth = this.parts.reduce((widest, part) => Math.max(widest, part.width), 0));
    this.taskInfo = new Float32Array(this.count * k);
    for (const { first, width, data } of this.parts.splice(0))
      for (let i = 0; i * width < data.length; i++)
        this.taskInfo.set(data.subarray(i * width, (i + 1) * width), (first + i) * k);
  }
}

/** Hands the episodes to worker threads, each taking the next few when it is done. */
async function loadAll(
  requests: readonly LoadRequest[],
  datasets: readonly Dataset[],
  open: OpenRequest,
  { workers = availableParallelism(), progress }: SampleStoreOptions,
  table: SampleTable,
): Promise<void> {
  let [next, done] = [0, 0];
  const clients = Array.from(
    { length: Math.max(1, Math.min(workers, Math.ceil(requests.length / EPISODES_PER_CALL))) },
    () => WorkerClient.start('data/samples/decode.worker'),
  );
  try {
    await Promise.all(
      clients.map(async (client) => {
        await client.call('open', open);
        while (next < requests.length) {
          const part = requests.slice(next, next + EPISODES_PER_CALL);
          next += part.length;
          const loaded = await client.call<LoadedEpisode[]>('load', part);
          part.forEach((request, i) => {
            const episode = datasets[request.dataset]!.episodes[request.episode]!;
            table.put(request, loaded[i]!, episode.index, episode.taskIndex);
          });
          done += part.length;
          progress?.(done, requests.length);
        }
      }),
    );
    table.seal();
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

/** Places of the episodes kept for validation: a fixed draw of `share` of the data set (at least one, never all), the same in every run. */
function validationPlaces(dataset: Dataset, share: number): Set<number> {
  const count = dataset.episodes.length;
  const places = Random.of('validation').shuffle(Array.from({ length: count }, (_, i) => i));
  return new Set(places.slice(0, Math.min(count - 1, Math.max(1, Math.round(share * count)))));
}

const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
