/** Optimiser schedule, batches, checkpoints and the loop that trains a policy. Knows nothing of robots that move. */
export { BatchMaker, type BatchOptions, flowTimes, type TrainingBatch } from './batch.ts';
export { checkTrainConfig, loadTrainConfig, TrainConfig } from './config.ts';
export { frozenLeaves } from './freeze.ts';
export type { TrainResult } from './loop.ts';
export { requireTrainingMemory, type TrainingSize, trainedWith, trainingRefusal } from './memory.ts';
export type { TrainOptions } from './options.ts';
export { readTrainingCheckpoint, saveTrainingCheckpoint } from './save.ts';
export { learningRate, type Schedule } from './schedule.ts';
export { applySettings } from './settings.ts';
export { statisticsOf } from './statistics.ts';
export { train } from './train.ts';
export {
  type Losses,
  type OptimizerOptions,
  type StepReport,
  Trainer,
  type TrainerOptions,
  type TrainerSnapshot,
} from './trainer.ts';
