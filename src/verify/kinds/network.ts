import { InputError } from '../../base/index.ts';
import { buildLossProgram, type ModelConfig, mergeLayers, parameterTree, splitLayers } from '../../model/index.ts';
import {
  type Device,
  type NdArray,
  type Parameters,
  type Precision,
  type Program,
  Session,
  type Tensor,
} from '../../tensor/index.ts';
import { combine, compareBoth, type Outcome, type Tolerance, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers, pattern } from '../goldenCase.ts';
import type { Check, VerifyOptions } from '../kind.ts';
import type { Quantity } from '../manifest.ts';
import { configOfGoldenCase } from '../networkConfig.ts';
import { backwardRank } from '../order.ts';
import { cameraInputs, type InputTensors, input, int64, promptColumn } from './observation.ts';
import { fileOf, matching, needSubcase, parametersOf, type SubcaseOf, tensorOf } from './subcase.ts';

type Feeds = Readonly<Record<string, NdArray>>;
export type Values = ReadonlyMap<string, NdArray>;

/** Weights and inputs of one loss program. */
export interface LossCase {
  readonly config: ModelConfig;
  readonly parameters: Parameters;
  readonly feeds: Feeds;
}

/** Forward values, losses and gradients of the network (golden README of network-tiny). */
export function network(
  golden: GoldenCase,
  { float64 = false, precision: chosen = 'float32', device }: VerifyOptions,
): Check {
  return async (quantity) => {
    const subcase = needSubcase(golden, quantity);
    const { name } = subcase;
    const given = await golden.once(`${name}: given`, () => {
      for (const other of Object.keys(golden.manifest.subcases ?? {})) if (other !== name) golden.forget(`${other}: `);
      return lossCase(golden, subcase);
    });
    const both = async <T>(key: string, make: (precision: Precision, on?: Device) => Promise<T>) => ({
      own: await golden.once(`${name}: ${key} float32`, () => make(chosen, device)),
      exact: float64 ? await golden.once(`${name}: ${key} float64`, () => make('float64')) : undefined,
    });
    const expected = await golden.tensors(quantity.file);
    if (asksForGradients(quantity, subcase, given.config, expected)) {
      const { own, exact } = await both('gradients', (precision, on) => lossGradients(given, precision, on));
      return gradients(quantity, subcase, expected, own, exact);
    }
    const { own, exact } = await both('values', (precision, on) => forward(given, precision, on));
    return combineIfMany(
      matching(expected, quantity).map(([tensor, target]) => {
        const counts = quantity.compare_where ? whereValid(tensor, target, own) : undefined;
        const got = computed(tensor, given.config, own);
        const outcome = compareBoth(
          got,
          exact && computed(tensor, given.config, exact),
          target,
          toleranceOf(quantity),
          counts,
        );
        const layers = tensor.startsWith('kv_') && target.shape.length === 5;
        const note = layers ? layersOff(got, target, outcome.tolerance, counts) : '';
        return [tensor, { ...outcome, ...(note && { note }) }];
      }),
    );
  };
}

/** One comparison as it is; several by the worst. */
function combineIfMany(parts: readonly (readonly [string, Outcome])[]): Outcome {
  return parts.length === 1 ? parts[0]![1] : combine(parts);
}

/** Gradients lie in the file that the sub-case calls so, or under names of leaves. */
function asksForGradients(
  quantity: Quantity,
  { options }: SubcaseOf,
  config: ModelConfig,
  expected: Parameters,
): boolean {
  if (quantity.file === options['gradients']) return true;
  const leaves = new Set(parameterTree(config).map(({ name }) => name));
  const fits = pattern(tensorOf(quantity));
  const names = [...expected.keys()].filter((name) => fits.test(name));
  return (names.length > 0 ? names : [...expected.keys()]).every((name) => leaves.has(leafOf(name)));
}

/** A gradient's leaf: `gradients/<leaf>` or the leaf alone. */
const leafOf = (name: string): string => name.replace(/^(d_|grads?\/|gradients?\/)/, '');

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

async function lossCase(golden: GoldenCase, subcase: SubcaseOf): Promise<LossCase> {
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
  const session = await Session.create(program, { threads: 1, precision, device });
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

/** Every leaf that the quantity covers; with `*` that is the whole tree, and the file must hold no other. */
function gradients(
  quantity: Quantity,
  { options }: SubcaseOf,
  expected: Parameters,
  own: Parameters,
  exact: Parameters | undefined,
): Outcome {
  const names = new Map([...expected.keys()].map((name) => [leafOf(name), name]));
  for (const leaf of names.keys())
    if (!own.has(leaf)) throw new InputError(quantity.file, `has leaf ${leaf}, which this network does not have.`);
  const asked = tensorOf(quantity);
  const whole = quantity.file === options['gradients'] && (quantity.tensor ?? '*') === '*';
  const fits = pattern(asked);
  const wanted = [...own.keys()].filter(
    (leaf) => whole || fits.test(leaf) || (names.has(leaf) && fits.test(names.get(leaf)!)),
  );
  if (wanted.length === 0) throw new UnknownQuantity('network', `no leaf fits ${asked}.`);
  const zero = new Set(options['gradients_that_are_entirely_zero'] as readonly string[] | undefined);
  const parts = wanted.map((leaf): [string, Outcome] => {
    const got = own.get(leaf)!;
    const named = names.get(leaf);
    if (named === undefined && !zero.has(leaf)) throw new InputError(quantity.file, `has no gradient of ${leaf}.`);
    const target = named === undefined ? { ...got, data: new Float32Array(got.data.length) } : expected.get(named)!;
    return [leaf, compareBoth(numbers(got), exact && numbers(exact.get(leaf)!), target, leafTolerance(quantity, leaf))];
  });
  const outcome = parts.length === 1 ? { ...parts[0]![1] } : combine(parts);
  const off = parts.filter(([, { error, tolerance }]) => !(error <= tolerance)).map(([leaf]) => leaf);
  if (off.length < 2) return outcome;
  const first = off.reduce((a, b) => (backwardRank(b) < backwardRank(a) ? b : a));
  return { ...outcome, note: `${off.length} of ${parts.length} leaves are off; going backward the first is ${first}` };
}

/** A leaf's own tolerance, where the quantity makes an exception of it. */
function leafTolerance(quantity: Quantity, leaf: string): Tolerance {
  const own = [quantity.exception ?? []].flat().find((exception) => pattern(exception.leaf).test(leaf));
  return own ? { absolute: own.tolerance_absolute } : toleranceOf(quantity);
}

/** Which layers of a cache [layers, …] are off: the worst element need not lie in the first of them. */
function layersOff(
  got: ArrayLike<number>,
  expected: NdArray,
  tolerance: number,
  counts: (i: number) => boolean = () => true,
): string {
  const target = numbers(expected);
  const size = target.length / expected.shape[0]!;
  let largest = 0;
  for (let i = 0; i < target.length; i++) if (counts(i)) largest = Math.max(largest, Math.abs(target[i]!));
  const off = Array.from({ length: expected.shape[0]! }, (_, layer) => layer).filter((layer) => {
    for (let i = layer * size; i < (layer + 1) * size; i++)
      if (counts(i) && !(Math.abs(got[i]! - target[i]!) <= tolerance * largest)) return true;
    return false;
  });
  return off.length > 0 ? `layers off: ${off.join(', ')}` : '';
}

/** The 23 action numbers as the original's loss report names them. */
const arm = (side: string): string[] => Array.from({ length: 7 }, (_, i) => `${side}_arm_${i}`);
const COLUMNS = [
  ...['base_vel_x', 'base_vel_y', 'base_vel_z', 'trunk_0', 'trunk_1', 'trunk_2', 'trunk_3'],
  ...[...arm('left'), 'left_gripper', ...arm('right'), 'right_gripper'],
];

/** The expected file's tensor `name` from what the program traced. */
export function computed(name: string, config: ModelConfig, values: Values): ArrayLike<number> {
  const { cameras } = config;
  const [samples, batch] = values.get('feed/noise')!.shape as [number, number];
  const data = (key: string): ArrayLike<number> => {
    const found = values.get(key);
    if (!found) throw new UnknownQuantity('network', `${name} is not something that the network traces (${key}).`);
    return numbers(found);
  };
  /** [B, count, …] → the k-th of axis 1. */
  const entry = (array: ArrayLike<number>, count: number, k: number): Float64Array => {
    const size = array.length / batch / count;
    return Float64Array.from(
      { length: batch * size },
      (_, i) => array[(Math.floor(i / size) * count + k) * size + (i % size)]!,
    );
  };
  /** [B, N, …] → [N, B, …] */
  const samplesFirst = (array: ArrayLike<number>): number[] =>
    Array.from({ length: samples }, (_, s) => [...entry(array, samples, s)]).flat();

  const camera = cameras.findIndex((c) => name.split('/').includes(c));
  if (camera >= 0) {
    const traced = name.startsWith('image_float/') ? 'image_float' : name.replace(`/${cameras[camera]}`, '');
    return entry(data(traced), cameras.length, camera);
  }
  if (['time_condition', 'suffix_tokens', 'suffix_out', 'velocity'].includes(name)) return samplesFirst(data(name));
  // One layer of a cache: the last, or one by its number.
  const one = /^(kv_.+?)_(?:last_layer|layer_?(\d+))$/.exec(name);
  if (one) {
    const all = data(one[1]!);
    const layer = one[2] === undefined ? config.layers - 1 : Number(one[2]);
    const size = all.length / config.layers;
    return Array.from(all).slice(layer * size, (layer + 1) * size);
  }
  // The program bars stages that a task does not have by a large negative number, the original by -inf.
  if (name === 'stage_logits_masked') return Array.from(data(name), (x) => (x < -1e29 ? -Infinity : x));
  if (name.startsWith('loss/'))
    return reportedLoss(name.slice('loss/'.length), config, batch, data, values.has('loss/fast'));
  return data(name);
}

/** A loss as the original reports it: per sample where it is so there. */
function reportedLoss(
  name: string,
  config: ModelConfig,
  batch: number,
  data: (key: string) => ArrayLike<number>,
  withFast: boolean,
): ArrayLike<number> {
  const perSample = (column?: number): number[] => {
    const elements = data('action_loss_elements'); // [B, horizon, actionDim]
    const size = elements.length / batch;
    return Array.from({ length: batch }, (_, b) => {
      let [sum, count] = [0, 0];
      for (let i = column ?? 0; i < size; i += column === undefined ? 1 : config.actionDim, count++)
        sum += elements[b * size + i]!;
      return sum / count;
    });
  };
  if (name === 'mean_total_loss') return data('loss');
  if (name === 'subtask_loss') return data('loss/stage');
  if (name === 'subtask_accuracy') return data('stage_accuracy');
  if (name === 'fast_loss') return data('loss/fast_per_sample');
  if (name === 'fast_accuracy')
    return fastAccuracy(data('fast_logits'), data('feed/fast_tokens'), data('feed/fast_mask'), batch);
  if (name === 'action_loss') return perSample();
  if (name === 'total_loss') {
    const fast = withFast ? config.fastLossWeight * data('loss/fast')[0]! : 0;
    const rest = config.subtaskLossWeight * data('loss/stage')[0]! + fast;
    return perSample().map((x) => x + rest);
  }
  const column = COLUMNS.indexOf(name.replace('action_loss_', ''));
  if (column >= 0) return perSample(column);
  throw new UnknownQuantity('network', `no loss ${name}.`);
}

/** Share of each sample's FAST tokens whose largest logit is the right one. */
function fastAccuracy(
  logits: ArrayLike<number>,
  ids: ArrayLike<number>,
  mask: ArrayLike<number>,
  batch: number,
): number[] {
  const vocab = logits.length / ids.length;
  const length = ids.length / batch;
  return Array.from({ length: batch }, (_, b) => {
    let [right, count] = [0, 0];
    for (let i = b * length; i < (b + 1) * length; i++) {
      if (!mask[i]) continue;
      let best = 0;
      for (let v = 1; v < vocab; v++) if (logits[i * vocab + v]! > logits[i * vocab + best]!) best = v;
      count++;
      if (best === ids[i]) right++;
    }
    return Math.fround(right / Math.max(count, 1));
  });
}

/** Which elements of a per-token tensor belong to tokens that are there: [B, S, …], or [layer, B, S, …] for caches. */
function whereValid(name: string, { shape }: NdArray, values: Values): (i: number) => boolean {
  const mask = values.get('prefix_mask')!;
  const valid = numbers(mask);
  const [batch, total] = mask.shape as [number, number];
  const axis = name.startsWith('kv_') && shape.length === 5 ? 2 : 1;
  const tokens = shape[axis]!;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return (i) => {
    const token = Math.floor(i / inner) % tokens;
    const b = Math.floor(i / inner / tokens) % batch;
    return valid[b * total + token] === 1;
  };
}
