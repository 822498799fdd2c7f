import { buildLossProgram, type ModelConfig, mergeLayers, parameterTree, splitLayers } from '../../model/index.ts';
import {
  type Device,
  type NdArray,
  type Parameters,
  type Precision,
  type Program,
  ProgramSession,
  type Tensor,
} from '../../tensor/index.ts';
import { type GoldenCase, numbers } from '../goldenCase.ts';
import { configOfGoldenCase } from '../networkConfig.ts';
import { cameraInputs, type InputTensors, input, int64, promptColumn } from './observation.ts';
import { fileOf, parametersOf, type SubcaseOf } from './subcase.ts';

type Feeds = Readonly<Record<string, NdArray>>;

export type Values = ReadonlyMap<string, NdArray>;

/** Weights and inputs of one loss program. */
export interface LossCase {
  readonly config: ModelConfig;
  readonly parameters: Parameters;
  readonly feeds: Feeds;
}

/** Weights and inputs of one loss program. */
export interface LossCase {
  readonly config: ModelConfig;
  readonly parameters: Parameters;
  readonly feeds: Feeds;
}

/** The case's inputs as the loss program takes them. */
export function lossFeeds(
  { tensors, prefix, where }: InputTensors,
  config: ModelConfig,
  maskName?: string,
): Record<string, NdArray> {
  const inputs = { tensors, where, ...(prefix !== undefined && { prefix }) };
  const { images, mask } = cameraInputs(inputs, config.cameras, maskName);
  const fast = (): Record<string, NdArray> => {
    const tokens = input(inputs, 'fast_tokens');
    return { fast_tokens: int64(numbers(tokens), tokens.shape), fast_mask: input(inputs, 'fast_token_mask') };
  };
  return {
    images,
    image_mask: mask,
    state: input(inputs, 'state'),
    task: int64(promptColumn(inputs, 0)),
    stage: int64(promptColumn(inputs, 1)),
    actions: input(inputs, 'actions'),
    noise: input(inputs, 'noise'),
    time: input(inputs, 'time'),
    ...(config.useFastAuxiliary && tensors.has(`${prefix ?? ''}fast_tokens`) ? fast() : {}),
  };
}

/** The configuration, but for sizes that the inputs themselves decide: flow samples, and FAST tokens of a chunk. */
export function fittedConfig(golden: GoldenCase, options: object, inputs: Parameters, prefix = ''): ModelConfig {
  const config = configOfGoldenCase(golden.config, options, golden.name);
  const flowSamples = inputs.get(`${prefix}noise`)?.shape[0] ?? config.flowSamples;
  const maxFastTokens = inputs.get(`${prefix}fast_tokens`)?.shape[1] ?? config.maxFastTokens;
  return { ...config, flowSamples, maxFastTokens };
}

export async function lossCase(golden: GoldenCase, subcase: SubcaseOf): Promise<LossCase> {
  const file = fileOf(golden, subcase, 'inputs', 'inputs.safetensors');
  const tensors = await golden.tensors(file);
  const config = fittedConfig(golden, subcase.options, tensors);
  const parameters = await parametersOf(golden, fileOf(golden, subcase, 'params', 'params.safetensors'), config);
  const mask = subcase.options['image_mask'];
  const feeds = lossFeeds({ tensors, where: file }, config, typeof mask === 'string' ? mask : undefined);
  return { config, parameters, feeds };
}

const sizes = ({ feeds }: LossCase) => {
  const [flowSamples, batch] = feeds['noise']!.shape as [number, number];
  return { batch, flowSamples, fastTokens: 'fast_tokens' in feeds };
};

/** Everything that the loss program traces, by the names of the golden cases, and the fed inputs as `feed/<name>`. */
export async function forward(given: LossCase, precision: Precision = 'float32', device?: Device): Promise<Values> {
  const traced = new Set<string>();
  const trace = (key: string, tensor: Tensor): void => {
    if (traced.has(key)) return;
    traced.add(key);
    tensor.builder.output(`trace/${key}`, tensor);
  };
  const program = buildLossProgram(given.config, { ...sizes(given), gradients: false, trace });
  const out = await run(program, given.config, given.parameters, given.feeds, precision, device);
  return new Map([
    ...Object.entries(given.feeds).map(([key, value]) => [`feed/${key}`, value] as const),
    ...Object.entries(out).map(([key, value]) => [key.replace(/^trace\//, ''), value] as const),
  ]);
}

/** Runs a program whose weights are the tree's leaves; in float64 inputs, weights and outputs are float64. */
export async function run(
  program: Program,
  config: ModelConfig,
  parameters: Parameters,
  feeds: Feeds,
  precision: Precision = 'float32',
  device: Device = 'cpu',
): Promise<Record<string, NdArray>> {
  const session = await ProgramSession.create(program, { threads: 1, precision, device });
  try {
    const weights = splitLayers(config, parameters);
    const all = { ...feeds, ...Object.fromEntries(program.parameters.map(({ name }) => [name, weights.get(name)!])) };
    if (precision === 'float64')
      for (const [name, array] of Object.entries(all))
        if (array.dtype === 'float32')
          all[name] = { ...array, dtype: 'float64', data: Float64Array.from(array.data as Float32Array) };
    return await session.run(all);
  } finally {
    await session.close();
  }
}

/** The gradient of the loss by every leaf; leaves that the loss does not depend on have gradient zero. */
export async function lossGradients(
  given: LossCase,
  precision: Precision = 'float32',
  device?: Device,
): Promise<Parameters> {
  const { config, parameters, feeds } = given;
  const program = buildLossProgram(config, { ...sizes(given), gradients: true });
  const out = await run(program, config, parameters, feeds, precision, device);
  const views = new Map<string, NdArray>();
  for (const [key, value] of Object.entries(out))
    if (key.startsWith('gradient/')) views.set(key.slice('gradient/'.length), value);
  const merged = mergeLayers(config, views);
  return new Map(
    parameterTree(config).map(({ name, shape }) => {
      const zero = (): NdArray => ({
        shape: [...shape],
        dtype: 'float32',
        data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
      });
      return [name, merged.get(name) ?? zero()];
    }),
  );
}
