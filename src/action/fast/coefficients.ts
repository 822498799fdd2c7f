import { InputError } from '../../base/index.ts';
import { dctOf, roundHalfEven } from './dct.ts';

let work = new Float64Array(0);

/**
 * The rounded DCT coefficients of a chunk [T, D] into `out` [T, D]: round(scale · DCT). Of a float32 chunk both steps are rounded to float32, as the
 * original computes them. @throws InputError when the chunk has another size or a number that is not finite
 */
export function roundedCoefficients(
  chunk: Float32Array | Float64Array,
  horizon: number,
  width: number,
  scale: number,
  out: Int32Array,
): Int32Array {
  const size = horizon * width;
  if (chunk.length !== size || size === 0)
    throw new InputError(
      'FastTokenizer',
      `the chunk has another size (got ${chunk.length} numbers, expected ${horizon}×${width} = ${size}).`,
    );
  if (work.length !== size) work = new Float64Array(size);
  dctOf(horizon).forward(chunk, width, work);
  if (chunk instanceof Float32Array) {
    const single = Math.fround(scale);
    for (let i = 0; i < size; i++) out[i] = roundHalfEven(Math.fround(Math.fround(work[i]!) * single));
  } else for (let i = 0; i < size; i++) out[i] = roundHalfEven(work[i]! * scale);
  // A number that is not finite spoils a whole column of coefficients, so the first row shows it; so does one too large for the rounding.
  for (let i = 0; i < size; i++) {
    const x = work[i]! * scale;
    if (!(x > -1e9 && x < 1e9)) {
      const bad = chunk.findIndex((value) => !Number.isFinite(value));
      throw new InputError(
        'FastTokenizer',
        bad >= 0
          ? `a number of the chunk is not finite (got ${chunk[bad]} at step ${Math.floor(bad / width)}, dimension ${bad % width}).`
          : `a coefficient is too large (got ${x} at frequency ${Math.floor(i / width)}, dimension ${i % width}). Normalise the chunk first.`,
      );
    }
  }
  return out;
}
