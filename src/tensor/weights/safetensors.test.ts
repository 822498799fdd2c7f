import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NdArray, Parameters } from '../graph/types.ts';
import { mapSafetensors, readSafetensors, readSafetensorsHeader, writeSafetensors } from './safetensors.ts';
import { loadWeight } from './stored.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safetensors-'));
});
afterAll(() => rm(folder, { recursive: true }));

const arrays: Parameters = new Map([
  ['flags', { shape: [3], dtype: 'bool', data: Uint8Array.of(1, 0, 1) }],
  ['a/w', { shape: [2, 3], dtype: 'float32', data: Float32Array.of(1, -2, 3.5, Number.POSITIVE_INFINITY, -0, 1e-40) }],
  ['exact', { shape: [2], dtype: 'float64', data: Float64Array.of(Math.PI, -1 / 3) }],
  ['ids', { shape: [1, 2], dtype: 'int64', data: BigInt64Array.of(-5n, 2n ** 60n) }],
  ['n', { shape: [], dtype: 'int32', data: Int32Array.of(-7) }],
  ['q', { shape: [3], dtype: 'int8', data: Int8Array.of(-128, 0, 127) }],
  ['pixels', { shape: [2], dtype: 'uint8', data: Uint8Array.of(0, 255) }],
  ['none', { shape: [0, 4], dtype: 'float32', data: new Float32Array(0) }],
]);

/** A file from a header and bytes, for what the writer would not write. */
function file(header: unknown, body = new Uint8Array(0)): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + text.length + body.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  out.set(body, 8 + text.length);
  return out;
}

describe('safetensors', () => {
  it('gives back every type, shape and number', async () => {
    const path = join(folder, 'all.safetensors');
    await writeSafetensors(path, arrays, { step: '12' });
    const back = await readSafetensors(path);
    expect(new Set(back.keys())).toEqual(new Set(arrays.keys()));
    for (const [name, array] of arrays) expect(back.get(name)).toEqual(array);
    expect((await readSafetensorsHeader(path)).metadata).toEqual({ step: '12' });
    expect([...(await readSafetensors(path, { only: (name) => name.startsWith('a/') })).keys()]).toEqual(['a/w']);
  });

  it('lies on disk as the format says: length, JSON, arrays aligned to their element size', async () => {
    const path = join(folder, 'layout.safetensors');
    await writeSafetensors(path, arrays);
    const bytes = await readFile(path);
    const length = Number(bytes.readBigUInt64LE(0));
    expect(length % 8).toBe(0);
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
    expect(header['a/w']).toEqual({ dtype: 'F32', shape: [2, 3], data_offsets: expect.any(Array) });
    const [from] = header['a/w'].data_offsets;
    expect(bytes.readFloatLE(8 + length + from + 8)).toBe(3.5);
    expect(from % 4).toBe(0);
    expect(header['ids'].data_offsets[0] % 8).toBe(0);
  });

  it('reads half precision of both kinds as float32', async () => {
    const bits = Uint16Array.of(0x3f80, 0xc049, 0x3c00, 0xc248, 0x0001, 0x7c00);
    const header = {
      b: { dtype: 'BF16', shape: [2], data_offsets: [0, 4] },
      h: { dtype: 'F16', shape: [4], data_offsets: [4, 12] },
    };
    const back = await readSafetensors(file(header, new Uint8Array(bits.buffer)));
    expect([...back.get('b')!.data]).toEqual([1, -3.140625]);
    expect([...back.get('h')!.data]).toEqual([1, -3.140625, 2 ** -24, Number.POSITIVE_INFINITY]);
    expect(back.get('h')!.dtype).toBe('float32');
  });

  it('reads small and unsigned integers as the next larger type', async () => {
    const bits = Uint16Array.of(0xffff, 0x8000, 0xffff, 1, 0xfffe, 0xffff);
    const header = {
      a: { dtype: 'I16', shape: [2], data_offsets: [0, 4] },
      b: { dtype: 'U16', shape: [2], data_offsets: [4, 8] },
      c: { dtype: 'U32', shape: [1], data_offsets: [8, 12] },
    };
    const back = await readSafetensors(file(header, new Uint8Array(bits.buffer)));
    expect([...back.get('a')!.data]).toEqual([-1, -32768]);
    expect([...back.get('b')!.data]).toEqual([65535, 1]);
    expect([...back.get('c')!.data]).toEqual([4294967294n]);
  });

  const four = new Uint8Array(4);
  const entry = (change: object) => file({ x: { dtype: 'F32', shape: [1], data_offsets: [0, 4], ...change } }, four);
  it.each([
    ['nothing', new Uint8Array(3), 'it has 3 bytes'],
    [
      'another kind of file',
      new TextEncoder().encode('this is no checkpoint, it is a letter'),
      'cut off or of another kind',
    ],
    ['a broken header', file('{"x": '), 'the header is no JSON'],
    ['a header of another form', file('[1, 2]'), 'the header is no JSON object'],
    ['an unknown type', entry({ dtype: 'F8_E4M3' }), "'x' has the type F8_E4M3, which is not read"],
    ['a shape that needs more', entry({ shape: [2] }), "'x' takes 4 bytes, F32 [2] needs 8"],
    ['a gap', entry({ data_offsets: [4, 8] }), "'x' begins at 4, the array before it ends at 0"],
    ['no offsets', entry({ data_offsets: null }), "the entry 'x' has no whole shape and offsets"],
    ['a negative length', entry({ shape: [-1] }), "the entry 'x' has no whole shape and offsets"],
    ['a missing end', entry({}).slice(0, -2), 'it may be cut off'],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(readSafetensors(bytes)).rejects.toThrow(message);
  });

  it('refuses a file that lost its tail, and names it; a missing one too', async () => {
    const path = join(folder, 'short.safetensors');
    await writeSafetensors(path, arrays);
    await writeFile(path, (await readFile(path)).subarray(0, -5));
    await expect(readSafetensors(path)).rejects.toThrow(`${path}: is no valid safetensors file`);
    await expect(readSafetensors(join(folder, 'absent'))).rejects.toThrow('cannot be read (ENOENT)');
  });

  it('maps arrays where they lie', async () => {
    const file = join(folder, 'mapped.safetensors');
    const bytes = { shape: [3], dtype: 'int8' as const, data: Int8Array.of(1, -2, 3) };
    const reals = { shape: [2, 2], dtype: 'float32' as const, data: Float32Array.of(1, 2, 3, 4) };
    await writeSafetensors(
      file,
      new Map<string, NdArray>([
        ['bytes', bytes],
        ['reals', reals],
      ]),
    );
    const mapped = await mapSafetensors(file);
    expect(await loadWeight(mapped.get('reals')!)).toEqual(reals);
    expect(await loadWeight(mapped.get('bytes')!)).toEqual(bytes);
    expect(mapped.get('reals')!.offset % 4).toBe(0);
  });
});
