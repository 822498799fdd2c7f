import { digestOf, InputError, Progress, present } from '../base/index.ts';
import {
  type DataChoice,
  type Dataset,
  dataFingerprint,
  type FolderLimit,
  openSamples,
  type RawBatch,
  type SampleScan,
  type SampleSource,
  SampleStream,
} from '../data/index.ts';
import { type Robot, robotRecord } from '../robot/index.ts';
import { goodSamples, type SkippedSample } from './badSamples.ts';
import type { RunConfig } from './config.ts';
import type { Scans } from './scans.ts';

/** Frames between two samples of one held-out episode: near ones say the same. */
const VALIDATION_STRIDE = 15;

/** The samples of a run. */
export interface TrainingData {
  readonly store: SampleSource;
  /** The held-out episodes; null when the configuration keeps none or there are too few. */
  readonly heldOut: SampleSource | null;
  /** Changes when the data sets' index files do. */
  readonly fingerprint: string;
  /** In words, for the log. */
  readonly summary: string;
  /** Samples that were left out because of numbers that nothing can be learned from. */
  readonly skipped: readonly SkippedSample[];
  /** What a look at the numbers of streamed samples found. */
  readonly scans: Scans;
  /** Ends what reads them. */
  close(): Promise<void>;
}

/**
 * The samples of the data sets (`dir` or `dir:weight`), in memory or to be read as they are needed.
 * @throws InputError when they cannot be read, or are to be in memory and do not fit
 */
export async function loadData(
  folders: readonly string[],
  config: RunConfig,
  {
    robot,
    sets,
    choice,
    seed,
    workers,
    log,
    silent,
    skipBad,
    known = {},
    frameCache,
  }: {
    robot: Robot;
    sets: readonly Dataset[];
    choice: DataChoice | undefined;
    seed: number;
    workers: number;
    log: (line: string) => void;
    silent: boolean;
    skipBad: boolean;
    /** What was found before. */
    known?: Scans;
    /** Where decoded pictures of streamed samples are kept. */
    frameCache?: FolderLimit | undefined;
  },
): Promise<TrainingData> {
  const { share, by } = config.validation;
  const fingerprint = chosenFingerprint(await dataFingerprint(folders), sets, choice);
  const scans: Record<string, SampleScan> = {};
  let isTold = false;
  const notKept = (why: string) => {
    if (!isTold) log(`decoded pictures are no longer kept: ${why} Training goes on, and decodes them again.`);
    isTold = true;
  };
  const load = async (part: 'train' | 'validation', label: string): Promise<SampleSource> => {
    let progress: Progress | undefined;
    const what = {
      horizon: config.model.actionHorizon,
      taskNumStages: config.model.taskNumStages,
      frameStride: part === 'train' ? config.frameStride : Math.max(VALIDATION_STRIDE, config.frameStride),
      seed,
      stageLabels: config.stageLabels,
      taskWeights: config.taskWeights,
      ...(skipBad && { passUnreadable: true }),
      ...(config.endPadding && { endPadding: true }),
      ...(share > 0 ? { split: { part, share, by } } : {}),
    };
    const key = digestOf([fingerprint, robotRecord(robot), what]);
    const source = await openSamples(folders, {
      ...what,
      robot,
      sets,
      imageSize: config.model.imageSize,
      memoryLimitBytes: config.memoryGiB * 2 ** 30,
      stream: config.stream,
      known: known[key],
      frameCache,
      notKept,
      log,
      workers,
      progress: (done, total) => {
        progress ??= new Progress(label, total, { unit: 'episodes', silent });
        progress.at(done);
        if (done === total) progress.end();
      },
    });
    if (source instanceof SampleStream) scans[key] = source.scan;
    return source;
  };
  const opened: SampleSource[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((source) => source.close()));
  };
  try {
    opened.push(await load('train', 'loading samples'));
    if (share > 0)
      await load('validation', 'loading held-out samples').then(
        (heldOut) => opened.push(heldOut),
        (error: unknown) => {
          if (!(error instanceof InputError)) throw error;
          log(`no validation: ${error.message}`);
        },
      );
    const [first, second] = opened;
    const train = goodSamples(present(first, 'train'), skipBad, log);
    const validation = second && heldOutOf(second, skipBad, log);
    const { store } = train;
    const heldOut = validation?.store ?? null;
    const episodes = store.folders.reduce((sum, folder) => sum + folder.episodes, 0);
    const summary = `${store.size} samples of ${episodes} episodes${heldOut ? `, ${heldOut.size} held out` : ''}`;
    const skipped = [train, validation].flatMap((part) => part?.skipped ?? []);
    return { store, heldOut, fingerprint, summary, skipped, scans, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The good held-out samples; none where all of them are left out. @throws InputError for bad ones that are not */
function heldOutOf(source: SampleSource, skipBad: boolean, log: (line: string) => void) {
  try {
    return goodSamples(source, skipBad, log);
  } catch (error) {
    if (!skipBad || !(error instanceof InputError)) throw error;
    log(`no validation: ${error.message}`);
    return undefined;
  }
}

/**
 * @param taskNumStages of the network, by task id @throws InputError when a stage is none of its task's, or the
 * network has no such task
 */
export function requireStages(batch: RawBatch, taskNumStages: readonly number[]): void {
  for (const [b, id] of batch.taskId.entries()) {
    const stages = taskNumStages[id];
    if (stages === undefined || present(batch.stage[b], 'batch.stage[b]') >= stages) {
      const where = `episode ${batch.source.episode[b]}, frame ${batch.source.frame[b]}`;
      throw new InputError(
        where,
        stages === undefined
          ? `the network has no task ${id} (it has 0…${taskNumStages.length - 1}). valet import --tasks makes its ` +
              'tables longer.'
          : `stage ${batch.stage[b]} is out of range (task ${id} has ${stages} stages).`,
      );
    }
  }
}

/** The data sets' fingerprint, and what was chosen of them. */
function chosenFingerprint(whole: string, sets: readonly Dataset[], choice: DataChoice | undefined): string {
  if (!choice || Object.values(choice).every((value) => value === undefined || value === false)) return whole;
  const episodes = sets.map((set) => set.episodes.map(({ index, taskIndex }) => [index, taskIndex]));
  return digestOf([whole, choice.cameras ?? null, episodes]);
}
