import { present, Random } from '../../base/index.ts';
import { Builder, gradients, type NdArray, type Program, size, type Tensor, type TypedArray } from '../graph/index.ts';
import { mul, sum } from '../ops/index.ts';
import { ProgramSession, type ProgramSessionOptions } from '../run/index.ts';
import type { OpCase } from './opCases.ts';

/** How far an op on one device and precision is from float64 on the CPU. */
export interface OpCheck {
  readonly op: string;
  readonly name: string;
  /** Largest |got - exact| of the result, relative to the largest exact number of it. */
  readonly error: number;
  /** The same over the gradients of all operands; null for an op without any. */
  readonly gradientError: number | null;
  /** One run of the op and its gradient, after a first one. */
  readonly milliseconds: number;
  readonly pass: boolean;
  /** Why there is no number. */
  readonly problem?: string;
}

/** Unit roundoffs of an op's result that pass: rounding of some tens of terms, and of intermediate steps. */
const OP_TOLERANCE = { float32: 2e-5, float64: 1e-12, float16: 2e-2 } as const;

/**
 * Runs one case and its gradients as `options` say and compares them with float64 on the CPU. A device that refuses is
 * a problem, not an error.
 */
export async function checkOp(one: OpCase, options: ProgramSessionOptions = {}): Promise<OpCheck> {
  const { program, feeds } = caseProgram(one);
  const exact = await runOnce(program, feeds, { precision: 'float64' });
  const { op, name } = one;
  try {
    const got = await runOnce(program, feeds, options);
    const gradientNames = Object.keys(exact.results).filter((key) => key.startsWith('gradient/'));
    const errorOf = (key: string) => relativeError(got.results[key]?.data, exact.results[key]?.data);
    const error = errorOf('result');
    const gradientError = gradientNames.length > 0 ? Math.max(...gradientNames.map(errorOf)) : null;
    const tolerance = OP_TOLERANCE[options.precision ?? 'float32'];
    const pass = error <= tolerance && (gradientError ?? 0) <= tolerance;
    return { op, name, error, gradientError, milliseconds: got.milliseconds, pass };
  } catch (problem) {
    const [text] = (problem as Error).message.split('\n');
    return { op, name, error: Number.NaN, gradientError: null, milliseconds: 0, pass: false, problem: text ?? '' };
  }
}

/**
 * The op's `result` and, of the result times fixed random weights, the gradients of its operands; with random feeds.
 */
function caseProgram({ name, inputs, body, given }: OpCase): { program: Program; feeds: Record<string, TypedArray> } {
  const random = Random.of(`op ${name}`);
  const builder = new Builder();
  const operands: Record<string, Tensor> = {};
  const differentiated: { key: string; operand: Tensor }[] = [];
  const feeds: Record<string, TypedArray> = {};
  for (const [key, input] of Object.entries(inputs)) {
    const shape = 'shape' in input ? input.shape : input;
    const values = 'shape' in input ? input.values : (r: Random) => r.normal();
    const operand = builder.input(key, shape);
    operands[key] = operand;
    differentiated.push({ key, operand });
    feeds[key] = Float64Array.from({ length: size(shape) }, () => Math.fround(values(random)));
  }
  for (const [key, { shape, dtype, data }] of Object.entries(given)) {
    operands[key] = builder.input(key, shape, dtype);
    feeds[key] = data;
  }
  const result = body(operands);
  builder.output('result', result);
  if (differentiated.length > 0) {
    const weights = builder.constant(
      Array.from({ length: size(result.shape) }, () => random.normal()),
      result.shape,
    );
    const found = gradients(
      sum(mul(result, weights)),
      differentiated.map(({ operand }) => operand),
    );
    for (const [i, gradient] of found.entries()) builder.output(`gradient/${differentiated[i]?.key}`, gradient);
  }
  return { program: builder.build(), feeds };
}

async function runOnce(program: Program, feeds: Record<string, TypedArray>, options: ProgramSessionOptions) {
  const session = await ProgramSession.create(program, options);
  try {
    const own = Object.fromEntries(
      session.inputs.map(({ name, dtype }) => [
        name,
        dtype === 'float32' ? Float32Array.from(feeds[name] as Float64Array) : present(feeds[name], `feed ${name}`),
      ]),
    );
    await session.run(own);
    const started = performance.now();
    const results: Record<string, NdArray> = await session.run(own);
    return { results, milliseconds: performance.now() - started };
  } finally {
    await session.close();
  }
}

/** Largest difference relative to the largest exact number (at least 1e-3); not finite results are infinitely wrong. */
function relativeError(got: TypedArray | undefined, exact: TypedArray | undefined): number {
  if (!got || !exact) return Number.POSITIVE_INFINITY;
  let [error, largest] = [0, 1e-3];
  for (let i = 0; i < exact.length; i++) {
    const difference = Math.abs(Number(got[i]) - Number(exact[i]));
    error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(error, difference);
    largest = Math.max(largest, Math.abs(Number(exact[i])));
  }
  return error / largest;
}
