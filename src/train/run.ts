import type { ChunkStatistics, FastTokenizer } from '../action/index.ts';
import type { WorkerClient } from '../base/index.ts';
import type { Robot } from '../robot/index.ts';
import type { Weights } from '../tensor/index.ts';
import type { BestRule } from './bestRule.ts';
import type { Carried } from './carried.ts';
import type { RunConfig } from './config.ts';
import type { TrainingData } from './data.ts';
import type { FarDimension } from './farValues.ts';
import type { RunFolder, RunRecord } from './folder.ts';
import type { LookPlan } from './lookPlan.ts';
import type { TrainOptions } from './options.ts';
import type { Outcomes } from './outcomes.ts';
import type { Ranks } from './ranks/index.ts';
import type { TrainerInfo } from './trainerOptions.ts';

/** What a run is made of when its first update begins. */
export interface Run {
  readonly options: TrainOptions;
  readonly config: RunConfig;
  readonly robot: Robot;
  readonly seed: number;
  readonly folder: RunFolder;
  readonly data: TrainingData;
  readonly client: WorkerClient;
  readonly info: TrainerInfo;
  /** Leaves that are not trained. */
  readonly frozen: Weights;
  readonly statistics: ChunkStatistics;
  readonly tokenizer: FastTokenizer | undefined;
  readonly record: RunRecord;
  /** Names of the tasks that the weights were trained on. */
  readonly tasks: readonly string[];
  /** Names of the data's tasks, by their number. */
  readonly taskNames: ReadonlyMap<number, string>;
  /** Rollouts beside the training. */
  readonly plan: LookPlan | undefined;
  /** How the best checkpoint is told. */
  readonly best: BestRule | undefined;
  /** Dimensions of the data that lie far outside the statistics. */
  readonly far: readonly FarDimension[];
  /** What became of the episodes, where the configuration asks for it. */
  readonly outcomes: Outcomes | undefined;
  /** Updates that were made already, and what their checkpoint held beside the trainer's state. */
  readonly start: number;
  readonly carried: Carried;
  /** The ranks that train together, when there are several. */
  readonly ranks: Ranks | undefined;
  readonly log: (line: string) => void;
}
