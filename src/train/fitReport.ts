import { present } from '../base/index.ts';
import {
  checkpointFolder,
  configs,
  inferenceMemory,
  type ModelConfig,
  type PlanningNeeds,
  PROCESS_BYTES,
  planningRefusal,
  readCheckpointParts,
  trainingMemory,
  trainingStateBytes,
  type WeightType,
} from '../model/index.ts';
import { isStored } from '../tensor/index.ts';
import { loadTrainConfig } from './configFile.ts';
import { trainedWith, trainingRefusal } from './memory.ts';

/** What one network needs for one kind of work, in bytes, and whether it fits. */
export interface Fit {
  /** A preset, or a checkpoint folder. */
  readonly config: string;
  readonly work: 'plan' | 'train';
  readonly weights: WeightType;
  /** Robots a pass, or samples an update: the preset's. */
  readonly batch: number;
  readonly bytes: number;
  readonly fits: boolean;
  /**
   * The largest power of two that fits as `--batch` (planning: with every power of two below it, as `valet serve`
   * has them); 0 when none does.
   */
  readonly largestBatch: number;
  /** Why it does not fit, or the nearest setting that does. */
  readonly advice?: string;
}

/** The largest batches that are looked at. */
export const MOST = { plan: 32, train: 1024 } as const;

/**
 * Every preset against `usable` bytes of memory: planning for one robot with each type of weights, and training with
 * the preset's batch.
 */
export async function fits(usable: number): Promise<Fit[]> {
  const out: Fit[] = [];
  for (const [name, network] of Object.entries(configs)) {
    for (const weights of ['float32', 'int8', 'float16'] as const)
      out.push(planning(name, network, usable, { weights }));
    out.push(await training(name, network, usable));
  }
  return out;
}

/** Whether planning fits. float16 is reckoned for a GPU, with its memory counted as if it were the machine's. */
function planning(
  config: string,
  network: ModelConfig,
  usable: number,
  { weights, widened = false }: { weights: WeightType; widened?: boolean },
): Fit {
  const device = weights === 'float16' ? 'webgpu' : 'cpu';
  const bytesWith = (batchSizes: readonly number[]): number =>
    inferenceMemory(network, batchSizes, weights, { device, widened }).total + PROCESS_BYTES;
  const needs = (batchSizes: readonly number[]): PlanningNeeds => ({ batchSizes, weights, device, widened });
  const refused = planningRefusal(network, needs([1]), usable - PROCESS_BYTES);
  let largestBatch = 0;
  const sizes: number[] = [];
  for (let batch = 1; batch <= MOST.plan && !refused; batch *= 2) {
    sizes.push(batch);
    if (bytesWith(sizes) > usable) break;
    largestBatch = batch;
  }
  return {
    ...{ config, work: 'plan', weights, batch: 1, bytes: bytesWith([1]), fits: refused === undefined, largestBatch },
    ...(refused && { advice: refused.advice }),
  };
}

async function training(config: string, network: ModelConfig, usable: number): Promise<Fit> {
  const { batch, freeze, lora } = await loadTrainConfig(config);
  const trains = trainedWith(network, { freeze, lora });
  const state = trainingStateBytes(network, trains, lora);
  const about = { config, work: 'train', weights: 'float32', batch } as const;
  const refused = trainingRefusal({ model: network, batch, freeze, lora }, usable - PROCESS_BYTES);
  // The whole loss program of a network that can never be trained here need not be built.
  if (refused && trainingMemory(network, 0, trains, { lora }).total > usable - PROCESS_BYTES)
    return {
      ...about,
      bytes: state + PROCESS_BYTES,
      fits: false,
      largestBatch: 0,
      advice: `${present(refused, 'refused').reason}; ${present(refused, 'refused').advice}`,
    };
  const bytesWith = (samples: number): number =>
    trainingMemory(network, samples, trains, { lora }).total + PROCESS_BYTES;
  const one = bytesWith(1);
  const bytes = bytesWith(batch);
  const perSample = batch > 1 ? (bytes - one) / (batch - 1) : one;
  let largestBatch = 0;
  for (let samples = 1; samples <= MOST.train && one + perSample * (samples - 1) <= usable; samples *= 2)
    largestBatch = samples;
  return {
    ...{ ...about, bytes, fits: refused === undefined, largestBatch },
    ...(refused && { advice: refused.advice }),
  };
}

/**
 * Whether planning fits with the weights that the folders hold; a float32 one is reckoned with as int8, too. @throws
 * InputError for a bad folder
 */
export async function checkpointFits(folders: readonly string[], usable: number): Promise<Fit[]> {
  const out: Fit[] = [];
  for (const name of folders) {
    const { config, quantised, parameters } = await readCheckpointParts(checkpointFolder(name));
    const widened = [...parameters.values()].some((weight) => isStored(weight) && weight.packed !== undefined);
    if (!quantised) out.push(planning(name, config, usable, { weights: 'float32', widened }));
    out.push(planning(name, config, usable, { weights: 'int8' }));
  }
  return out;
}
