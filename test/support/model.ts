import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChunkStatistics, writeNormStats } from '../../src/action/index.ts';
import {
  type CheckpointContents,
  configs,
  initParameters,
  modelConfig,
  modelConfigFor,
  writeCheckpoint,
} from '../../src/model/index.ts';
import { CHALLENGE_ROBOT, type Robot } from '../../src/robot/index.ts';
import { writeSafetensors } from '../../src/tensor/index.ts';

/** Largest difference over the elements that count, relative to the largest expected magnitude. */
export function relativeError(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  counts: (i: number) => boolean = () => true,
): { relative: number; absolute: number } {
  if (got.length !== expected.length) throw new Error(`${got.length} numbers, expected ${expected.length}`);
  let error = 0;
  let largest = 0;
  for (let i = 0; i < got.length; i++) {
    if (!counts(i)) continue;
    const [a, b] = [got[i]!, expected[i]!];
    if (b === -Infinity) {
      if (a > -1e29) return { relative: Infinity, absolute: Infinity };
      continue;
    }
    error = Math.max(error, Number.isNaN(a) ? Infinity : Math.abs(a - b));
    largest = Math.max(largest, Math.abs(b));
  }
  return { relative: largest > 0 ? error / largest : error, absolute: error };
}

/** The smallest network that has every part, for tests that need a real policy and not a good one. */
export const tinyNetwork = modelConfig({
  imageSize: 28,
  visionWidth: 16,
  visionLayers: 1,
  visionMlpDim: 16,
  visionHeads: 2,
  vlmWidth: 16,
  vlmMlpDim: 16,
  expertWidth: 16,
  expertMlpDim: 16,
  layers: 1,
  numHeads: 2,
  headDim: 8,
  stateTokens: { kind: 'continuous' },
  useCorrelatedNoise: false,
});

/** nano's paths at sizes at which every number can be differentiated; several key heads, so that their order counts. */
export const tinyNano = modelConfig({
  ...configs.nano,
  imageSize: 16,
  stem: { kind: 'convolution', channels: [4, 6], kernels: [6, 3, 3], strides: [4, 2, 1] },
  visionWidth: 8,
  visionMlpDim: 8,
  visionHeads: 2,
  vlmWidth: 16,
  vlmMlpDim: 12,
  expertWidth: 8,
  expertMlpDim: 12,
  layers: 2,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 4,
  taskNumStages: [5, 6],
  flowSamples: 2,
});

/** What makes another configuration's network small enough to train in a test. */
export const smallParts = {
  imageSize: 32,
  patchSize: 16,
  visionLayers: 1,
  layers: 2,
  visionWidth: 16,
  vlmWidth: 32,
  vlmMlpDim: 32,
  expertWidth: 16,
  expertMlpDim: 32,
};

/** Statistics for it, of a robot, without a correlation: every number between -1 and 1. */
export function tinyStatistics(robot: Robot = CHALLENGE_ROBOT): ChunkStatistics {
  return flatStatistics(30, 32, robot.width);
}

/**
 * Statistics without a correlation whose first `used` of `width` columns lie between -1 and 1; the others are padding.
 */
export function flatStatistics(horizon: number, width: number, used: number): ChunkStatistics {
  const moments = (rows: number) => {
    const columns = (value: number) =>
      Float64Array.from({ length: rows * width }, (_, i) => (i % width < used ? value : 0));
    return { mean: columns(0), std: columns(0.5), q01: columns(-1), q99: columns(1) };
  };
  return { horizon, width, state: moments(1), actions: moments(1), perTimestep: moments(horizon) };
}

export interface ForeignCheckpoint {
  /** Stages of each task, written into `stages.json` beside the weights. */
  readonly stages: readonly number[];
  readonly assetId?: string;
  /** Leave out stages.json, so that the user must say. */
  readonly bare?: boolean;
}

/**
 * A checkpoint as another program leaves it: the original's names in one safetensors file, statistics in
 * `assets/<assetId>`, no word about the robot. Random weights of the `dummy` network.
 */
export async function writeForeignCheckpoint(
  folder: string,
  robot: Robot,
  { stages, assetId = 'b1k_2026', bare = false }: ForeignCheckpoint,
): Promise<void> {
  const config = modelConfigFor(robot, {
    ...configs.dummy,
    actionDim: robot.paddedWidth,
    actionHorizon: robot.horizon,
    cameras: [...robot.cameraNames],
    taskNumStages: [...stages],
    maxStages: Math.max(...stages),
    useCorrelatedNoise: false,
  });
  mkdirSync(folder, { recursive: true });
  await writeSafetensors(join(folder, 'model.safetensors'), initParameters(config, 'foreign'));
  const { horizon, paddedWidth, width } = robot;
  await writeNormStats(join(folder, 'assets', assetId, 'norm_stats.json'), flatStatistics(horizon, paddedWidth, width));
  if (!bare) writeFileSync(join(folder, 'stages.json'), JSON.stringify({ task_num_stages: stages }));
}

/**
 * A checkpoint of `tinyNetwork`: a real policy, not a good one. @param policy its settings; more `samplingSteps`, a
 * slower plan
 */
export const writeTinyPolicy = (
  folder: string,
  { seed = 1, ...policy }: { readonly seed?: number } & Omit<CheckpointContents['policy'] & object, 'assetId'> = {},
): Promise<void> =>
  writeCheckpoint(folder, {
    config: tinyNetwork,
    parameters: initParameters(tinyNetwork, seed),
    normStats: tinyStatistics(),
    card: {},
    policy,
  });
