import { Random } from '../src/base/index.ts';
import { type ModelConfig, sincos } from '../src/model/index.ts';
import type { NdArray, Parameters } from '../src/tensor/index.ts';
import type { TrainingBatch } from '../src/train/index.ts';

/** Leaves that begin at zero hide whole paths of the network (adaRMS gates): give them small numbers. */
export function enliven(parameters: Parameters): void {
  const random = Random.of('bench', 'weights');
  for (const { data } of parameters.values())
    if ((data as Float32Array).every((x) => x === 0))
      for (let i = 0; i < data.length; i++) data[i] = 0.1 * random.normal();
}

/** Everything that the peer needs to compute the same, for a safetensors file. */
export function peerArrays(model: ModelConfig, parameters: Parameters, batch: TrainingBatch): Parameters {
  const { actionHorizon: h, actionDim: d, flowSamples: n, imageSize: s, vlmWidth } = model;
  const size = batch.task.length;
  const codes = model.taskNumStages.flatMap((count) =>
    Array.from({ length: count }, (_, i) => Math.fround(i / Math.max(count - 1, 1))),
  );
  return new Map([
    ...[...parameters].map(([name, value]) => [`parameters/${name}`, value] as const),
    ['stage_codes', array(sincos(codes, vlmWidth / 2, 1e-3, 1), codes.length, vlmWidth / 2)],
    ['batch/images', array(batch.images, size, model.cameras.length, s, s, 3)],
    ['batch/state', array(batch.state, size, d)],
    ['batch/task', array(batch.task, size)],
    ['batch/stage', array(batch.toldStage, size)],
    ['batch/stage_label', array(batch.stage, size)],
    ['batch/actions', array(batch.actions, size, h, d)],
    ['batch/noise', array(batch.whiteNoise, n, size, h, d)],
    ['batch/time', array(batch.time, n, size)],
    ...(batch.objects.length > 0
      ? [['batch/objects', array(batch.objects, size, batch.objects.length / size)] as const]
      : []),
  ]);
}

export function array(data: NdArray['data'], ...shape: number[]): NdArray {
  const dtype = data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'uint8';
  return { shape, dtype, data };
}
