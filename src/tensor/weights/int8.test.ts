import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { Builder } from '../graph/builder.ts';
import { linear } from '../ops/matmul.ts';
import { reshape, split, transpose } from '../ops/shape.ts';
import { activationBits, exactWith } from '../run/activationBits.ts';
import { ProgramSession } from '../run/session.ts';
import { dequantise, type QuantisedMatrix, quantiseColumns } from './int8.ts';
import { permute, weightMatrices } from './weightMatrix.ts';

const random = Random.of(7);
const normal = (n: number, scale = 1) => Float32Array.from({ length: n }, () => random.normal() * scale);

/** Two products: one with a weight as it is, one with the second half of a weight whose axes are exchanged. */
function program(rows: number) {
  const b = new Builder();
  const x = b.input('x', [rows, 64]);
  const w = b.parameter('w', [64, 48]);
  const heads = b.parameter('heads', [2, 3, 64, 8]);
  const [, second] = split(heads, 0, [1, 1]);
  const matrix = reshape(transpose(reshape(second!, [3, 64, 8]), [1, 0, 2]), [64, 24]);
  b.output('y', linear(x, w));
  b.output('z', linear(x, matrix));
  return b.build();
}

const weights = new Map([
  ['w', { shape: [64, 48], dtype: 'float32' as const, data: normal(64 * 48) }],
  ['heads', { shape: [2, 3, 64, 8], dtype: 'float32' as const, data: normal(2 * 3 * 64 * 8) }],
]);

function quantised() {
  const out = new Map<string, QuantisedMatrix & ReturnType<typeof quantiseColumns>>();
  for (const { key, parameter, shape, evaluate } of weightMatrices(program(1)).values())
    out.set(key, quantiseColumns(evaluate(weights.get(parameter)!.data), shape));
  return out;
}

describe('quantiseColumns', () => {
  it('is off by half a step of its column at most, and keeps zero columns', () => {
    const matrix = normal(40 * 9).map((v, at) => (at % 9 === 4 ? 0 : v * 10 ** (at % 9)));
    const q = quantiseColumns(matrix, [40, 9]);
    dequantise(q).forEach((v, at) => {
      expect(Math.abs(v - matrix[at]!)).toBeLessThanOrEqual((q.scale.data[at % 9] as number) * 0.5000001);
    });
    expect(q.scale.data[4]).toBe(1);
  });
  it('refuses numbers that are not finite', () => {
    expect(() => quantiseColumns(Float32Array.of(1, Number.NaN), [1, 2])).toThrow(/column 1/);
    expect(() => quantiseColumns(Float32Array.of(1, Number.NaN, 3, 4), [2, 2])).toThrow(/column 1/);
  });
});

describe('weightMatrices', () => {
  it('finds the matrices with keys that do not depend on the batch', () => {
    const keys = (rows: number) => [...weightMatrices(program(rows)).values()].map(({ key }) => key);
    expect(keys(5)).toEqual(keys(1));
    expect(keys(1)).toHaveLength(2);
  });
  it('gives the numbers that the program multiplies with', async () => {
    const x = normal(3 * 64);
    const session = await ProgramSession.create(program(3), { weights });
    const { z } = await session.run({ x });
    const matrix = [...weightMatrices(program(3)).values()].find(({ parameter }) => parameter === 'heads')!;
    const w = matrix.evaluate(weights.get('heads')!.data);
    for (let m = 0; m < 3; m++)
      for (let n = 0; n < 24; n++) {
        let sum = 0;
        for (let k = 0; k < 64; k++) sum += x[m * 64 + k]! * w[k * 24 + n]!;
        expect(z!.data[m * 24 + n]).toBeCloseTo(sum, 4);
      }
    await session.close();
  });
});

describe('permute', () => {
  it('is what index arithmetic says', () => {
    const data = Float32Array.from({ length: 24 }, (_, i) => i);
    const out = permute(data, [2, 3, 4], [2, 0, 1]);
    for (let i = 0; i < 2; i++)
      for (let j = 0; j < 3; j++) for (let k = 0; k < 4; k++) expect(out[(k * 2 + i) * 3 + j]).toBe(i * 12 + j * 4 + k);
    expect([...permute(data, [2, 3, 4], [1, 0, 2])].slice(0, 8)).toEqual([0, 1, 2, 3, 12, 13, 14, 15]);
  });
});

describe('products in integers', () => {
  /** The same arithmetic, written out: rows to 127 steps, exact sums, scales last. */
  function slow(x: Float32Array, rows: number, bits: 7 | 8, { data, scale }: ReturnType<typeof quantiseColumns>) {
    const [k, n] = data.shape as [number, number];
    const steps = 2 ** (bits - 1) - 1;
    return Float32Array.from({ length: rows * n }, (_, at) => {
      const row = x.subarray(Math.floor(at / n) * k, (Math.floor(at / n) + 1) * k);
      const step = Math.fround(Math.max(...row.map(Math.abs)) * Math.fround(1 / steps));
      let sum = 0;
      for (let i = 0; i < k; i++) {
        const q = Math.fround(row[i]! / step);
        const even = Math.round(q) - (Math.abs(q % 1) === 0.5 && Math.round(q) % 2 !== 0 ? 1 : 0);
        sum += even * (data.data[i * n + (at % n)] as number);
      }
      return sum * step * (scale.data[at % n] as number);
    });
  }

  it.each([7, 8] as const)('equal the slow version with %d bits, with an outlier row', async (activationBits) => {
    const x = normal(5 * 64);
    x.subarray(0, 64).forEach((v, i, row) => {
      row[i] = v * 100;
    });
    const q = quantised();
    const blocks = new Map([...q].map(([key, matrix]) => [key, [matrix]]));
    const session = await ProgramSession.create(program(5), { quantised: blocks, activationBits });
    expect(session.inputs.map(({ name }) => name)).toEqual(['x']);
    const out = await session.run({ x });
    const [forW, forHeads] = [...q.values()];
    for (const [name, matrix] of [
      ['y', forW!],
      ['z', forHeads!],
    ] as const) {
      const expected = slow(x, 5, activationBits, matrix);
      const largest = Math.max(...expected.map(Math.abs));
      out[name]!.data.forEach((v, at) => {
        expect(Math.abs(Number(v) - expected[at]!) / largest).toBeLessThan(1e-6);
      });
    }
    await session.close();
  });

  it('use as many bits as the CPU multiplies exactly', async () => {
    expect(await exactWith(7)).toBe(true);
    expect(await exactWith(await activationBits())).toBe(true);
  });

  it('leaves the other weights as they were', async () => {
    const [[key, only]] = [...quantised()] as [[string, QuantisedMatrix]];
    const session = await ProgramSession.create(program(2), { weights, quantised: new Map([[key, [only]]]) });
    const exact = await ProgramSession.create(program(2), { weights });
    const x = normal(2 * 64);
    const [a, b] = [await session.run({ x }), await exact.run({ x })];
    expect(a['z']!.data).toEqual(b['z']!.data);
    expect(a['y']!.data).not.toEqual(b['y']!.data);
    await Promise.all([session.close(), exact.close()]);
  });
});

describe('weights that stay in their file', () => {
  it('are mapped by the runtime, from anywhere in a file of any folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'valet-stored-'));
    const file = join(folder, 'weights.bin');
    const junk = Buffer.alloc(12);
    await writeFile(file, Buffer.concat([junk, ...[...weights.values()].map(({ data }) => Buffer.from(data.buffer))]));
    let offset = 12;
    const stored = new Map(
      [...weights].map(([name, { shape, dtype, data }]) => {
        const at = offset;
        offset += data.byteLength;
        return [name, { shape, dtype, file, offset: at }];
      }),
    );
    const x = normal(64);
    const [a, b] = await Promise.all([
      ProgramSession.create(program(1), { weights: stored }),
      ProgramSession.create(program(1), { weights }),
    ]);
    expect((await a.run({ x }))['z']!.data).toEqual((await b.run({ x }))['z']!.data);
    await Promise.all([a.close(), b.close()]);
    await rm(folder, { recursive: true });
  });
});
