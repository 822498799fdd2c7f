import { freemem } from 'node:os';
import { InputError, present } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import { badNumbers } from './badNumbers.ts';
import { type BadSample, badWords, oneOfEach, type UnreadablePictures, unreadablePictures } from './badSample.ts';
import type { LoadedEpisode } from './decode.worker.ts';
import { DecodePool } from './decodePool.ts';
import type { Draws } from './draws.ts';
import { foldersOf } from './foldersOf.ts';
import { loadEpisodes, usefulWorkers } from './loadEpisodes.ts';
import type { PlannedEpisode } from './planSamples.ts';
import {
  bytesInMemory,
  gibibytes,
  type PreparedSamples,
  prepareSamples,
  type SampleOptions,
} from './prepareSamples.ts';
import { emptyBatch, type RawBatch } from './rawBatch.ts';
import { WHOLE_BATCH } from './rowShare.ts';
import type { SampleFolder, SamplePlace, SampleSource, SampleVisitor } from './sampleSource.ts';
import { SampleTable } from './sampleTable.ts';

/** Pictures in pieces that V8 can hold as one buffer each. */
interface PictureBlocks {
  readonly blocks: readonly SharedArrayBuffer[];
  readonly samplesPerBlock: number;
}

const BLOCK_BYTES = 2 ** 30;

/** Training samples of one or more data sets of one robot, held in memory. */
export class SampleStore implements SampleSource {
  readonly robot: Robot;
  readonly horizon: number;
  readonly folders: readonly SampleFolder[];
  private readonly blocks: readonly Uint8Array[];

  private constructor(
    private readonly prepared: PreparedSamples,
    private readonly pictures: PictureBlocks,
    private readonly table: SampleTable,
    private readonly draws: Draws,
    private readonly unreadable: readonly UnreadablePictures[],
  ) {
    this.robot = prepared.robot;
    this.horizon = prepared.horizon;
    this.folders = foldersOf(prepared, draws);
    this.blocks = pictures.blocks.map((block) => new Uint8Array(block));
  }

  /**
   * Reads all samples of the data sets (`dir` or `dir:weight`) into memory.
   * @throws InputError when they do not fit (with numbers), an episode is damaged, or the data sets are of different
   * robots
   */
  static async load(dataFolders: readonly string[], options: SampleOptions): Promise<SampleStore> {
    const prepared = await prepareSamples(dataFolders, options);
    requireRoom(prepared, options);
    return SampleStore.read(prepared, options);
  }

  /** The same of samples that are planned already, however much they take. */
  static async read(
    prepared: PreparedSamples,
    { workers, progress }: Pick<SampleOptions, 'workers' | 'progress'>,
  ): Promise<SampleStore> {
    const { plan, robot, draws } = prepared;
    const pictures = pictureBlocks(plan.samples, prepared.sampleBytes);
    const table = new SampleTable(plan.samples, plan.rows, robot.width);
    const unreadable: UnreadablePictures[] = [];
    const threads = usefulWorkers(plan.episodes.length, workers);
    const pool = await DecodePool.open({ ...prepared.open, ...pictures }, threads);
    try {
      const put = (planned: PlannedEpisode, loaded: LoadedEpisode) => {
        table.put(planned, loaded);
        unreadable.push(...unreadablePictures(planned, loaded));
      };
      await loadEpisodes(plan.episodes, pool.clients, put, { pictures: true, progress });
      table.seal();
    } finally {
      await pool.close();
    }
    return new SampleStore(prepared, pictures, table, draws, unreadable);
  }

  get size(): number {
    return this.draws.size;
  }

  get taskInfoSize(): number {
    return this.table.taskInfoWidth;
  }

  /**
   * State [width] and absolute chunk [horizon, width] of a sample, views as far as they can be.
   * @throws InputError beyond the last
   */
  numbers(sample: number): { readonly state: Float32Array; readonly actions: Float32Array } {
    const { width } = this.robot;
    const place = this.draws.placeOf(sample);
    return {
      state: this.table.state.subarray(place * width, (place + 1) * width),
      actions: this.table.chunk(place, this.horizon),
    };
  }

  taskOf(sample: number): number {
    return present(this.table.taskId[this.draws.placeOf(sample)], 'the task of a sample');
  }

  async each(visit: SampleVisitor): Promise<void> {
    for (let sample = 0; sample < this.size; sample++) {
      const { state, actions } = this.numbers(sample);
      visit(state, actions, sample);
    }
  }

  badSamples(): BadSample[] {
    if (this.size !== this.table.count) return [];
    return oneOfEach(this.unreadable, badNumbers(this.table, this.horizon));
  }

  badWords(bad: BadSample): string {
    return badWords(bad, this.folders[bad.folder]?.dir ?? '', this.robot);
  }

  without(bad: readonly Pick<BadSample, 'sample'>[]): SampleStore {
    const draws = this.draws.without(bad.map(({ sample }) => this.draws.placeOf(sample)));
    return new SampleStore(this.prepared, this.pictures, this.table, draws, this.unreadable);
  }

  sourceOf(sample: number): SamplePlace {
    const { folder, episode, frame } = this.table;
    const i = this.draws.placeOf(sample);
    return { folder: folder[i] ?? 0, episode: episode[i] ?? 0, frame: frame[i] ?? 0 };
  }

  batch(step: number, size: number, seed: number | string, _steps?: number, share = WHOLE_BATCH): RawBatch {
    return this.gather(this.draws.indices(step, size, seed, share));
  }

  gather(indices: ArrayLike<number>, { pictures = true }: { readonly pictures?: boolean } = {}): RawBatch {
    const size = indices.length;
    const { table, horizon, taskInfoSize: k, blocks, robot } = this;
    const { width } = robot;
    const { samplesPerBlock } = this.pictures;
    const sampleBytes = pictures ? this.prepared.sampleBytes : 0;
    const batch = emptyBatch({ size, sampleBytes, width, horizon, taskInfoSize: k });
    for (const [b, number] of Array.from(indices).entries()) {
      const i = this.draws.placeOf(number);
      const at = (i % samplesPerBlock) * sampleBytes;
      const block = present(blocks[Math.floor(i / samplesPerBlock)], 'block');
      batch.pictures.set(block.subarray(at, at + sampleBytes), b * sampleBytes);
      batch.state.set(table.state.subarray(i * width, (i + 1) * width), b * width);
      batch.actions.set(table.chunk(i, horizon), b * horizon * width);
      batch.taskInfo.set(table.taskInfo.subarray(i * k, (i + 1) * k), b * k);
      batch.taskId[b] = present(table.taskId[i], 'table.taskId[i]');
      batch.stage[b] = present(table.stage[i], 'table.stage[i]');
      batch.source.folder[b] = present(table.folder[i], 'table.folder[i]');
      batch.source.episode[b] = present(table.episode[i], 'table.episode[i]');
      batch.source.frame[b] = present(table.frame[i], 'table.frame[i]');
    }
    return batch;
  }

  /** Nothing is open. */
  async close(): Promise<void> {}
}

function pictureBlocks(samples: number, sampleBytes: number): PictureBlocks {
  const samplesPerBlock = Math.max(1, Math.floor(BLOCK_BYTES / sampleBytes));
  const blocks = Array.from({ length: Math.ceil(samples / samplesPerBlock) }, (_, i) => {
    const count = Math.min(samplesPerBlock, samples - i * samplesPerBlock);
    return new SharedArrayBuffer(count * sampleBytes);
  });
  return { blocks, samplesPerBlock };
}

/** Most bytes that samples may take. */
export const memoryLimit = ({ memoryLimitBytes = 0.7 * freemem() }: Pick<SampleOptions, 'memoryLimitBytes'>): number =>
  memoryLimitBytes;

/** @throws InputError when the samples do not fit in memory, with the frame stride that would */
export function requireRoom(prepared: PreparedSamples, options: SampleOptions): void {
  const [needed, limit] = [bytesInMemory(prepared), memoryLimit(options)];
  if (needed <= limit) return;
  const { frameStride = 1, imageSize } = options;
  const { plan, robot } = prepared;
  const fitting = Math.ceil((frameStride * needed) / limit);
  throw new InputError(
    'samples',
    `${plan.samples} samples of ${robot.cameras.length} x ${imageSize}x${imageSize} pictures need ` +
      `${gibibytes(needed)}, more than the ${gibibytes(limit)} allowed. Read them as they are needed ` +
      `(--stream auto), or take fewer: a frameStride of ${fitting} instead of ${frameStride} would fit.`,
  );
}
