import { InputError } from '../base/index.ts';
import {
  type Checkpoint,
  checkpointFolder,
  checkStatistics,
  initParameters,
  type ModelConfig,
  readCheckpoint,
} from '../model/index.ts';
import type { Parameters } from '../tensor/index.ts';
import type { TrainOptions } from './options.ts';

/** The checkpoint that a run starts from. With a file of statistics given, its own count for nothing. */
export async function openInitial(init: string, { stats, otherStatistics, log }: TrainOptions): Promise<Checkpoint> {
  const note = stats === undefined ? await checkStatistics(checkpointFolder(init), { otherStatistics }) : undefined;
  if (note !== undefined) log?.(note);
  return readCheckpoint(init, { otherStatistics: stats !== undefined || otherStatistics });
}

const TRAINING_KEYS: readonly (keyof ModelConfig)[] = [
  'stageSuccessors',
  'flowSamples',
  'fastLossWeight',
  'successLossWeight',
  'progressLossWeight',
  'subtaskLossWeight',
  'useKnowledgeInsulation',
  'useCorrelatedNoise',
  'correlationBeta',
  'timeThresholdInpaint',
  'useKvTransform',
  'useFastAuxiliary',
  'fastVocabSize',
  'maxFastTokens',
  'auxiliary',
];

/** @throws InputError when a checkpoint's network is not the one to be trained */
export function requireSameModel(where: string, has: ModelConfig, wants: ModelConfig): void {
  // What changes the loss, the gradient or the noise alone may differ; so may the heads of training, with the leaves
  // that they bring.
  const shape = (config: ModelConfig): Record<string, unknown> => {
    const own: Record<string, unknown> = { ...config };
    for (const key of TRAINING_KEYS) delete own[key];
    return own;
  };
  const [a, b] = [shape(has), shape(wants)];
  for (const key of Object.keys({ ...a, ...b }))
    if (JSON.stringify(a[key]) !== JSON.stringify(b[key]))
      throw new InputError(
        where,
        `has another network: ${key} is ${JSON.stringify(a[key])} (the configuration wants ${JSON.stringify(b[key])}).`,
      );
}

/** Fresh weights, and a checkpoint's in their place where it has them: the auxiliary heads may differ. */
export function startingWeights(model: ModelConfig, seed: number, from?: Parameters): Parameters {
  const weights = initParameters(model, seed);
  for (const [name, { shape }] of weights) {
    const given = from?.get(name);
    if (given && String(given.shape) === String(shape)) weights.set(name, given);
  }
  return weights;
}
