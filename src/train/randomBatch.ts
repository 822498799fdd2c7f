import { Random } from '../base/index.ts';
import type { ModelConfig } from '../model/index.ts';
import { flowTimes, type TrainingBatch } from './batch.ts';

/** A training batch of noise, to measure with: what the numbers are does not change the time. No FAST tokens. */
export function randomBatch(model: ModelConfig, batch: number): TrainingBatch {
  const random = Random.of('bench', 'batch');
  const numbers = (count: number) => random.fillNormal(new Float32Array(count));
  const chunk = model.actionHorizon * model.actionDim;
  const task = Int32Array.from({ length: batch }, () => random.integer(2));
  const stage = Int32Array.from(task, (id) => random.integer(model.taskNumStages[id] ?? 1));
  const known = () => new Float32Array(batch).fill(1);
  return {
    images: Uint8Array.from({ length: batch * model.cameras.length * model.imageSize ** 2 * 3 }, () =>
      random.integer(256),
    ),
    state: numbers(batch * model.actionDim),
    task,
    stage,
    toldStage: stage,
    actions: numbers(batch * chunk),
    whiteNoise: numbers(model.flowSamples * batch * chunk),
    time: flowTimes(random, model.flowSamples * batch),
    objects: numbers(batch * (model.auxiliary?.objects?.size ?? 0)),
    ...(model.successLossWeight > 0 && { successLabel: new Int32Array(batch), successKnown: known() }),
    ...(model.progressLossWeight > 0 && { progressLabel: new Float32Array(batch), progressKnown: known() }),
  };
}
