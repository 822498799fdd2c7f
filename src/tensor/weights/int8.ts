import { type NdArray, TensorError } from '../graph/index.ts';
import type { Weight } from './stored.ts';

/** A matrix [K, N] as signed bytes with one scale per column: w ≈ data · scale. */
export interface QuantisedMatrix {
  readonly data: Weight;
  /** [N] float32 */
  readonly scale: NdArray;
}

/**
 * Quantised matrices by the key of their weight expression, each in column blocks from left to right (`columnBlocks`;
 * one is allowed).
 */
export type QuantisedMatrices = ReadonlyMap<string, readonly QuantisedMatrix[]>;

/** Up to this many columns a matrix stays whole. */
const WHOLE = 8192;
/** About how many columns a block has. */
const BLOCK = 4224;

/**
 * The widths in which a matrix with many columns is kept and multiplied. What lies between two products (the hidden
 * layer of a feed-forward) is then worked on block by block and stays in the caches, and no result has rows whose
 * distance is a large power of two, which would put all of them into the same few lines of the caches: each width but
 * the last is an odd multiple of 64.
 */
export function columnBlocks(columns: number): number[] {
  if (columns <= WHOLE) return [columns];
  const blocks = Math.ceil(columns / BLOCK);
  const width = 64 * (Math.ceil(columns / 64 / blocks) | 1);
  const widths: number[] = [];
  for (let left = columns; left > 0; left -= width) widths.push(Math.min(width, left));
  return widths;
}

/** A quantised matrix [K, N] in column blocks; the whole matrix itself where there is one block. */
export function splitColumns(
  { data, scale }: { data: NdArray; scale: NdArray },
  widths: readonly number[],
): { data: NdArray; scale: NdArray }[] {
  const [rows, columns] = data.shape as [number, number];
  if (widths.length === 1) return [{ data, scale }];
  let start = 0;
  return widths.map((width) => {
    const from = start;
    start += width;
    const bytes = new Int8Array(rows * width);
    for (let i = 0; i < rows; i++)
      bytes.set((data.data as Int8Array).subarray(i * columns + from, i * columns + from + width), i * width);
    return {
      data: { shape: [rows, width], dtype: 'int8', data: bytes },
      scale: { shape: [width], dtype: 'float32', data: (scale.data as Float32Array).slice(from, from + width) },
    };
  });
}

/**
 * Rounds each column to 127 steps on either side of zero: scale = max|w| / 127 (an all-zero column gets scale 1).
 * @throws TensorError for a number that is not finite
 */
export function quantiseColumns(
  matrix: Float32Array,
  [rows, columns]: readonly [number, number],
): {
  data: NdArray;
  scale: NdArray;
} {
  const scale = new Float32Array(columns);
  for (let i = 0, at = 0; i < rows; i++)
    for (let j = 0; j < columns; j++, at++) {
      const a = Math.abs(matrix[at]!);
      if (a > scale[j]! || Number.isNaN(a)) scale[j] = a; // NaN stays, and is found below
    }
  const inverse = new Float32Array(columns);
  for (let j = 0; j < columns; j++) {
    if (!Number.isFinite(scale[j]!))
      throw new TensorError('quantiseColumns', `column ${j} holds a number that is not finite.`);
    scale[j] = scale[j] === 0 ? 1 : scale[j]! / 127;
    inverse[j] = 1 / scale[j]!;
  }
  const data = new Int8Array(rows * columns);
  for (let i = 0, at = 0; i < rows; i++)
    for (let j = 0; j < columns; j++, at++) {
      const q = matrix[at]! * inverse[j]!;
      data[at] = q < 0 ? Math.max(q - 0.5, -127) : Math.min(q + 0.5, 127); // conversion cuts off the fraction
    }
  return {
    data: { shape: [rows, columns], dtype: 'int8', data },
    scale: { shape: [columns], dtype: 'float32', data: scale },
  };
}

/** The matrix that a quantised one stands for. */
export function dequantise({ data, scale }: { data: NdArray; scale: NdArray }): Float32Array {
  const columns = scale.data.length;
  return Float32Array.from(data.data as Int8Array, (q, at) => q * (scale.data[at % columns] as number));
}
