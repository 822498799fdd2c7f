import { createHash } from 'node:crypto';
import { InputError, Progress, present } from '../base/index.ts';
import { type DataChoice, type Dataset, dataFingerprint, type RawBatch, SampleStore } from '../data/index.ts';
import type { Robot } from '../robot/index.ts';
import { goodSamples, type SkippedSample } from './badSamples.ts';
import type { RunConfig } from './config.ts';

/** Frames between two samples of one held-out episode: near ones say the same. */
const VALIDATION_STRIDE = 15;

/** The samples of a run, in memory. */
export interface TrainingData {
  readonly store: SampleStore;
  /** The held-out episodes; null when the configuration keeps none or there are too few. */
  readonly heldOut: SampleStore | null;
  /** Changes when the data sets' index files do. */
  readonly fingerprint: string;
  /** In words, for the log. */
  readonly summary: string;
  /** Samples that were left out because of numbers that nothing can be learned from. */
  readonly skipped: readonly SkippedSample[];
}

/**
 * Loads all samples of the data sets (`dir` or `dir:weight`). @throws InputError when they cannot be read or do not
 * fit in memory
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
  }: {
    robot: Robot;
    sets: readonly Dataset[];
    choice: DataChoice | undefined;
    seed: number;
    workers: number;
    log: (line: string) => void;
    silent: boolean;
    skipBad: boolean;
  },
): Promise<TrainingData> {
  const { share } = config.validation;
  const load = (part: 'train' | 'validation', label: string) => {
    let progress: Progress | undefined;
    return SampleStore.load(folders, {
      robot,
      sets,
      horizon: config.model.actionHorizon,
      taskNumStages: config.model.taskNumStages,
      frameStride: part === 'train' ? config.frameStride : Math.max(VALIDATION_STRIDE, config.frameStride),
      imageSize: config.model.imageSize,
      memoryLimitBytes: config.memoryGiB * 2 ** 30,
      workers,
      seed,
      stageLabels: config.stageLabels,
      ...(share > 0 ? { split: { part, share } } : {}),
      progress: (done, total) => {
        progress ??= new Progress(label, total, { unit: 'episodes', silent });
        progress.at(done);
        if (done === total) progress.end();
      },
    });
  };
  const fingerprint = chosenFingerprint(await dataFingerprint(folders), sets, choice);
  const loaded = await load('train', 'loading samples');
  const heldOutAll =
    share > 0
      ? await load('validation', 'loading held-out samples').catch((error: unknown) => {
          if (!(error instanceof InputError)) throw error;
          log(`no validation: ${error.message}`);
          return null;
        })
      : null;
  const train = goodSamples(loaded, skipBad, log);
  const validation = heldOutAll && goodSamples(heldOutAll, skipBad, log);
  const [store, heldOut] = [train.store, validation?.store ?? null];
  const episodes = store.folders.reduce((sum, folder) => sum + folder.episodes, 0);
  const summary = `${store.size} samples of ${episodes} episodes${heldOut ? `, ${heldOut.size} held out` : ''}`;
  return { store, heldOut, fingerprint, summary, skipped: [...train.skipped, ...(validation?.skipped ?? [])] };
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
  const chosen = JSON.stringify([whole, choice.cameras ?? null, episodes]);
  return createHash('sha256').update(chosen).digest('hex').slice(0, 16);
}
