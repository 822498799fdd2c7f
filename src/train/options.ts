import type { DataChoice, FolderLimit } from '../data/index.ts';
import type { StatisticsChoice } from '../model/index.ts';
import type { Robot } from '../robot/index.ts';
import type { TrainConfig } from './config.ts';
import type { WhenFull } from './fullDisk.ts';
import type { LookPlan, RolloutPlayer } from './lookPlan.ts';

/** What `train` is told. */
export interface TrainOptions extends StatisticsChoice {
  readonly config: TrainConfig;
  /** Data set folders, each with an optional `:weight`. */
  readonly data: readonly string[];
  /** Whose data they are; when left out, as the data sets say. */
  readonly robot?: Robot;
  /** What of the data is taken. */
  readonly choice?: DataChoice;
  /** The training folder (contract: "Training folder"). */
  readonly out: string;
  readonly seed?: number;
  /** As many as the machine has when left out; in a resumed run, as many as it had. */
  readonly threads?: number;
  /** Go on with the run in `out`, from its newest checkpoint. */
  readonly resume?: boolean;
  /** A checkpoint folder to start from: its averaged weights and its statistics, a fresh optimiser. */
  readonly init?: string;
  /** A norm_stats.json to use instead of statistics computed from the data. */
  readonly stats?: string;
  /** Raises smaller deviations of statistics computed from the data; the robot's floors when left out, 0: none. */
  readonly minStd?: number;
  /** Train although data lie far outside the statistics. */
  readonly allowFar?: boolean;
  /** Leave out samples that lie far outside the statistics; a resumed run does as before. */
  readonly skipFar?: boolean;
  /** Leave out samples with numbers that are not finite or far too large, in place of refusing them. */
  readonly skipBad?: boolean;
  /**
   * Folder of a FAST vocabulary; with `model.useFastAuxiliary` and none named, the checkpoint's, else one fitted on
   * the data.
   */
  readonly tokenizer?: string;
  /** Episodes beside the training; a resumed run's own when left out. Needs a player. */
  readonly rollouts?: Omit<LookPlan, 'tasks'> & { readonly tasks: readonly string[] | 'all' };
  readonly player?: RolloutPlayer;
  /** What tells `checkpoints/best`: `q`, `success` or `validation/KEY`; a resumed run's own when left out. */
  readonly best?: string;
  /**
   * Where the disk takes nothing: end, with the last good checkpoint (`stop`, when left out), or train on without
   * saving until there is room.
   */
  readonly whenFull?: WhenFull;
  /**
   * Where the decoded and shrunk pictures of streamed samples are kept, for the next epoch and the next run, and the
   * bytes that they may take; nowhere when left out. They change nothing that is trained.
   */
  readonly frameCache?: FolderLimit;
  /** Save and stop after so many minutes of training. */
  readonly timeLimitMinutes?: number;
  /** Bytes of memory that training may take beside the samples; found out when left out. */
  readonly availableMemory?: number;
  /** Aborting it saves and stops. */
  readonly signal?: AbortSignal;
  /** Where lines for a person go; nowhere when left out. */
  readonly log?: (line: string) => void;
  /** Called after each update with the number of updates made so far. */
  readonly onStep?: (step: number) => void;
}
