import type { Robot } from '../../robot/index.ts';
import type { FolderLimit } from '../remote/index.ts';
import { type BadNumber, badNumbers } from './badNumbers.ts';
import { type BadSample, badWords, oneOfEach, type UnreadablePictures, unreadablePictures } from './badSample.ts';
import type { LoadedEpisode } from './decode.worker.ts';
import { DecodePool } from './decodePool.ts';
import type { Draws } from './draws.ts';
import { foldersOf } from './foldersOf.ts';
import { frameCacheSetting } from './frameCache.ts';
import { loadEpisodes } from './loadEpisodes.ts';
import type { PlannedEpisode } from './planSamples.ts';
import type { PreparedSamples, SampleOptions } from './prepareSamples.ts';
import type { RawBatch } from './rawBatch.ts';
import { ReadAhead } from './readAhead.ts';
import { episodeOf } from './readJobs.ts';
import { WHOLE_BATCH } from './rowShare.ts';
import { SampleReader } from './sampleReader.ts';
import type { SampleFolder, SamplePlace, SampleSource, SampleVisitor } from './sampleSource.ts';
import { SampleTable } from './sampleTable.ts';
import { chunkAt } from './sampling.ts';

/** What a look at all samples found. */
export interface SampleScan {
  readonly taskInfoSize: number;
  readonly bad: readonly BadSample[];
}

/** What is special about streamed samples. */
export interface StreamOptions {
  /** What a look at all numbers found before. */
  readonly known?: SampleScan | undefined;
  /** Where decoded pictures are kept; nowhere when left out. */
  readonly frameCache?: FolderLimit | undefined;
  /** Hears why no more pictures are kept, as often as that is found. */
  readonly notKept?: ((why: string) => void) | undefined;
}

/** Bytes and samples of a window of batches that are read ahead, at most (but one batch). */
const WINDOW_BYTES = 2 ** 29;
const WINDOW_SAMPLES = 4096;
/** Of the memory that samples may take: two windows, and as much again on the way to them. */
const WINDOW_SHARE = 1 / 4;

/**
 * Training samples that are read from their files as they are needed, by worker threads, ahead of the batch that is
 * asked for. The memory holds two windows of batches and a small index, whatever the size of the data sets; the batches
 * are those of `SampleStore`, bit for bit.
 */
export class SampleStream implements SampleSource {
  readonly robot: Robot;
  readonly horizon: number;
  readonly folders: readonly SampleFolder[];
  private readonly reader: SampleReader;
  private ahead: { readonly key: string; readonly batches: ReadAhead } | undefined;

  private constructor(
    private readonly prepared: PreparedSamples,
    private readonly pool: DecodePool,
    readonly scan: SampleScan,
    private readonly draws: Draws,
    private readonly memoryLimit: number,
    private readonly notKept: (why: string) => void,
  ) {
    this.robot = prepared.robot;
    this.horizon = prepared.horizon;
    this.folders = foldersOf(prepared, draws);
    this.reader = new SampleReader(prepared, scan.taskInfoSize, pool.clients, notKept);
  }

  /**
   * Looks at all numbers, and at all pictures where those that cannot be read are passed over, unless `known` says what
   * is to be found there.
   * @throws InputError when a file is bad
   */
  static async open(
    prepared: PreparedSamples,
    {
      workers,
      progress,
      known,
      memoryLimit,
      frameCache: wanted,
      notKept = () => undefined,
    }: Pick<SampleOptions, 'workers' | 'progress'> & StreamOptions & { readonly memoryLimit: number },
  ): Promise<SampleStream> {
    const { plan, robot, sampleBytes } = prepared;
    const cameras = robot.cameras.length;
    const sizes = { bytes: sampleBytes / cameras, pictures: plan.samples * cameras };
    const frameCache = wanted && (await frameCacheSetting(wanted, sizes));
    const pool = await DecodePool.open({ ...prepared.open, blocks: [], samplesPerBlock: 1, frameCache }, workers);
    try {
      const scan = known ?? (await scanned(prepared, pool, progress));
      return new SampleStream(prepared, pool, scan, prepared.draws, memoryLimit, notKept);
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  get size(): number {
    return this.draws.size;
  }

  get taskInfoSize(): number {
    return this.scan.taskInfoSize;
  }

  badSamples(): readonly BadSample[] {
    return this.size === this.prepared.plan.samples ? this.scan.bad : [];
  }

  badWords(bad: BadSample): string {
    return badWords(bad, this.folders[bad.folder]?.dir ?? '', this.robot);
  }

  /** It shares the workers: closing one closes both. */
  without(bad: readonly Pick<BadSample, 'sample'>[]): SampleStream {
    const draws = this.draws.without(bad.map(({ sample }) => this.draws.placeOf(sample)));
    return new SampleStream(this.prepared, this.pool, this.scan, draws, this.memoryLimit, this.notKept);
  }

  taskOf(sample: number): number {
    return episodeOf(this.draws.placeOf(sample), this.prepared.plan.episodes).episode.taskIndex;
  }

  sourceOf(sample: number): SamplePlace {
    const place = this.draws.placeOf(sample);
    const { dataset, episode, starts, firstSample } = episodeOf(place, this.prepared.plan.episodes);
    const frame = starts.first + (place - firstSample) * starts.stride;
    return { folder: dataset, episode: episode.index, frame };
  }

  batch(
    step: number,
    size: number,
    seed: number | string,
    steps: number = Number.POSITIVE_INFINITY,
    share = WHOLE_BATCH,
  ): Promise<RawBatch> {
    const key = `${size} ${seed} ${steps} ${share.rank} ${share.size}`;
    if (this.ahead?.key !== key) {
      const read = (from: number, to: number) =>
        this.reader.read(
          Array.from({ length: to - from }, (_, i) => this.placesOf(this.draws.indices(from + i, size, seed, share))),
          true,
        );
      this.ahead = { key, batches: new ReadAhead(read, this.windowOf(size / share.size), steps) };
    }
    return this.ahead.batches.take(step);
  }

  gather(indices: ArrayLike<number>, { pictures = true }: { readonly pictures?: boolean } = {}): Promise<RawBatch> {
    const [batch] = this.reader.read([this.placesOf(indices)], pictures);
    return batch as Promise<RawBatch>;
  }

  async each(visit: SampleVisitor): Promise<void> {
    const { plan, robot } = this.prepared;
    const { width } = robot;
    const { horizon } = this;
    const sink = ({ starts, firstSample }: PlannedEpisode, { state, action }: LoadedEpisode) => {
      for (let i = 0; i < starts.count; i++) {
        const sample = this.draws.numberAt(firstSample + i);
        if (sample === undefined) continue;
        const row = starts.first + i * starts.stride;
        const chunk = chunkAt(action, { row, last: action.length / width - 1, horizon, width });
        visit(state.subarray(i * width, (i + 1) * width), chunk, sample);
      }
    };
    await loadEpisodes(plan.episodes, this.pool.clients, sink, { pictures: false });
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  private placesOf(samples: ArrayLike<number>): Float64Array {
    return Float64Array.from(samples, (sample) => this.draws.placeOf(sample));
  }

  /** Steps of a window of batches of this size. */
  private windowOf(size: number): number {
    const { sampleBytes, robot, horizon } = this.prepared;
    const bytes = sampleBytes + 4 * (horizon + 1) * robot.width;
    const room = Math.min(WINDOW_BYTES, WINDOW_SHARE * this.memoryLimit);
    return Math.max(1, Math.floor(Math.min(WINDOW_SAMPLES, room / bytes) / size));
  }
}

async function scanned(
  { plan, robot, horizon, open }: PreparedSamples,
  pool: DecodePool,
  progress: SampleOptions['progress'],
): Promise<SampleScan> {
  let taskInfoSize = 0;
  const bad: BadNumber[] = [];
  const unreadable: UnreadablePictures[] = [];
  const look = (planned: PlannedEpisode, loaded: LoadedEpisode) => {
    taskInfoSize = Math.max(taskInfoSize, loaded.taskInfoWidth);
    const table = new SampleTable(planned.starts.count, planned.episode.length, robot.width);
    table.put({ ...planned, firstSample: 0 }, loaded);
    table.seal();
    unreadable.push(...unreadablePictures(planned, loaded));
    for (const one of badNumbers(table, horizon)) bad.push({ ...one, sample: planned.firstSample + one.sample });
  };
  await loadEpisodes(plan.episodes, pool.clients, look, { pictures: open.passUnreadable ?? false, progress });
  return { taskInfoSize, bad: oneOfEach(unreadable, bad) };
}
