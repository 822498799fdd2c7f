import { open } from 'node:fs/promises';
import { bfloat16ToFloat32, float16ToFloat32 } from '../../base/index.ts';
import { type DataType, type NdArray, type Parameters, size, TensorError, type TypedArray } from '../graph/index.ts';

/**
 * An array that stays in its file, row-major and little-endian: the runtime maps it, so that a network larger than the
 * heap loads without a copy.
 */
export interface StoredArray {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** Absolute path. */
  readonly file: string;
  /** Where the array begins in the file, in bytes. */
  readonly offset: number;
  /** 16-bit reals in the file that mean float32: they can be loaded, not used in place. */
  readonly packed?: 'bfloat16' | 'float16';
}

/** A weight in memory or in a file. */
export type Weight = NdArray | StoredArray;
export type Weights = ReadonlyMap<string, Weight>;

export const WIDEN = { bfloat16: bfloat16ToFloat32, float16: float16ToFloat32 };

export const isStored = (weight: Weight): weight is StoredArray => 'file' in weight;

/** An array that is had piece by piece, in order, such as one that is computed while it is written. */
export interface PiecedArray {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly pieces: () => AsyncIterable<Uint8Array>;
}

/** Numbers of a piece of an array that lies in a file. */
const PIECE = 2 ** 24;

/** The bytes of an array, a piece at a time. */
export async function* piecesOf(array: Weight | PiecedArray): AsyncIterable<Uint8Array> {
  if ('pieces' in array) yield* array.pieces();
  else if (isStored(array))
    for (let from = 0; from < size(array.shape); from += PIECE)
      yield bytesOfArray(await loadWeight(weightRange(array, from, [Math.min(PIECE, size(array.shape) - from)])));
  else yield bytesOfArray(array);
}

/** The bytes of an array in memory; no copy. */
export const bytesOfArray = ({ data }: NdArray): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

export const ELEMENT_BYTES: Record<DataType, number> = {
  float64: 8,
  float32: 4,
  int64: 8,
  int32: 4,
  int8: 1,
  uint8: 1,
  bool: 1,
};

const elementBytes = ({ dtype, packed }: Pick<StoredArray, 'dtype' | 'packed'>): number =>
  packed ? 2 : ELEMENT_BYTES[dtype];

/** Bytes that an array of this shape and type takes in memory. */
export const byteLength = ({ shape, dtype }: Pick<StoredArray, 'shape' | 'dtype'>): number =>
  size(shape) * ELEMENT_BYTES[dtype];

/**
 * Elements `from`…`from + size(shape)` as an array of `shape`; no copy of what is in memory, no read of what is in a
 * file.
 */
export function weightRange<W extends Weight>(weight: W, from: number, shape: readonly number[]): W {
  if (isStored(weight)) return { ...weight, shape, offset: weight.offset + from * elementBytes(weight) };
  const { data } = weight as NdArray;
  return { ...weight, shape, data: (data as Float32Array).subarray(from, from + size(shape)) };
}

/** The arrays themselves, read where they are in files. */
export async function loadWeights(weights: Weights): Promise<Parameters> {
  const out: Parameters = new Map();
  for (const [name, weight] of weights) out.set(name, await loadWeight(weight));
  return out;
}

/** The array itself, read when it is in a file. */
export async function loadWeight(weight: Weight): Promise<NdArray> {
  if (!isStored(weight)) return weight;
  const { shape, dtype, file, offset, packed } = weight;
  const bytes = new Uint8Array(size(shape) * elementBytes(weight));
  const handle = await open(file, 'r');
  try {
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await handle.read(bytes, done, Math.min(bytes.length - done, 2 ** 30), offset + done);
      if (bytesRead === 0)
        throw new TensorError(
          'loadWeight',
          `${file} ended at byte ${offset + done} (expected ${offset + bytes.length}).`,
        );
      done += bytesRead;
    }
  } finally {
    await handle.close();
  }
  const data = packed ? WIDEN[packed](new Uint16Array(bytes.buffer)) : view(dtype, bytes.buffer);
  return { shape, dtype, data };
}

function view(dtype: DataType, buffer: ArrayBuffer): TypedArray {
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer);
    case 'float64':
      return new Float64Array(buffer);
    case 'int64':
      return new BigInt64Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'int8':
      return new Int8Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}
