import type { NdArray, Parameters } from '../../tensor/index.ts';
import { numbers, pick } from '../goldenCase.ts';

/** Where the inputs of a case lie: tensors whose names begin with `prefix`. */
export interface InputTensors {
  readonly tensors: Parameters;
  readonly prefix?: string;
  readonly where: string;
}

/** An input by its name. @throws InputError when it is missing */
export function input({ tensors, prefix = '', where }: InputTensors, name: string): NdArray {
  return pick(tensors, `${prefix}${name}`, where);
}

/** Pictures and masks of the cameras as the programs take them: uint8 [B, cameras, S, S, 3] and [B, cameras]. */
export function cameraInputs(
  inputs: InputTensors,
  cameras: readonly string[],
  maskName = 'image_mask/*',
): { images: NdArray; mask: NdArray } {
  const pictures = cameras.map((camera) => input(inputs, `image_uint8/${camera}`));
  const [batch, ...shape] = pictures[0]!.shape as [number, ...number[]];
  // A case without masks has every camera.
  const some = cameras.some((camera) => inputs.tensors.has(`${inputs.prefix ?? ''}${maskName.replace('*', camera)}`));
  const valid = cameras.map((camera) =>
    some ? numbers(input(inputs, maskName.replace('*', camera))) : new Uint8Array(batch).fill(1),
  );
  const size = shape.reduce((a, b) => a * b, 1);
  const images = new Uint8Array(batch * cameras.length * size);
  const mask = new Uint8Array(batch * cameras.length);
  cameras.forEach((_, c) => {
    for (let b = 0; b < batch; b++) {
      const at = b * cameras.length + c;
      images.set((pictures[c]!.data as Uint8Array).subarray(b * size, (b + 1) * size), at * size);
      mask[at] = valid[c]![b]!;
    }
  });
  return {
    images: { shape: [batch, cameras.length, ...shape], dtype: 'uint8', data: images },
    mask: { shape: [batch, cameras.length], dtype: 'uint8', data: mask },
  };
}

/** Column 0 (task) or 1 (stage) of `tokenized_prompt` [B, 2]. */
export function promptColumn(inputs: InputTensors, column: 0 | 1): number[] {
  const prompt = input(inputs, 'tokenized_prompt');
  const values = numbers(prompt);
  return Array.from({ length: prompt.shape[0]! }, (_, b) => values[2 * b + column]!);
}

/** Whole numbers as int64. */
export function int64(values: ArrayLike<number>, shape: readonly number[] = [values.length]): NdArray {
  return { shape, dtype: 'int64', data: BigInt64Array.from(Array.from(values, (value) => BigInt(value))) };
}
