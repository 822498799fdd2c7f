import { TensorError } from './errors.ts';
import type { Weight } from './stored.ts';
import type { NdArray } from './types.ts';

/** A matrix [K, N] as signed bytes with one scale per column: w ≈ data · scale. */
export interface QuantisedMatrix {
  readonly data: Weight;
  /** [N] float32 */
  readonly scale: NdArray;
}

/** Quantised matrices by the key of their weight expression. */
export type QuantisedMatrices = ReadonlyMap<string, QuantisedMatrix>;

/** Rounds each column to 127 steps on either side of zero: scale = max|w| / 127 (an all-zero column gets scale 1). @throws TensorError for a number that is not finite */
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
