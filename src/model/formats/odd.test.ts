import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aside } from '../../base/index.ts';
import { readSafetensors, writeSafetensors } from '../../tensor/index.ts';
import { exportCheckpoint } from './exportCheckpoint.ts';
import { importCheckpoint } from './importCheckpoint.ts';
import { openTree, weightsOf } from './openTree.ts';
import { readLeaf } from './readLeaf.ts';
import { difference } from './recognise.ts';
import { converter, float16Bits, STORED_BYTES, type StoredType, toNumbers } from './storedType.ts';

const GOLDEN = join(import.meta.dirname, '../../../test/golden');
const BASE = join(GOLDEN, 'checkpoint-pi05-base/checkpoint');
const CHUNKS = join(GOLDEN, 'checkpoint-chunks');
const CONFIG = { fastVocabSize: 24 };
let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'valet-odd-'));
});
afterAll(() => rmSync(place, { recursive: true }));

describe('element types', () => {
  const samples: [StoredType, (view: DataView, at: number, x: number) => void, number[]][] = [
    ['float64', (v, at, x) => v.setFloat64(at, x, true), [Math.PI, -1e-30, 7]],
    ['int64', (v, at, x) => v.setBigInt64(at, BigInt(x), true), [-3, 2 ** 53, 0]],
    ['uint64', (v, at, x) => v.setBigUint64(at, BigInt(x), true), [2 ** 63, 1, 0]],
    ['uint32', (v, at, x) => v.setUint32(at, x, true), [2 ** 32 - 1, 1, 0]],
    ['int16', (v, at, x) => v.setInt16(at, x, true), [-32768, 32767, 0]],
    ['uint16', (v, at, x) => v.setUint16(at, x, true), [65535, 1, 0]],
    ['int8', (v, at, x) => v.setInt8(at, x), [-128, 127, 0]],
    ['float16', (v, at, x) => v.setUint16(at, float16Bits(x), true), [1.5, -0.25, 65504]],
  ];
  it.each(samples)('%s as exact numbers, as float32, as bfloat16', (type, set, values) => {
    const size = STORED_BYTES[type];
    const bytes = new Uint8Array(size * values.length);
    for (const [i, x] of values.entries()) set(new DataView(bytes.buffer), i * size, x);
    expect([...toNumbers(type)(bytes)]).toEqual(values);
    const odd = new Uint8Array(bytes.length + 1).subarray(1);
    odd.set(bytes);
    expect([...toNumbers(type)(odd)]).toEqual(values);
    const float32 = converter(type, 'float32')(bytes);
    expect([...new Float32Array(float32.buffer, 0, values.length)]).toEqual(values.map(Math.fround));
    const half = converter(type, 'bfloat16')(bytes).slice();
    for (const [i, bits] of new Uint16Array(half.buffer).entries()) {
      const near = new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
      expect(Math.abs(near - values[i]!)).toBeLessThanOrEqual(Math.abs(values[i]!) / 256);
    }
  });

  it(
    'float64 is rounded to bfloat16 once: just above the middle goes up, though float32 would put it on ' +
      'the middle',
    () => {
      const bytes = new Uint8Array(Float64Array.of(1 + 2 ** -8 + 2 ** -40, 1 + 2 ** -8, 1 + 2 ** -8 - 2 ** -40).buffer);
      expect([...new Uint16Array(converter('float64', 'bfloat16')(bytes).slice().buffer)]).toEqual([
        0x3f81, 0x3f80, 0x3f80,
      ]);
    },
  );
});

describe('fill values', () => {
  it.each([
    ['float16', 1.5, 1.5],
    ['float16', '0x3e00', 1.5],
    ['bfloat16', -2, -2],
    ['int64', -7, -7],
    ['uint32', 4294967295, 4294967295],
    ['bool', true, 1],
    ['float64', 'NaN', Number.NaN],
  ])('of %s: %s', async (dtype, fill, expected) => {
    const folder = mkdtempSync(join(place, 'fill-'));
    mkdirSync(join(folder, 'w'));
    const meta = {
      zarr_format: 3,
      node_type: 'array',
      shape: [2],
      data_type: dtype,
      chunk_grid: { name: 'regular', configuration: { chunk_shape: [2] } },
      chunk_key_encoding: { name: 'default' },
      codecs: [{ name: 'bytes', configuration: { endian: 'little' } }],
      fill_value: fill,
    };
    writeFileSync(join(folder, 'w/zarr.json'), JSON.stringify(meta));
    const leaf = (await openTree(folder)).leaves.get('w')!;
    const { data } = await readLeaf(leaf);
    expect([...data].map(Number)).toEqual([expected, expected]);
  });

  it('that a type does not hold are refused', async () => {
    const folder = mkdtempSync(join(place, 'fill-'));
    mkdirSync(join(folder, 'w'));
    writeFileSync(
      join(folder, 'w/.zarray'),
      JSON.stringify({
        zarr_format: 2,
        shape: [1],
        chunks: [1],
        dtype: '<i4',
        compressor: null,
        fill_value: 0.5,
        order: 'C',
        filters: null,
      }),
    );
    await expect(openTree(folder)).rejects.toThrow('fill value 0.5 of type int32');
  });
});

describe('where the arrays are looked for', () => {
  it('a step with a prefix, an item of any name, links', async () => {
    const item = join(CHUNKS, 'plain_zarr2/params');
    await cp(item, join(place, 'prefixed/ckpt_000020/weights'), { recursive: true });
    mkdirSync(join(place, 'prefixed/ckpt_000003'));
    expect((await openTree(join(place, 'prefixed'))).path).toBe(join(place, 'prefixed/ckpt_000020/weights'));
    await cp(item, join(place, 'prefixed/ckpt_000020/other'), { recursive: true });
    await expect(openTree(join(place, 'prefixed'))).rejects.toThrow('several trees of arrays (other, weights)');
    const linked = join(place, 'linked/params');
    mkdirSync(linked, { recursive: true });
    for (const name of readdirSync(item)) symlinkSync(join(item, name), join(linked, name));
    expect([...(await openTree(linked)).leaves.keys()]).toEqual([...(await openTree(item)).leaves.keys()]);
  });

  it('params without arrays are not passed over for another item', async () => {
    await cp(join(CHUNKS, 'plain_zarr2/params'), join(place, 'emptied/train_state'), { recursive: true });
    mkdirSync(join(place, 'emptied/params'));
    await expect(openTree(join(place, 'emptied'))).rejects.toThrow(/params: holds no arrays/);
  });

  it('a training state: its weights alone', async () => {
    const file = join(place, 'state.safetensors');
    const one = { shape: [1], dtype: 'float32' as const, data: Float32Array.of(1) };
    const names = ['params/a/value', 'params/b/c/value', 'opt_state/0/mu/a/value', 'step'];
    await writeSafetensors(file, new Map(names.map((name) => [name, one])));
    const { leaves, weights } = weightsOf(await openTree(file));
    expect([weights, ...leaves.keys()]).toEqual(['params', 'a', 'b/c']);
  });

  it('an address, a part of a checkpoint, and what orbax has not finished are none', async () => {
    await expect(openTree('gs://openpi-assets/checkpoints/pi05_base')).rejects.toThrow('is an address');
    const item = join(CHUNKS, 'ocdbt_zarr2/params');
    await expect(openTree(join(item, 'manifest.ocdbt'))).rejects.toThrow(`Give its folder: ${item}.`);
    await cp(item, join(place, 'torn/params.orbax-checkpoint-tmp-17'), { recursive: true });
    await expect(openTree(join(place, 'torn'))).rejects.toThrow('is no checkpoint that is known');
  });

  it('no arrays at all, several files without an index', async () => {
    await writeSafetensors(join(place, 'nothing.safetensors'), new Map());
    await expect(openTree(join(place, 'nothing.safetensors'))).rejects.toThrow('holds no arrays');
    mkdirSync(join(place, 'shards'));
    for (const name of ['1.safetensors', '2.safetensors'])
      await cp(join(place, 'state.safetensors'), join(place, 'shards', name));
    await expect(openTree(join(place, 'shards'))).rejects.toThrow('several safetensors files and no index');
  });
});

describe('imports', () => {
  const withLeaf = async (name: string, leaf: string): Promise<string> => {
    const arrays = await readSafetensors(join(GOLDEN, 'checkpoint-pi05-base/expected.safetensors'));
    arrays.set(leaf, { shape: [1], dtype: 'float32', data: Float32Array.of(1) });
    const file = join(place, `${name}.safetensors`);
    await writeSafetensors(file, arrays);
    return file;
  };

  it('LoRA is refused: without it the weights are others', async () => {
    for (const leaf of ['PaliGemma/llm/layers/attn/q_einsum/lora_a', 'PaliGemma/llm/layers/mlp/gating_einsum_lora_b'])
      await expect(
        importCheckpoint(await withLeaf('lora', leaf), join(place, 'no'), { config: CONFIG }),
      ).rejects.toThrow(`LoRA), first ${leaf}`);
  });

  it("openpi's PyTorch form is called by its name", async () => {
    const file = join(place, 'torch.safetensors');
    const leaf = { shape: [1], dtype: 'float32' as const, data: Float32Array.of(1) };
    await writeSafetensors(
      file,
      new Map([
        ['paligemma_with_expert.gemma_expert.lm_head.weight', leaf],
        ['action_in_proj.weight', leaf],
      ]),
    );
    await expect(importCheckpoint(file, join(place, 'no'))).rejects.toThrow("openpi's PyTorch form");
  });

  it('given statistics need no choice among those of the source, and may have a name of their own', async () => {
    await cp(BASE, join(place, 'two'), { recursive: true });
    for (const id of ['arx', 'droid']) {
      mkdirSync(join(place, 'two/assets', id), { recursive: true });
      writeFileSync(join(place, 'two/assets', id, 'norm_stats.json'), '{}');
    }
    const stats = join(import.meta.dirname, '../../../policies/household/assets/household/norm_stats.json');
    const out = join(place, 'chosen');
    await expect(importCheckpoint(join(place, 'two'), out, { config: CONFIG })).rejects.toThrow(
      '--asset-id arx | droid',
    );
    const report = await importCheckpoint(join(place, 'two'), out, {
      config: CONFIG,
      normStats: stats,
      assetId: 'mine',
    });
    expect([report.assetId, readdirSync(join(out, 'assets'))]).toEqual(['mine', ['mine']]);
    expect((await readFile(join(out, 'assets/mine/norm_stats.json'))).equals(await readFile(stats))).toBe(true);
  });

  it('statistics behind a link arrive as a file', async () => {
    await cp(BASE, join(place, 'blobs'), { recursive: true });
    const assets = join(place, 'blobs/assets/robot');
    mkdirSync(assets, { recursive: true });
    writeFileSync(join(place, 'blob'), '{}');
    symlinkSync('../../../blob', join(assets, 'norm_stats.json'));
    const out = join(place, 'nowhere/near/it');
    await importCheckpoint(join(place, 'blobs'), out, { config: CONFIG });
    renameSync(join(place, 'blob'), join(place, 'gone'));
    expect(readFileSync(join(out, 'assets/robot/norm_stats.json'), 'utf8')).toBe('{}');
  });

  it('stages of new tasks need new tasks, and no more than the network has', async () => {
    const out = join(place, 'no');
    await expect(importCheckpoint(BASE, out, { config: CONFIG, newStages: [3] })).rejects.toThrow('without --tasks');
    await expect(importCheckpoint(BASE, out, { config: CONFIG, tasks: 51, newStages: [16] })).rejects.toThrow(
      '--new-stages: a task has at most 15 stages in this network (got 16)',
    );
  });

  it('an int8 checkpoint is whole for inspect, and neither imported nor exported', async () => {
    const int8 = join(place, 'int8');
    await importCheckpoint(BASE, int8, { config: CONFIG, dtype: 'int8' });
    const tree = await openTree(int8);
    expect(tree.container).toBe('Valet, int8');
    const model = JSON.parse(await readFile(join(int8, 'config.json'), 'utf8')).model;
    expect(difference(tree.leaves, model)).toEqual({ missing: [], extra: [], wrong: [] });
    for (const work of [
      () => importCheckpoint(int8, join(place, 'no')),
      () => importCheckpoint(int8, join(place, 'no'), { dtype: 'int8' }),
      () => exportCheckpoint(int8, join(place, 'no'), { format: 'safetensors' }),
    ])
      await expect(work()).rejects.toThrow('is an int8 checkpoint');
    expect(readdirSync(place)).not.toContain('no');
  });
});

it('an export removes what a killed one left, and makes the folder that it is to lie in', async () => {
  const out = join(place, 'deep/er/one.safetensors');
  mkdirSync(join(place, 'deep/er'), { recursive: true });
  const left = aside(out).replace(`.${process.pid}.`, '.4194300.'); // a process that cannot be: the largest id is 2^22
  await writeFile(left, 'half');
  await exportCheckpoint(join(GOLDEN, 'checkpoint-pi05-base/expected.safetensors'), out, { format: 'safetensors' });
  expect(readdirSync(join(place, 'deep/er'))).toEqual(['one.safetensors']);
});

it('integers without sign are read, and refused where they would come out negative', async () => {
  const file = join(place, 'unsigned.safetensors');
  const wholeLeaf = async (path: string) => readLeaf((await openTree(path)).leaves.get('w')!);
  const store = (dtype: string, numbers: BigUint64Array | Uint32Array) => {
    const entry = { dtype, shape: [numbers.length], data_offsets: [0, numbers.byteLength] };
    const header = JSON.stringify({ w: entry }).padEnd(72);
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(72n);
    writeFileSync(file, Buffer.concat([head, Buffer.from(header), Buffer.from(numbers.buffer)]));
  };
  store('U64', BigUint64Array.of(5n, 2n ** 63n - 1n));
  expect((await openTree(file)).leaves.get('w')!.dtype).toBe('uint64');
  expect((await readSafetensors(file)).get('w')!.data).toEqual(BigInt64Array.of(5n, 2n ** 63n - 1n));
  store('U64', BigUint64Array.of(5n, 2n ** 63n));
  await expect(readSafetensors(file)).rejects.toThrow(/w: value 1 is 9223372036854775808/);
  await expect(wholeLeaf(file)).rejects.toThrow(/w: value 1 is 9223372036854775808/);
  store('U32', Uint32Array.of(2 ** 32 - 1));
  expect((await readSafetensors(file)).get('w')!.data).toEqual(BigInt64Array.of(2n ** 32n - 1n));
  expect((await wholeLeaf(file)).data).toEqual(BigInt64Array.of(2n ** 32n - 1n));
});
