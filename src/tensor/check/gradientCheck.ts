import { Random } from '../../base/index.ts';
import { Builder, type DataType, gradients, size, type Tensor } from '../graph/index.ts';
import { mul, sum } from '../ops/index.ts';
import { ProgramSession } from '../run/index.ts';

/** A differentiated operand: its shape, or its values too where the default (normal deviates) would not do. */
export type CheckedInput =
  | readonly number[]
  | { readonly shape: readonly number[]; readonly values: (random: Random) => number };

export interface GradientCheckOptions {
  /** Operands without a gradient (ids, masks): shape, type, data. */
  readonly given?: Readonly<
    Record<string, { shape: readonly number[]; dtype: DataType; data: BigInt64Array | Uint8Array | Float64Array }>
  >;
  readonly seed?: string;
}

export interface GradientCheckResult {
  /**
   * Largest |emitted - measured| over all elements, relative to the largest measured gradient of that operand (at least
   * 1e-3).
   */
  readonly worst: number;
  readonly where: string;
  /** Largest |float32 - float64| of the gradients, on the same scale. */
  readonly worstFloat32: number;
}

const STEP = 1e-5;

/**
 * Compares emitted gradients with central differences, in float64, for every element of every operand of `body`.
 * The loss is the result times fixed random weights. Float64 resolves about 1e-9 here.
 */
export async function checkGradients(
  inputs: Readonly<Record<string, CheckedInput>>,
  body: (operands: Record<string, Tensor>) => Tensor,
  { given = {}, seed = 'gradient check' }: GradientCheckOptions = {},
): Promise<GradientCheckResult> {
  const random = Random.of(seed);
  const builder = new Builder();
  const operands: Record<string, Tensor> = {};
  const feeds: Record<string, Float64Array> = {};
  const differentiated: { name: string; operand: Tensor; data: Float64Array }[] = [];
  for (const [name, input] of Object.entries(inputs)) {
    const shape = 'shape' in input ? input.shape : input;
    const values = 'shape' in input ? input.values : (r: Random) => r.normal();
    const operand = builder.input(name, shape);
    const data = Float64Array.from({ length: size(shape) }, () => Math.fround(values(random)));
    operands[name] = operand;
    feeds[name] = data;
    differentiated.push({ name, operand, data });
  }
  for (const [name, { shape, dtype }] of Object.entries(given)) operands[name] = builder.input(name, shape, dtype);
  const fixed = Object.fromEntries(Object.entries(given).map(([name, { data }]) => [name, data]));

  const result = body(operands);
  const weights = Array.from({ length: size(result.shape) }, () => random.normal());
  const loss = sum(mul(result, builder.constant(weights, result.shape)));
  const emitted = gradients(
    loss,
    differentiated.map(({ operand }) => operand),
  );
  builder.output('loss', loss);
  for (const [i, gradient] of emitted.entries()) builder.output(`gradient/${differentiated[i]?.name}`, gradient);
  const program = builder.build();
  const session = await ProgramSession.create(program, { precision: 'float64' });
  const single = await ProgramSession.create(program);
  const fetches = differentiated.map(({ name }) => `gradient/${name}`);
  const exact = await session.run({ ...fixed, ...feeds }, fetches);
  const toSingle = (data: unknown) => (data instanceof Float64Array ? Float32Array.from(data) : (data as Float32Array));
  const rounded = await single.run(
    Object.fromEntries(Object.entries({ ...fixed, ...feeds }).map(([name, data]) => [name, toSingle(data)])),
    fetches,
  );

  const lossAt = async (): Promise<number> =>
    Number((await session.run({ ...fixed, ...feeds }, ['loss']))['loss']?.data[0]);
  let [worst, where, worstFloat32] = [0, '', 0];
  for (const { name, data } of differentiated) {
    const measured = new Float64Array(data.length);
    for (const [i, value] of data.entries()) {
      data[i] = value + STEP;
      const above = await lossAt();
      data[i] = value - STEP;
      measured[i] = (above - (await lossAt())) / (2 * STEP);
      data[i] = value;
    }
    const largest = measured.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3);
    for (const [i, slope] of measured.entries()) {
      const gradient = Number(exact[`gradient/${name}`]?.data[i]);
      const error = Math.abs(gradient - slope) / largest;
      if (!(error <= worst)) [worst, where] = [error, `${name}[${i}]: emitted ${gradient}, measured ${slope}`];
      worstFloat32 = Math.max(
        worstFloat32,
        Math.abs(Number(rounded[`gradient/${name}`]?.data[i]) - gradient) / largest,
      );
    }
  }
  await session.close();
  await single.close();
  return { worst, where, worstFloat32 };
}
