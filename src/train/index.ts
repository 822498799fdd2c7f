/** Optimiser schedule, batches, checkpoints and the loop that trains a policy. Knows nothing of robots that move. */
export type { TrainingBatch } from './batch.ts';
export { checkTrainConfig, type TrainConfig } from './config.ts';
export { loadTrainConfig } from './configFile.ts';
export { checkpointFits, type Fit, fits, MOST } from './fitReport.ts';
export { RunFolder, RunRecord } from './folder.ts';
export type { LookPlan, RolloutPlayer, TaskLook } from './lookPlan.ts';
export type { TrainResult } from './loop.ts';
export type { TrainOptions } from './options.ts';
export { adviseTraining, measurePaces, type PaceAdvice, paceConfig, paceSettings, type UpdatePace } from './pace.ts';
export { randomBatch } from './randomBatch.ts';
export type { Tell } from './ranks/index.ts';
export { readTrainingStep } from './save.ts';
export { learningRate, type Schedule } from './schedule.ts';
export { type SeenSamples, seenSamples } from './seenSamples.ts';
export { applySettings } from './settings.ts';
export {
  assetIds,
  type CheckJob,
  type CheckReport,
  type FitJob,
  type FitReport,
  ownAssetId,
} from './tokenizer/index.ts';
export { train } from './train.ts';
export { Trainer } from './trainer.ts';
export { trainInRanks } from './trainInRanks.ts';
