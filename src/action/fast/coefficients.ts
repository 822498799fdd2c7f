import { InputError } from '../../base/index.ts';
import { dctOf, roundHalfEven } from './dct.ts';

/** Coefficients beyond this are no actions. */
const LARGEST = 1e9;

let work = new Float64Array(0);

/**
 * The rounded DCT coefficients of a chunk [T, D] into `out` [T, D]: round(scale · DCT). Of a float32 chunk both steps
 * are rounded to float32, as the
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
  const single = chunk instanceof Float32Array;
  if (single && horizon === 1) oneStep(chunk);
  const factor = single ? Math.fround(scale) : scale;
  let fits = true;
  for (let i = 0; i < size; i++) {
    const x = single ? Math.fround(Math.fround(work[i]!) * factor) : work[i]! * factor;
    if (!(x > -LARGEST && x < LARGEST)) fits = false;
    out[i] = roundHalfEven(x);
  }
  if (!fits) refuse(chunk, width, work, scale);
  return out;
}

/**
 * SciPy's float32 DCT of a single step, rounding by rounding: it should give x back, and is off in the last bit for
 * two numbers of five.
 */
function oneStep(chunk: Float32Array): void {
  const { fround } = Math;
  for (let i = 0; i < chunk.length; i++)
    work[i] = fround(fround(2 * chunk[i]!) * fround(Math.SQRT1_2)) * fround(Math.SQRT2 * 0.5);
}

function refuse(chunk: Float32Array | Float64Array, width: number, coefficients: Float64Array, scale: number): never {
  const bad = chunk.findIndex((value) => !Number.isFinite(value));
  const where = (i: number) => `${Math.floor(i / width)}, dimension ${i % width}`;
  const large = coefficients.findIndex((c) => !(Math.abs(c * scale) < LARGEST));
  throw new InputError(
    'FastTokenizer',
    bad >= 0
      ? `a number of the chunk is not finite (got ${chunk[bad]} at step ${where(bad)}).`
      : `a coefficient is too large (got ${coefficients[large]! * scale} at frequency ${where(large)}). ` +
          'Normalise the chunk first.',
  );
}
