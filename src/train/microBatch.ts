import type { TrainingBatch } from './batch.ts';

/** Arrays whose first axis counts flow samples, and whose second axis is the batch. */
const BY_FLOW_SAMPLE = new Set<keyof TrainingBatch>(['whiteNoise', 'time']);

/** Part `part` of `parts` equal ones of a batch: its samples, in order. Views where they can be. */
export function microBatch(batch: TrainingBatch, part: number, parts: number): TrainingBatch {
  if (parts === 1) return batch;
  const flowSamples = batch.time.length / batch.task.length;
  const entries = Object.entries(batch).map(([name, array]) => {
    const rows = BY_FLOW_SAMPLE.has(name as keyof TrainingBatch) ? flowSamples : 1;
    return [name, cut(array as Uint8Array, rows, part, parts)];
  });
  return Object.fromEntries(entries) as TrainingBatch;
}

/** The same part of each of `rows` rows. */
function cut<A extends Uint8Array | Float32Array | Int32Array>(array: A, rows: number, part: number, parts: number): A {
  const row = array.length / rows;
  const length = row / parts;
  const of = (i: number) => array.subarray(i * row + part * length, i * row + (part + 1) * length) as A;
  if (rows === 1) return of(0);
  const out = new (array.constructor as new (n: number) => A)(rows * length);
  for (let i = 0; i < rows; i++) out.set(of(i), i * length);
  return out;
}
