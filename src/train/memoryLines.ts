import { bytesText, type ProcessMemory, processMemory } from '../base/index.ts';
import { PROCESS_BYTES, trainingMemory } from '../model/index.ts';
import { type TrainingSize, trainedWith } from './memory.ts';

/** What training is reckoned to take, without its samples. */
export function estimateLine({ model, batch, freeze, ...form }: TrainingSize): string {
  const trains = trainedWith(model, { freeze, ...(form.lora && { lora: form.lora }) });
  const { weights, state, activations, passing, total } = trainingMemory(model, batch, trains, form);
  return (
    `memory: about ${bytesText(total + PROCESS_BYTES)} (weights ${bytesText(weights)}, gradients, moments and ` +
    `average ${bytesText(state)}, activations ${bytesText(activations)}, beginning and saving ${bytesText(passing)})`
  );
}

/** What the first update took, of time and of memory. */
export function firstUpdateLine(
  milliseconds: number,
  { resident, peak, own, files }: ProcessMemory = processMemory(),
): string {
  const parts =
    own !== undefined && files !== undefined ? `: ${bytesText(own)} of its own, ${bytesText(files)} of files` : '';
  const seconds = (milliseconds / 1000).toPrecision(3);
  return `first update: ${seconds} s; memory now ${bytesText(resident)}${parts}; at most ${bytesText(peak)} so far`;
}
