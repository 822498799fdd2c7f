import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fuzz } from '../../../test/fuzz/checkpointDamage.ts';
import { Random } from '../../base/index.ts';
import { decodeZstd } from '../../kernels/index.ts';
import { type Parameters, readSafetensors, writeSafetensors } from '../../tensor/index.ts';
import { openTree } from './openTree.ts';
import { readLeaf } from './readLeaf.ts';
import { converter } from './storedType.ts';
import { positions } from './zarr/leaf.ts';

const GOLDEN = join(import.meta.dirname, '../../../test/golden');
const CHUNKS = join(GOLDEN, 'checkpoint-chunks');
let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'valet-formats-'));
});
afterAll(() => rmSync(place, { recursive: true }));

async function expectEqual(path: string, expected: Parameters): Promise<void> {
  const { leaves } = await openTree(path);
  expect([...leaves.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, { shape, data }] of expected) {
    const got = await readLeaf(leaves.get(name)!);
    expect([name, got.shape]).toEqual([name, shape]);
    expect([
      name,
      Buffer.compare(Buffer.from(got.data.buffer), Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
    ]).toEqual([name, 0]);
  }
}

describe('openTree and readLeaf', () => {
  it.each(['ocdbt_zarr2', 'ocdbt_zarr2/params', 'ocdbt_zarr3', 'plain_zarr2'])(
    'read %s as orbax wrote it',
    async (name) => {
      await expectEqual(join(CHUNKS, name), await readSafetensors(join(CHUNKS, 'expected.safetensors')));
    },
  );

  it('read an OCDBT database that the processes wrote and nobody merged', async () => {
    await cp(join(CHUNKS, 'ocdbt_zarr2'), join(place, 'unmerged'), { recursive: true });
    rmSync(join(place, 'unmerged/params/manifest.ocdbt'));
    await expectEqual(join(place, 'unmerged'), await readSafetensors(join(CHUNKS, 'expected.safetensors')));
  });

  it('take the newest of several steps', async () => {
    await cp(join(CHUNKS, 'plain_zarr2'), join(place, 'run/100'), { recursive: true });
    mkdirSync(join(place, 'run/20'));
    expect((await openTree(join(place, 'run'))).path).toBe(join(place, 'run/100/params'));
  });

  it('read safetensors spread over files, names with dots and a params prefix', async () => {
    const all = await readSafetensors(join(CHUNKS, 'expected.safetensors'));
    const half = (keep: number) =>
      new Map(
        [...all]
          .filter((_, i) => i % 2 === keep)
          .map(([name, array]) => [`params.${name.replaceAll('/', '.')}`, array]),
      );
    mkdirSync(join(place, 'sharded'));
    await writeSafetensors(join(place, 'sharded/a.safetensors'), half(0));
    await writeSafetensors(join(place, 'sharded/b.safetensors'), half(1));
    const map = Object.fromEntries(
      [0, 1].flatMap((k) => [...half(k).keys()].map((name) => [name, `${'ab'[k]}.safetensors`])),
    );
    writeFileSync(join(place, 'sharded/model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
    await expectEqual(join(place, 'sharded'), all);
    writeFileSync(
      join(place, 'sharded/model.safetensors.index.json'),
      JSON.stringify({ weight_map: { ...map, other: 'b.safetensors' } }),
    );
    await expect(openTree(join(place, 'sharded'))).rejects.toThrow(
      /1 arrays are not in the files that it names, first other/,
    );
  });

  it('read every way of storing an array against its elements one by one', async () => {
    let at = 0;
    for (const shape of [[7], [5, 9], [4, 3, 10], []])
      for (const order of ['C', 'F'])
        for (const compressor of [null, 'gzip'])
          for (const endian of ['<', '>']) {
            const folder = join(place, `array-${at++}`);
            const name = join(folder, 'params.w.value');
            mkdirSync(name, { recursive: true });
            const chunks = shape.map((n) => Math.ceil(n / 2));
            const value = (index: readonly number[]) => index.reduce((sum, i) => 31 * sum + i + 1, 1);
            for (const grid of shape.length === 0
              ? [[]]
              : positions(shape.map((n, axis) => Math.ceil(n / chunks[axis]!)))) {
              const inChunk =
                shape.length === 0 ? [[]] : [...positions(order === 'C' ? chunks : [...chunks].reverse())];
              const bytes = Buffer.alloc(4 * inChunk.length);
              inChunk.forEach((position, i) => {
                const within = order === 'C' ? position : [...position].reverse();
                const x = value(within.map((n, axis) => grid[axis]! * chunks[axis]! + n));
                endian === '<' ? bytes.writeFloatLE(x, 4 * i) : bytes.writeFloatBE(x, 4 * i);
              });
              writeFileSync(join(name, grid.length === 0 ? '0' : grid.join('.')), compressor ? gzipSync(bytes) : bytes);
            }
            const meta = {
              zarr_format: 2,
              shape,
              chunks,
              dtype: `${endian}f4`,
              compressor: compressor && { id: compressor },
              fill_value: null,
              order,
              filters: null,
            };
            writeFileSync(join(name, '.zarray'), JSON.stringify(meta));
            const got = await readLeaf((await openTree(folder)).leaves.get('w')!);
            const expected = shape.length === 0 ? [value([])] : [...positions(shape)].map(value);
            expect({ meta, data: [...(got.data as Float32Array)] }).toEqual({ meta, data: expected.map(Math.fround) });
          }
  });

  it('fill in chunks that were left out only where the writer leaves them out', async () => {
    const folder = join(place, 'sparse');
    mkdirSync(join(folder, 'params.w.value'), { recursive: true });
    const meta = {
      zarr_format: 2,
      shape: [3],
      chunks: [2],
      dtype: '<f4',
      compressor: null,
      fill_value: 0.5,
      order: 'C',
      filters: null,
    };
    writeFileSync(join(folder, 'params.w.value/.zarray'), JSON.stringify(meta));
    writeFileSync(join(folder, 'params.w.value/0'), Buffer.from(new Float32Array([1, 2]).buffer));
    expect([...((await readLeaf((await openTree(folder)).leaves.get('w')!)).data as Float32Array)]).toEqual([
      1, 2, 0.5,
    ]);
    writeFileSync(
      join(folder, '_METADATA'),
      JSON.stringify({ tree_metadata: {}, store_array_data_equal_to_fill_value: true }),
    );
    await expect(openTree(folder)).rejects.toThrow(/\.zarray: chunk 1 of params\/w\/value is missing/);
  });
});

describe('errors', () => {
  const cases: [string, (folder: string) => void, RegExp][] = [
    [
      'a cut data file',
      (f) => change(f, /ocdbt.process_0\/d\/74d0/, (b) => b.subarray(0, -400)),
      /74d04137.*is too short: it should have/,
    ],
    [
      'a flipped byte in a manifest',
      (f) => change(f, /^manifest/, (b) => flip(b, 40)),
      /manifest\.ocdbt: is damaged: its checksum is 0x/,
    ],
    [
      'a file that is something else',
      (f) => change(f, /^manifest/, () => Buffer.from('not a manifest at all')),
      /manifest\.ocdbt: begins with 0x6e6f7420 \(expected 0x0cdb3a2a\)/,
    ],
    [
      'a cut manifest',
      (f) => change(f, /^manifest/, (b) => b.subarray(0, 60)),
      /says that it has 115 bytes and has 60|it may be cut off/,
    ],
    [
      'a missing data file',
      (f) => rmSync(join(f, 'ocdbt.process_0'), { recursive: true }),
      /cannot be read \(ENOENT\)/,
    ],
  ];
  it.each(cases)('%s is refused by name', async (what, harm, message) => {
    const folder = join(place, what.replaceAll(' ', '-'));
    await cp(join(CHUNKS, 'ocdbt_zarr2/params'), folder, { recursive: true });
    harm(folder);
    const readAll = async () => {
      for (const leaf of (await openTree(folder)).leaves.values()) await readLeaf(leaf);
    };
    await expect(readAll()).rejects.toThrow(message);
    await expect(readAll()).rejects.toMatchObject({ kind: 'input' });
  });

  it('folders of another kind are refused', async () => {
    await expect(openTree(GOLDEN)).rejects.toThrow(/is no checkpoint that is known/);
    await expect(openTree(join(GOLDEN, 'nothing'))).rejects.toThrow('is not there');
  });

  it('random damage is refused, does no harm, or changes only what no checksum covers', async () => {
    const seed = 7;
    for (const [name, count] of [
      ['ocdbt_zarr2', 100],
      ['ocdbt_zarr3', 50],
      ['plain_zarr2', 50],
    ] as const) {
      const bad: string[] = [];
      const verdicts = await fuzz(
        join(CHUNKS, name),
        join(place, `fuzz-${name}`),
        count,
        Random.of('fuzz', seed, name),
        ({ verdict, what, detail }) => {
          if (verdict === 'CRASHED' || verdict === 'WRONG') bad.push(`${what}: ${detail}`);
        },
      );
      expect(bad).toEqual([]);
      expect(verdicts.refused).toBeGreaterThan(count / 10);
    }
  }, 60_000);
});

describe('parts', () => {
  it('float32 becomes bfloat16 by rounding to nearest, ties to even, and back without change', () => {
    const numbers = new Float32Array([1, 1.00390625, 1.01171875, -3.1400001, Infinity, NaN, 0, 1e-40, 3.4e38]);
    const halves = converter('float32', 'bfloat16')(new Uint8Array(numbers.buffer)).slice();
    const back = new Float32Array(converter('bfloat16', 'float32')(halves).slice().buffer);
    expect([...back].slice(0, 3)).toEqual([1, 1, 1.015625]);
    expect(back[3]).toBeCloseTo(-3.140625, 10);
    expect([back[4], back[5], back[6], back[8]]).toEqual([Infinity, NaN, 0, Infinity]);
    expect([...converter('float32', 'bfloat16')(new Uint8Array(back.buffer))]).toEqual([...halves]);
  });

  it.each([1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20])('zstd frames of %i bytes, one and two', (length) => {
    const frame = repeatedByte(length, 7);
    for (const count of [1, 2]) {
      const got = decodeZstd(Buffer.concat(new Array(count).fill(frame)), 2 ** 23);
      expect([got.length, got.every((byte) => byte === 7)]).toEqual([count * length, true]);
    }
    expect(() => decodeZstd(Buffer.concat([frame, frame.subarray(0, 9)]), 2 ** 23)).toThrow('is cut off');
  });

  it('zstd refuses what is cut off, damaged or too long', async () => {
    const [file] = (await readdir(join(CHUNKS, 'plain_zarr2/params/params.big.kernel.value'))).filter((name) =>
      name.startsWith('0'),
    );
    const packed = readFileSync(join(CHUNKS, 'plain_zarr2/params/params.big.kernel.value', file!));
    expect(decodeZstd(packed, 10_000).length).toBe(32 * 30 * 4);
    expect(() => decodeZstd(packed.subarray(0, -1), 10_000)).toThrow('is cut off');
    expect(() => decodeZstd(packed, 100)).toThrow('is longer than 100 bytes');
    expect(() => decodeZstd(Buffer.from('something else'), 100)).toThrow('is no valid zstd data');
  });
});

function change(folder: string, name: RegExp, edit: (bytes: Buffer) => Uint8Array): void {
  const found = ['manifest.ocdbt', 'ocdbt.process_0/d/74d04137639b220d57dcadf81e9acf51'].find((path) =>
    name.test(path),
  )!;
  writeFileSync(join(folder, found), edit(readFileSync(join(folder, found))));
}

/** A zstd frame of one byte many times: single segment, run-length blocks (RFC 8878). */
function repeatedByte(length: number, byte: number): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(0xfd2fb528, 0);
  head[4] = 0xa0;
  head.writeUInt32LE(length, 5);
  const blocks: Buffer[] = [];
  for (let left = length; left > 0; left -= 2 ** 17) {
    const block = Buffer.alloc(4);
    block.writeUIntLE((left <= 2 ** 17 ? 1 : 0) | (1 << 1) | (Math.min(left, 2 ** 17) << 3), 0, 3);
    block[3] = byte;
    blocks.push(block);
  }
  return Buffer.concat([head, ...blocks]);
}

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at]! ^= 4;
  return bytes;
}
