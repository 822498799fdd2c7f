import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { loadWeight, mapSafetensors, type NdArray, writeSafetensors } from '../../tensor/index.ts';
import { modelConfig } from '../network/config.ts';
import { initParameters } from '../network/initialise.ts';
import { parameterTree } from '../network/tree.ts';
import { ActionSampler, type SamplerInputs } from '../planning/sampler.ts';
import { INT8_FILE, int8Parts, readInt8, writeInt8 } from './int8.ts';

const config = modelConfig({
  imageSize: 28,
  visionWidth: 48,
  visionLayers: 2,
  visionMlpDim: 96,
  visionHeads: 4,
  vlmWidth: 64,
  vlmMlpDim: 128,
  expertWidth: 48,
  expertMlpDim: 96,
  layers: 3,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 16,
  vocabSize: 256,
  useFastAuxiliary: false,
});
const parameters = initParameters(config, 5);
const random = Random.of(3);
// Gates start at zero, which would hide the action expert's blocks.
for (const { data } of parameters.values())
  for (let i = 0; i < data.length; i++) (data as Float32Array)[i]! += random.normal() * 0.05;
const inputs: SamplerInputs = {
  images: Uint8Array.from({ length: 3 * 28 * 28 * 3 }, () => random.uniform() * 256),
  state: Float32Array.from({ length: 32 }, () => random.normal() * 0.4),
  task: BigInt64Array.of(3n),
  stage: BigInt64Array.of(1n),
};
const noise = Float32Array.from({ length: 30 * 32 }, () => random.normal());

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-int8-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function sample(sampler: ActionSampler): Promise<Float32Array> {
  const { actions } = await sampler.sample(inputs, noise);
  await sampler.close();
  return actions;
}

describe('an int8 network', () => {
  it('needs its matrices and the leaves that are not in them, and plans nearly the same', async () => {
    const parts = int8Parts(config);
    const errors = await writeInt8(folder, config, parameters, { parts });
    expect(errors).toHaveLength(parts.matrices.length);
    for (const { relative } of errors) expect(relative).toBeLessThan(0.01);

    const rest = new Map([...parameters].filter(([leaf]) => parts.leaves.has(leaf)));
    expect(rest.size).toBeLessThan(parameters.size);
    const options = { batch: 1, steps: 10 };
    const quantised = await readInt8(folder, parts);
    const got = await sample(await ActionSampler.create(config, rest, { ...options, quantised }));
    const expected = await sample(await ActionSampler.create(config, parameters, options));
    const moved = expected.map((v, i) => v - noise[i]!);
    const rms = (x: Float32Array) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length);
    const error = rms(got.map((v, i) => v - expected[i]!)) / rms(moved);
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(0.02);
    expect(await sample(await ActionSampler.create(config, rest, { ...options, quantised }))).toEqual(got);
  });

  it('covers every leaf that planning reads, once', () => {
    const { matrices, leaves } = int8Parts(config);
    const quantised = new Set(matrices.map(({ parameter }) => parameter.split('#')[0]!));
    expect([...quantised].filter((leaf) => leaves.has(leaf))).toEqual([]);
    const unread = parameterTree(config).filter(({ name }) => !quantised.has(name) && !leaves.has(name));
    expect(unread.map(({ name }) => name)).toEqual([]);
    // The blocks of both experts and of the tower are bytes, whole.
    expect([...leaves].filter((name) => /llm\/layers\/(attn|mlp)|encoderblock\/M.*kernel/.test(name))).toEqual([]);
    // What the network says about actions and stages stays float32.
    expect(leaves).toContain('action_out_proj/kernel');
    expect(leaves).toContain('stage_pred_from_vlm/kernel');
  });

  it('keeps wide matrices in column blocks, and reads files that have them whole', async () => {
    const wide = modelConfig({ ...config, layers: 1, vlmMlpDim: 8256 });
    const leaves = initParameters(wide, 2);
    const parts = int8Parts(wide);
    const [blocks, whole] = [join(folder, 'blocks'), join(folder, 'whole')];
    await Promise.all([mkdir(blocks), mkdir(whole)]);
    await writeInt8(blocks, wide, leaves, { parts });
    const read = await readInt8(blocks, parts);
    expect([...read.values()].map(({ length }) => length).sort()).toEqual([
      ...parts.matrices.slice(2).map(() => 1),
      2,
      2,
    ]);
    // As one array a matrix, as files were written before.
    const arrays = new Map<string, NdArray>();
    for (const [key, pieces] of read) {
      const loaded = await Promise.all(
        pieces.map(async ({ data, scale }) => ({ data: await loadWeight(data), scale })),
      );
      const rows = loaded[0]!.data.shape[0]!;
      const scale = Float32Array.from(loaded.flatMap((piece) => Array.from(piece.scale.data as Float32Array)));
      const data = new Int8Array(rows * scale.length);
      let at = 0;
      for (let r = 0; r < rows; r++)
        for (const piece of loaded) {
          const width = piece.data.shape[1]!;
          data.set((piece.data.data as Int8Array).subarray(r * width, (r + 1) * width), at);
          at += width;
        }
      arrays.set(key, { shape: [rows, scale.length], dtype: 'int8', data });
      arrays.set(`${key}#scale`, { shape: [scale.length], dtype: 'float32', data: scale });
    }
    await writeSafetensors(join(whole, INT8_FILE), arrays);
    const options = { batch: 1, steps: 2 };
    const [a, b] = await Promise.all(
      [read, await readInt8(whole, parts)].map(async (quantised) =>
        sample(await ActionSampler.create(wide, leaves, { ...options, quantised })),
      ),
    );
    const largest = Math.max(...a!.map((v, i) => Math.abs(v - b![i]!)));
    expect(largest).toBeLessThan(0.01); // rows of the hidden layer have one scale a block
  });

  it('refuses a file of another network', async () => {
    const other = int8Parts(modelConfig({ ...config, layers: 4 }));
    await expect(readInt8(folder, other)).rejects.toThrow(/#3.*is missing/);
    const wider = int8Parts(modelConfig({ ...config, vlmMlpDim: 256 }));
    await expect(readInt8(folder, wider)).rejects.toThrow(/\[64,256\] is missing/);
  });
});

describe('float32 weights that stay in their file', () => {
  it('give the same bytes as weights in memory', async () => {
    const file = join(folder, 'params.safetensors');
    await writeSafetensors(file, parameters);
    const options = { batch: 1, steps: 4 };
    const stored = await sample(await ActionSampler.create(config, await mapSafetensors(file), options));
    expect(stored).toEqual(await sample(await ActionSampler.create(config, parameters, options)));
  });
});
