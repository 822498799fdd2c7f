import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { Builder } from '../graph/builder.ts';
import { attention } from '../ops/attention.ts';
import { gelu, mul } from '../ops/elementwise.ts';
import { linear } from '../ops/matmul.ts';
import { reshape, transpose } from '../ops/shape.ts';
import { ProgramSession } from '../run/session.ts';
import { columnBlocks, quantiseColumns, splitColumns } from '../weights/int8.ts';
import { weightMatrices } from '../weights/weightMatrix.ts';
import { lowerProgram } from './lower.ts';

const random = Random.of('integer products');
const normal = (n: number, scale = 1) => Float32Array.from({ length: n }, () => random.normal() * scale);

/** How far b is from a, as a share of a. */
function distance(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number {
  let [difference, whole] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    difference += (Number(a[i]) - Number(b[i])) ** 2;
    whole += Number(a[i]) ** 2;
  }
  return Math.sqrt(difference / whole);
}

describe('columnBlocks', () => {
  it('covers every column, in odd multiples of 64 but for the last', () => {
    for (const columns of [1, 64, 2048, 8192, 8193, 11008, 16384, 28672, 100_003]) {
      const widths = columnBlocks(columns);
      expect(widths.reduce((a, b) => a + b)).toBe(columns);
      for (const width of widths) expect(width).toBeGreaterThan(0);
      for (const width of widths.slice(0, -1)) expect((width / 64) % 2).toBe(1);
    }
    expect(columnBlocks(8192)).toEqual([8192]);
    expect(columnBlocks(16384)).toEqual([4160, 4160, 4160, 3904]);
  });
});

describe('a feed-forward whose matrices come in column blocks', () => {
  const [rows, width, hidden] = [5, 32, 72];
  const weights = new Map([
    ['gate', { shape: [width, hidden], dtype: 'float32' as const, data: normal(width * hidden, 0.2) }],
    ['up', { shape: [width, hidden], dtype: 'float32' as const, data: normal(width * hidden, 0.2) }],
    ['down', { shape: [hidden, width], dtype: 'float32' as const, data: normal(hidden * width, 0.1) }],
  ]);
  /** Three axes, as the network has them; `up` is read by somebody else too. */
  function program(batch = 1) {
    const b = new Builder();
    const x = b.input('x', [batch, rows, width]);
    const up = linear(x, b.parameter('up', [width, hidden]));
    const inner = mul(gelu(linear(x, b.parameter('gate', [width, hidden]))), up);
    b.output('y', linear(inner, b.parameter('down', [hidden, width])));
    b.output('above', up);
    b.output('turned', transpose(reshape(up, [batch * rows, hidden]), [1, 0]));
    return b.build();
  }
  const quantised = (widths: readonly number[]) =>
    new Map(
      [...weightMatrices(program()).values()].map(({ key, parameter, shape, evaluate }) => {
        const matrix = quantiseColumns(evaluate(weights.get(parameter)!.data), shape);
        return [key, splitColumns(matrix, shape[1] === hidden ? widths : [shape[1]])] as const;
      }),
    );
  const x = normal(2 * rows * width).map((v, i) => (i < width ? 50 * v : v)); // an outlier row

  it('is as near to float32 as in one block, and gives whole values to whom reads them', async () => {
    const exact = await ProgramSession.create(program(2), { weights });
    const expected = await exact.run({ x });
    const results = [];
    for (const widths of [[hidden], [40, 32], [24, 24, 24]]) {
      const session = await ProgramSession.create(program(2), { quantised: quantised(widths) });
      results.push(await session.run({ x }));
      await session.close();
    }
    for (const result of results) {
      for (const name of ['y', 'above', 'turned']) {
        expect(distance(expected[name]!.data, result[name]!.data)).toBeLessThan(0.03);
        expect(result[name]!.data).not.toEqual(expected[name]!.data);
      }
      // Every row, not the outlier alone.
      for (let r = 0; r < 2 * rows; r++) {
        const row = (data: ArrayLike<number | bigint>) =>
          Array.from(data as Float32Array).slice(r * width, (r + 1) * width);
        expect(distance(row(expected['y']!.data), row(result['y']!.data))).toBeLessThan(0.04);
      }
    }
    // Columns are independent: blocks change nothing before the second product.
    expect(results[1]!['above']!.data).toEqual(results[0]!['above']!.data);
    expect(results[2]!['turned']!.data).toEqual(results[0]!['turned']!.data);
    await exact.close();
  });

  it('multiplies by row scales only where numbers are needed', () => {
    const b = new Builder();
    const given = b.input('x', [rows, width]);
    const inner = mul(
      gelu(linear(given, b.parameter('gate', [width, hidden]))),
      linear(given, b.parameter('up', [width, hidden])),
    );
    b.output('y', linear(inner, b.parameter('down', [hidden, width])));
    const { nodes } = lowerProgram(b.build(), { quantised: quantised([hidden]) });
    const wide = nodes.filter(({ op, name }) => op === 'Mul' && /scaled/.test(name));
    expect(wide).toHaveLength(1); // the gate's, before GELU; the other waits for the last product
  });
});

describe('attention in integers', () => {
  const [batch, heads, t, s, width] = [2, 2, 128, 512, 64];
  function program() {
    const b = new Builder();
    const x = b.input('x', [batch, heads, t, width]);
    const k = b.input('k', [batch, heads, s, width]);
    const v = b.input('v', [batch, heads, s, width]);
    const mask = b.constant(
      Float32Array.from({ length: s }, (_, i) => (i % 7 === 0 ? -1e30 : 0)),
      [s],
    );
    b.output('z', linear(attention(x, k, v, { mask }), b.parameter('w', [width, width])));
    b.output('mixed', attention(x, k, v, { mask }));
    return b.build();
  }
  const [matrix] = [...weightMatrices(program()).values()];
  const w = normal(width * width, 0.1);
  const quantised = new Map([[matrix!.key, [quantiseColumns(w, [width, width])]]]);
  const feeds = {
    x: normal(batch * heads * t * width).map((v, i) => (i < width ? 20 * v : v)),
    k: normal(batch * heads * s * width).map((v, i) => (i % (s * width) < width ? 3 * v : v)),
    v: normal(batch * heads * s * width).map((v, i) => v * 10 ** (i % 3)),
  };
  const run = async (options: Parameters<typeof ProgramSession.create>[1]) => {
    const session = await ProgramSession.create(program(), options);
    const { mixed } = await session.run(feeds);
    await session.close();
    return mixed!.data as Float32Array;
  };

  it.each([7, 8] as const)('is near float32 with %d bits, column by column', async (activationBits) => {
    const exact = await run({ quantised });
    const column = (data: Float32Array, at: number) => data.filter((_, i) => i % width === at);
    for (const integerAttention of ['scores', 'whole'] as const) {
      const got = await run({ quantised, activationBits, integerAttention });
      const error = distance(exact, got);
      expect(error).toBeGreaterThan(1e-4);
      for (const at of [0, 1, 2]) expect(distance(column(exact, at), column(got, at))).toBeLessThan(0.05);
      expect(error).toBeLessThan(activationBits === 8 ? 0.025 : 0.05);
    }
  });

  it('is as asked for, and only in products that are large enough', () => {
    const products = (options: Parameters<typeof lowerProgram>[1]) =>
      lowerProgram(program(), { quantised, ...options }).nodes.filter(({ op }) => op === 'MatMulIntegerToFloat').length;
    expect(products({})).toBe(1);
    expect(products({ integerAttention: 'scores' })).toBe(2);
    expect(products({ integerAttention: 'whole' })).toBe(3);
    const b = new Builder();
    const q = b.input('q', [1, 2, 64, 64]);
    b.output('z', linear(attention(q, q, q), b.parameter('w', [width, width])));
    const { nodes } = lowerProgram(b.build(), { quantised, integerAttention: 'whole' });
    expect(nodes.filter(({ op }) => op === 'MatMulIntegerToFloat')).toHaveLength(1);
  });
});
