import { InputError, present } from '../base/index.ts';
import {
  type Checkpoint,
  checkpointFolder,
  checkStatistics,
  initParameters,
  type Lora,
  type ModelConfig,
  networkTree,
  readCheckpoint,
  requireFloats,
} from '../model/index.ts';
import type { Weight, Weights } from '../tensor/index.ts';
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

/**
 * Fresh weights, and a checkpoint's in their place where it has them, in its file: the auxiliary heads may differ.
 * Those of adapters are fresh.
 * @throws InputError for an int8 checkpoint
 */
export async function startingWeights(
  model: ModelConfig,
  seed: number,
  { initial, lora }: { readonly initial?: Checkpoint | null; readonly lora?: Lora | null },
): Promise<Weights> {
  const from = initial ? requireFloats(initial) : undefined;
  const weights = new Map<string, Weight>();
  for (const leaf of networkTree(model, lora)) {
    const given = from?.get(leaf.name);
    const fits = given && String(given.shape) === String(leaf.shape);
    weights.set(leaf.name, fits ? given : present(initParameters(model, seed, [leaf]).get(leaf.name), leaf.name));
  }
  return weights;
}
