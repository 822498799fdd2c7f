import {
  Builder,
  type NdArray,
  type Precision,
  ProgramSession,
  type Tensor,
  type TypedArray,
} from '../../src/tensor/index.ts';

export interface Tolerance {
  /** Allowed |got - expected| relative to |expected|. */
  readonly relative?: number;
  readonly absolute?: number;
}

type Numbers = NdArray | TypedArray | readonly number[];

const valuesOf = (x: Numbers): ArrayLike<number | bigint> => ('data' in x ? x.data : (x as ArrayLike<number | bigint>));

/**
 * Why `got` is not `expected` within `absolute + relative · |expected|`, or undefined when it is. NaN is close to
 * nothing.
 */
function difference(
  got: Numbers,
  expected: Numbers,
  { relative = 1e-5, absolute = 1e-8 }: Tolerance = {},
): string | undefined {
  const [a, b] = [valuesOf(got), valuesOf(expected)];
  if (a.length !== b.length) return `${a.length} elements, expected ${b.length}`;
  if ('shape' in got && 'shape' in expected && String(got.shape) !== String(expected.shape))
    return `shape [${got.shape}], expected [${expected.shape}]`;
  let worst = -1;
  let worstExcess = 0;
  let wrong = 0;
  for (let i = 0; i < a.length; i++) {
    const error = Math.abs(Number(a[i]) - Number(b[i]));
    const excess = error - (absolute + relative * Math.abs(Number(b[i])));
    if (excess <= 0 || Number(a[i]) === Number(b[i])) continue;
    wrong++;
    if (worst < 0 || excess > worstExcess) [worst, worstExcess] = [i, excess];
  }
  if (worst < 0) return undefined;
  return `${wrong} of ${a.length} elements differ; worst at ${worst}: ${a[worst]}, expected ${b[worst]}`;
}

/** Throws with the worst element when `got` is not `expected` within the tolerance. For tests. */
export function toBeAllclose(got: Numbers, expected: Numbers, tolerance: Tolerance = {}): void {
  const wrong = difference(got, expected, tolerance);
  if (wrong)
    throw new Error(
      `toBeAllclose: ${wrong} (relative ${tolerance.relative ?? 1e-5}, absolute ${tolerance.absolute ?? 1e-8}).`,
    );
}

/** A row-major array from nested numbers, for tests. */
export function array(shape: readonly number[], data: TypedArray, dtype: NdArray['dtype'] = 'float32'): NdArray {
  return { shape, dtype, data };
}
/** Runs `body` once on the given arrays and returns its result. For tests. */
export async function evaluate(
  inputs: Readonly<Record<string, NdArray>>,
  body: (operands: Record<string, Tensor>) => Tensor,
  { precision = 'float32' as Precision } = {},
): Promise<NdArray> {
  const builder = new Builder();
  const operands = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, dtype }]) => [
      name,
      builder.input(name, shape, dtype === 'float64' ? 'float32' : dtype),
    ]),
  );
  builder.output('result', body(operands));
  const session = await ProgramSession.create(builder.build(), { precision });
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, data }]) => {
      const real = dtype === 'float32' || dtype === 'float64';
      return [name, real ? (precision === 'float64' ? Float64Array : Float32Array).from(data as Float32Array) : data];
    }),
  );
  const { result } = await session.run(feeds);
  await session.close();
  return result!;
}
