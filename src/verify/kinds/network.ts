import { InputError } from '../../base/index.ts';
import {
  buildLossProgram,
  configOfGoldenCase,
  type ModelConfig,
  mergeLayers,
  parameterTree,
  splitLayers,
} from '../../model/index.ts';
import {
  type NdArray,
  type Parameters,
  type Precision,
  type Program,
  Session,
  type Tensor,
} from '../../tensor/index.ts';
import { combine, compareArrays, type Outcome, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers, pick } from '../goldenCase.ts';
import type { Check } from '../kind.ts';
import type { Quantity } from '../manifest.ts';
import { cameraInputs, type InputTensors, input, int64, promptColumn } from './observation.ts';

/** What a sub-case says beside its switches. */
interface Subcase {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly config: ModelConfig;
  readonly cameras: readonly string[];
}

/** Forward values, losses and gradients of the network (golden README of network-tiny). */
export function network(golden: GoldenCase): Check {
  return async (quantity) => {
    const subcase = subcaseOf(golden, quantity);
    const tensor = quantity.tensor ?? quantity.name.split(':')[1]!;
    if (quantity.file === subcase.options['gradients']) return gradients(golden, subcase, quantity);
    const expected = await golden.tensor(quantity.file, tensor);
    const values = await golden.once(`${subcase.name} values`, () => {
      for (const other of Object.keys(golden.manifest.subcases ?? {}))
        if (other !== subcase.name) golden.forget(`${other} `);
      return forward(golden, subcase);
    });
    const counts = quantity.compare_where ? whereValid(tensor, expected, values) : undefined;
    return compareArrays(computed(tensor, subcase, values), expected, toleranceOf(quantity), counts);
  };
}

function subcaseOf(golden: GoldenCase, { name, file }: Quantity): Subcase {
  const { subcases = {}, config } = golden.manifest;
  const own = name.split(':')[0]!;
  const found =
    own in subcases
      ? own
      : Object.keys(subcases).find((key) => [subcases[key]!['expected'], subcases[key]!['gradients']].includes(file));
  if (!found) throw new InputError(golden.name, `quantity ${name} belongs to no sub-case.`);
  const options = subcases[found]!;
  const merged = configOfGoldenCase(config, { ...config, ...options });
  return { name: found, options, config: merged, cameras: config['cameras'] as string[] };
}

/** The case's inputs as the loss program takes them. */
export function lossFeeds(
  { tensors, prefix, where }: InputTensors,
  config: ModelConfig,
  cameras: readonly string[],
  maskName?: string,
): Record<string, NdArray> {
  const inputs = { tensors, where, ...(prefix !== undefined && { prefix }) };
  const { images, mask } = cameraInputs(inputs, cameras, maskName);
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
    ...(config.useFastAuxiliary ? fast() : {}),
  };
}

/** Weights and inputs of a sub-case, and the options of its loss program. */
async function given(golden: GoldenCase, { options, config, cameras }: Subcase) {
  const file = golden.file('inputs.safetensors');
  const parameters = await golden.tensors(golden.file('params.safetensors'));
  for (const { name, shape } of parameterTree(config)) {
    const { shape: found } = pick(parameters, name, 'parameters');
    if (String(found) !== String(shape))
      throw new InputError(golden.name, `parameter ${name} is [${found}] (the configuration makes it [${shape}]).`);
  }
  const inputs = { tensors: await golden.tensors(file), where: file };
  const feeds = lossFeeds(inputs, config, cameras, options['image_mask'] as string | undefined);
  const [flowSamples, batch] = feeds['noise']!.shape as [number, number];
  return { parameters, feeds, batch, flowSamples };
}

/** Everything that the loss program traces, by the names of the golden cases, and the fed inputs as `feed/<name>`. */
async function forward(golden: GoldenCase, subcase: Subcase): Promise<ReadonlyMap<string, NdArray>> {
  const { parameters, feeds, batch, flowSamples } = await given(golden, subcase);
  const traced = new Set<string>();
  const trace = (key: string, tensor: Tensor): void => {
    if (traced.has(key)) return;
    traced.add(key);
    tensor.builder.output(`trace/${key}`, tensor);
  };
  const program = buildLossProgram(subcase.config, { batch, flowSamples, gradients: false, trace });
  const out = await run(program, subcase.config, parameters, feeds);
  return new Map([
    ...Object.entries(feeds).map(([key, value]) => [`feed/${key}`, value] as const),
    ...Object.entries(out).map(([key, value]) => [key.replace(/^trace\//, ''), value] as const),
  ]);
}

/** Runs a program whose weights are the tree's leaves; in float64 inputs, weights and outputs are float64. */
export async function run(
  program: Program,
  config: ModelConfig,
  parameters: Parameters,
  feeds: Readonly<Record<string, NdArray>>,
  precision: Precision = 'float32',
): Promise<Record<string, NdArray>> {
  const session = await Session.create(program, { threads: 1, precision });
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
async function gradients(golden: GoldenCase, subcase: Subcase, quantity: Quantity): Promise<Outcome> {
  const { config } = subcase;
  const { parameters, feeds, batch, flowSamples } = await given(golden, subcase);
  const program = buildLossProgram(config, { batch, flowSamples, gradients: true });
  const out = await run(program, config, parameters, feeds);
  const views = new Map<string, NdArray>();
  for (const [key, value] of Object.entries(out))
    if (key.startsWith('gradient/')) views.set(key.slice('gradient/'.length), value);
  const merged = mergeLayers(config, views);
  const expected = await golden.tensors(quantity.file);
  const tree = new Map(parameterTree(config).map(({ name, shape }) => [name, shape]));
  for (const name of expected.keys())
    if (!tree.has(name)) throw new InputError(quantity.file, `has leaf ${name}, which this network does not have.`);
  return combine(
    [...tree.keys()].map((leaf) => {
      const target = pick(expected, leaf, quantity.file);
      const got = merged.get(leaf)?.data ?? new Float32Array(target.data.length);
      const { exception } = quantity;
      const tolerance = exception?.leaf === leaf ? { absolute: exception.tolerance_absolute } : toleranceOf(quantity);
      return [leaf, compareArrays(got as Float32Array, target, tolerance)];
    }),
  );
}

/** The 23 action numbers as the original's loss report names them. */
const arm = (side: string): string[] => Array.from({ length: 7 }, (_, i) => `${side}_arm_${i}`);
const COLUMNS = [
  ...['base_vel_x', 'base_vel_y', 'base_vel_z', 'trunk_0', 'trunk_1', 'trunk_2', 'trunk_3'],
  ...[...arm('left'), 'left_gripper', ...arm('right'), 'right_gripper'],
];

/** The expected file's tensor `name` from what the program traced. */
function computed(name: string, { config, cameras }: Subcase, values: ReadonlyMap<string, NdArray>): ArrayLike<number> {
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
  if (name.endsWith('_last_layer')) {
    const all = data(name.slice(0, -'_last_layer'.length));
    return Array.from(all).slice((all.length / config.layers) * (config.layers - 1));
  }
  // The program bars stages that a task does not have by a large negative number, the original by -inf.
  if (name === 'stage_logits_masked') return Array.from(data(name), (x) => (x < -1e29 ? -Infinity : x));
  if (name.startsWith('loss/')) return reportedLoss(name.slice('loss/'.length), config, batch, data);
  return data(name);
}

/** A loss as the original reports it: per sample where it is so there. */
function reportedLoss(
  name: string,
  config: ModelConfig,
  batch: number,
  data: (key: string) => ArrayLike<number>,
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
    const fast = config.useFastAuxiliary ? config.fastLossWeight * data('loss/fast')[0]! : 0;
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
function whereValid(name: string, { shape }: NdArray, values: ReadonlyMap<string, NdArray>): (i: number) => boolean {
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
