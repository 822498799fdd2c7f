import { ValetError } from '../base/index.ts';
import type { NdArray, ProgramSession, Weight } from '../tensor/index.ts';
import type { TrainingBatch } from './batch.ts';

/**
 * Inputs of the loss program, by the names and types that it asks for. The batch's noise has its correlation already.
 * @param weightOf the weights by input; undefined for what is none
 */
export function trainerFeeds<W extends Weight>(
  { inputs }: Pick<ProgramSession, 'inputs'>,
  batch: TrainingBatch,
  weightOf: (name: string) => W | undefined,
): Record<string, W | NdArray> {
  const given: Record<string, ArrayLike<number | bigint>> = {
    images: batch.images,
    state: batch.state,
    task: batch.task,
    stage: batch.toldStage,
    stage_label: batch.stage,
    actions: batch.actions,
    noise: batch.whiteNoise,
    time: batch.time,
    objects: batch.objects,
    ...(batch.sampleWeight && { sample_weight: batch.sampleWeight }),
    ...(batch.successLabel && { success_label: batch.successLabel }),
    ...(batch.successKnown && { success_known: batch.successKnown }),
    ...(batch.progressLabel && { progress_label: batch.progressLabel }),
    ...(batch.progressKnown && { progress_known: batch.progressKnown }),
    ...(batch.imageMask && { image_mask: batch.imageMask }),
    ...(batch.fastTokens && { fast_tokens: batch.fastTokens }),
    ...(batch.fastMask && { fast_mask: batch.fastMask }),
  };
  const feeds: Record<string, W | NdArray> = {};
  for (const { name, shape, dtype } of inputs) {
    const weight = weightOf(name);
    const values = given[name];
    if (weight) feeds[name] = weight;
    else if (values) feeds[name] = { shape, dtype, data: asType(values, dtype) };
    else throw new ValetError('Trainer', `the loss program asks for '${name}', which training does not make.`);
  }
  return feeds;
}

function asType(values: ArrayLike<number | bigint>, dtype: NdArray['dtype']): NdArray['data'] {
  if (dtype === 'int64')
    return values instanceof BigInt64Array
      ? values
      : BigInt64Array.from(values as ArrayLike<number>, (value) => BigInt(value));
  if (dtype === 'float32')
    return values instanceof Float32Array ? values : Float32Array.from(values as ArrayLike<number>);
  if (dtype === 'int32') return values instanceof Int32Array ? values : Int32Array.from(values as ArrayLike<number>);
  return values instanceof Uint8Array ? values : Uint8Array.from(values as ArrayLike<number>);
}
