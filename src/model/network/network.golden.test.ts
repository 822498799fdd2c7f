import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { relativeError } from '../../../test/support/model.ts';
import { configOfGoldenCase } from '../../../test/support/networkConfig.ts';
import { type NdArray, type Parameters, ProgramSession, readSafetensors, type Tensor } from '../../tensor/index.ts';
import type { ModelConfig } from './config.ts';
import { buildLossProgram } from './loss.ts';
import { parameterTree } from './tree.ts';
import { mergeLayers, splitLayers } from './views.ts';

interface Quantity {
  name: string;
  file: string;
  tensor: string;
  tolerance_relative?: number;
  tolerance_absolute?: number;
  compare_where?: string;
  exception?: { leaf: string; tolerance_absolute: number };
}
interface Manifest {
  kind: string;
  config: { batch: number; flow_samples: number; cameras: string[] };
  subcases: Record<string, { image_mask: string; expected: string; gradients?: string }>;
  quantities: Quantity[];
}

const root = join(dirname(fileURLToPath(import.meta.url)), '../../../test/golden');
const read = (path: string): Promise<Parameters> => readSafetensors(path);

/** The case's inputs as the loss program takes them. */
function feedsOf(
  config: ModelConfig,
  manifest: Manifest,
  inputs: Parameters,
  imageMask: string,
): Record<string, NdArray> {
  const { batch, cameras } = manifest.config;
  const at = (name: string): NdArray => inputs.get(name)!;
  const side = config.imageSize;
  const images = new Uint8Array(batch * cameras.length * side * side * 3);
  const mask = new Uint8Array(batch * cameras.length);
  cameras.forEach((camera, c) => {
    const pictures = at(`image_uint8/${camera}`).data as Uint8Array;
    const valid = at(imageMask.replace('*', camera)).data as Uint8Array;
    const size = side * side * 3;
    for (let b = 0; b < batch; b++) {
      images.set(pictures.subarray(b * size, (b + 1) * size), (b * cameras.length + c) * size);
      mask[b * cameras.length + c] = valid[b]!;
    }
  });
  const prompt = at('tokenized_prompt').data as Int32Array;
  const ids = (values: number[]) => ({
    shape: [batch],
    dtype: 'int64' as const,
    data: BigInt64Array.from(values.map(BigInt)),
  });
  const feeds: Record<string, NdArray> = {
    images: { shape: [batch, cameras.length, side, side, 3], dtype: 'uint8', data: images },
    image_mask: { shape: [batch, cameras.length], dtype: 'uint8', data: mask },
    state: at('state'),
    task: ids(Array.from({ length: batch }, (_, b) => prompt[2 * b]!)),
    stage: ids(Array.from({ length: batch }, (_, b) => prompt[2 * b + 1]!)),
    actions: at('actions'),
    noise: at('noise'),
    time: at('time'),
  };
  if (config.useFastAuxiliary) {
    const tokens = at('fast_tokens');
    feeds['fast_tokens'] = { ...tokens, dtype: 'int64', data: BigInt64Array.from(tokens.data as Int32Array, BigInt) };
    feeds['fast_mask'] = at('fast_token_mask');
  }
  return feeds;
}

/** The quantity `tensor` of the expected file, from what the program traced. */
function computed(name: string, manifest: Manifest, values: Record<string, NdArray>): ArrayLike<number> {
  const { batch, flow_samples: n, cameras } = manifest.config;
  const data = (key: string): ArrayLike<number> => {
    const found = values[key];
    if (!found) throw new Error(`nothing was traced for ${name} (${key}).`);
    return found.data instanceof BigInt64Array ? Array.from(found.data, Number) : (found.data as Float32Array);
  };
  /** [B, k, …] → the k-th of axis 1; [B, N, …] → [N, B, …]. */
  const pick = (array: ArrayLike<number>, count: number, which: number): number[] => {
    const size = array.length / batch / count;
    return Array.from(
      { length: batch * size },
      (_, i) => array[(Math.floor(i / size) * count + which) * size + (i % size)]!,
    );
  };
  const samplesFirst = (array: ArrayLike<number>): number[] =>
    Array.from({ length: n }, (_, s) => pick(array, n, s)).flat();
  const mean = (array: ArrayLike<number>): number => Array.from(array).reduce((a, b) => a + b, 0) / array.length;
  const camera = cameras.findIndex((c) => name.includes(c));
  if (name.startsWith('image_float/')) return pick(data('image_float'), 3, camera);
  if (name.startsWith('vision/')) return pick(data(name.replace(`/${cameras[camera]}`, '')), 3, camera);
  if (['time_condition', 'suffix_tokens', 'suffix_out', 'velocity'].includes(name)) return samplesFirst(data(name));
  const last = name.match(/^(.*)_last_layer$/);
  if (last) {
    const all = data(last[1]!);
    const { layers } = manifest.config as unknown as { layers: number };
    return Array.from(all).slice((all.length / layers) * (layers - 1));
  }
  if (name === 'loss/mean_total_loss') return data('loss');
  if (name === 'loss/subtask_loss') return data('loss/stage');
  if (name === 'loss/subtask_accuracy') return data('stage_accuracy');
  if (name === 'loss/fast_loss') return data('loss/fast_per_sample');
  if (name === 'loss/fast_accuracy')
    return fastAccuracy(data('fast_logits'), data('feed/fast_tokens'), data('feed/fast_mask'), batch);
  const elements = name.startsWith('loss/action') || name === 'loss/total_loss' ? data('action_loss_elements') : [];
  const width = 32;
  const perSample = (column?: number) =>
    Array.from({ length: batch }, (_, b) => {
      const own = Array.from(elements).slice((b * elements.length) / batch, ((b + 1) * elements.length) / batch);
      return mean(column === undefined ? own : own.filter((_, i) => i % width === column));
    });
  if (name === 'loss/action_loss') return perSample();
  if (name === 'loss/total_loss') {
    const rest = (data('loss')[0] as number) - (data('loss/action')[0] as number);
    return perSample().map((x) => x + rest);
  }
  const column = COLUMNS.indexOf(name.replace('loss/action_loss_', ''));
  return column >= 0 ? perSample(column) : data(name);
}

const arm = (side: string) => Array.from({ length: 7 }, (_, i) => `${side}_arm_${i}`);
const COLUMNS = [
  ...['base_vel_x', 'base_vel_y', 'base_vel_z', 'trunk_0', 'trunk_1', 'trunk_2', 'trunk_3'],
  ...[...arm('left'), 'left_gripper', ...arm('right'), 'right_gripper'],
];

function fastAccuracy(
  logits: ArrayLike<number>,
  ids: ArrayLike<number>,
  mask: ArrayLike<number>,
  batch: number,
): number[] {
  const vocab = logits.length / ids.length;
  return Array.from({ length: batch }, (_, b) => {
    const positions = Array.from({ length: ids.length / batch }, (_, t) => (b * ids.length) / batch + t).filter(
      (i) => mask[i],
    );
    const right = positions.filter((i) => {
      const row = Array.from({ length: vocab }, (_, v) => logits[i * vocab + v]!);
      return row.indexOf(Math.max(...row)) === ids[i];
    });
    return Math.fround(right.length / positions.length);
  });
}

const cases = readdirSync(root).filter((name) => {
  try {
    return (JSON.parse(readFileSync(join(root, name, 'manifest.json'), 'utf8')) as Manifest).kind === 'network';
  } catch {
    return false;
  }
});

describe.each(cases)('golden %s', (name) => {
  const folder = join(root, name);
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
  describe.each(Object.keys(manifest.subcases))('%s', (subcase) => {
    const options = manifest.subcases[subcase]!;
    const config = configOfGoldenCase(manifest.config, options);
    const quantities = manifest.quantities.filter((q) => q.name.startsWith(`${subcase}:`));

    it('forward values and losses', async () => {
      const [parameters, inputs, expected] = await Promise.all(
        ['params.safetensors', 'inputs.safetensors', options.expected].map((file) => read(join(folder, file))),
      );
      const traced = new Map<string, Tensor>();
      const trace = (key: string, tensor: Tensor) => {
        if (traced.has(key)) return;
        traced.set(key, tensor);
        tensor.builder.output(`trace/${key}`, tensor);
      };
      const program = buildLossProgram(config, { batch: manifest.config.batch, gradients: false, trace });
      const feeds = feedsOf(config, manifest, inputs!, options.image_mask);
      const values = await runProgram(program, config, parameters!, feeds);
      const wrong: string[] = [];
      for (const q of quantities.filter((q) => q.file === options.expected)) {
        const target = expected!.get(q.tensor)!;
        const counts = q.compare_where ? whereValid(q.tensor, target, expected!) : undefined;
        const { relative, absolute } = relativeError(
          computed(q.tensor, manifest, values),
          target.data as Float32Array,
          counts,
        );
        const [error, tolerance] =
          q.tolerance_relative !== undefined ? [relative, q.tolerance_relative] : [absolute, q.tolerance_absolute!];
        if (!(error <= tolerance)) wrong.push(`${q.name}: ${error.toExponential(2)} > ${tolerance}`);
      }
      expect(wrong).toEqual([]);
    });

    it('loss and the gradient of every leaf', async () => {
      const [parameters, inputs, expected, gradients] = await Promise.all(
        ['params.safetensors', 'inputs.safetensors', options.expected, options.gradients!].map((file) =>
          read(join(folder, file)),
        ),
      );
      const program = buildLossProgram(config, { batch: manifest.config.batch, gradients: true });
      const values = await runProgram(
        program,
        config,
        parameters!,
        feedsOf(config, manifest, inputs!, options.image_mask),
      );
      const loss = expected!.get('loss/mean_total_loss')!.data[0] as number;
      expect(Math.abs((values['loss']!.data[0] as number) - loss) / loss).toBeLessThan(1e-5);
      const views = new Map(
        Object.entries(values).flatMap(([key, value]) =>
          key.startsWith('gradient/') ? [[key.slice('gradient/'.length), value]] : [],
        ),
      );
      const merged = mergeLayers(config, views);
      const wrong: string[] = [];
      const { exception, tolerance_relative } = quantities.find((q) => q.file === options.gradients)!;
      for (const [leaf, target] of gradients!) {
        const got = merged.get(leaf)?.data ?? new Float32Array(target.data.length); // not in the program: no gradient
        const { relative, absolute } = relativeError(got as Float32Array, target.data as Float32Array);
        const isException = exception?.leaf === leaf;
        const [error, tolerance] = isException
          ? [absolute, exception.tolerance_absolute]
          : [relative, tolerance_relative!];
        if (!(error <= tolerance)) wrong.push(`${leaf}: ${error.toExponential(2)} > ${tolerance}`);
      }
      expect(wrong).toEqual([]);
      expect([...gradients!.keys()].sort()).toEqual(parameterTree(config).map((leaf) => leaf.name));
    });
  });
});

async function runProgram(
  program: ReturnType<typeof buildLossProgram>,
  config: ModelConfig,
  parameters: Parameters,
  feeds: Record<string, NdArray>,
): Promise<Record<string, NdArray>> {
  const session = await ProgramSession.create(program, { threads: 1 });
  const weights = splitLayers(config, parameters);
  const own = Object.fromEntries(program.parameters.map(({ name }) => [name, weights.get(name)!]));
  const out = await session.run({ ...feeds, ...own });
  await session.close();
  const values: Record<string, NdArray> = {};
  for (const [key, value] of Object.entries(feeds)) values[`feed/${key}`] = value;
  for (const [key, value] of Object.entries(out)) values[key.replace('trace/', '')] = value;
  return values;
}

/** Which elements of a per-token tensor belong to valid tokens: [B, S, …], or [layer, B, S, …] for caches. */
function whereValid(name: string, target: NdArray, expected: Parameters): (i: number) => boolean {
  const mask = expected.get('prefix_mask');
  if (!mask) return () => true;
  const [batch, total] = mask.shape as [number, number];
  const isCache = name.startsWith('kv_');
  const axis = isCache && target.shape.length === 5 ? 2 : 1;
  const tokens = target.shape[axis]!;
  const inner = target.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return (i) => {
    const token = Math.floor(i / inner) % tokens;
    const b = Math.floor(i / inner / tokens) % batch;
    return mask.data[b * total + token] === 1;
  };
}
