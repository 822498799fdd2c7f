import type { z } from 'zod';
import { configs, type ModelConfig } from '../model/index.ts';
import type { NetworkSchema, TrainConfig } from './config.ts';

const optimizer = {
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 1e-10,
  clipNorm: 1,
  emaDecay: 0.99,
  emaWarmup: false,
};

/** A preset without what the robot and the data decide. */
function networkOf(preset: ModelConfig): z.input<typeof NetworkSchema> {
  return { ...preset, cameras: null, actionDim: null, actionHorizon: null, taskNumStages: null };
}

/**
 * Built-in training configurations (docs/training-config.md). A function each, because the model's own defaults are
 * resolved when asked for.
 */
export const presets: Readonly<Record<string, () => z.input<typeof TrainConfig>>> = {
  /** The small household policy: 64x64 cameras, minutes to an hour on two cores. */
  nano: () => ({
    model: networkOf(configs.nano),
    batch: 64,
    steps: 6000,
    schedule: { warmupSteps: 200, peak: 1e-3, finalShare: 0.05, decaySteps: null },
    optimizer: { ...optimizer, weightDecay: 1e-4, emaDecay: 0.999, emaWarmup: true },
    objectsWeight: 1,
    stageLabels: 'skills',
    stageNoise: 0.1,
    stateNoise: 0.02,
    pictures: { brightness: 0.04, contrast: 0.06, noise: 2 },
    validation: { share: 0.02, every: 500, batches: 4, chunks: 32 },
    memoryGiB: 8,
    logEvery: 20,
    checkpointEvery: 500,
    samplingSteps: 10,
  }),
  /** Seconds, for tests and for a look at the machinery. */
  dummy: () => ({
    model: { ...networkOf(configs.dummy), useFastAuxiliary: false },
    batch: 4,
    steps: 20,
    schedule: { warmupSteps: 2, peak: 1e-3, finalShare: 0.1, decaySteps: null },
    optimizer,
    stageLabels: 'skills',
    validation: { share: 0, every: 10, batches: 1 },
    memoryGiB: 1,
    logEvery: 1,
    checkpointEvery: 10,
    keepCheckpoints: 2,
    samplingSteps: 4,
  }),
  /**
   * The winner's released settings at full size (docs/facts.md#training); says what it needs, and it is more than most
   * machines have.
   */
  full: () => ({
    model: networkOf(configs.full),
    batch: 16,
    steps: 200_000,
    schedule: { warmupSteps: 1000, peak: 1e-4, finalShare: 0.1, decaySteps: 20_000 },
    optimizer,
    stageLabels: 'time',
    endPadding: true,
    // augmax as the original calls it: half of the pictures, its default hue, and a saturation that it never applies.
    pictures: {
      ...{ colour: 'hsv', crop: 0.95, rotate: 5, colourShare: 0.5 },
      ...{ brightness: 0.3, contrast: 0.4, hue: 0.1 },
    },
    validation: { share: 0.02, every: 1000, batches: 8 },
    memoryGiB: 64,
    logEvery: 50,
    checkpointEvery: 1000,
    samplingSteps: 20,
  }),
};
