import { describe, expect, it } from 'vitest';
import { array } from '../../../test/support/tensor.ts';
import { Builder } from '../graph/builder.ts';
import { gradients } from '../graph/gradients.ts';
import type { Parameters } from '../graph/types.ts';
import { mul, square } from '../ops/elementwise.ts';
import { gather } from '../ops/gather.ts';
import { linear, matmul } from '../ops/matmul.ts';
import { mean, sum } from '../ops/reduce.ts';
import { crossEntropy } from '../ops/softmax.ts';
import { ProgramSession } from './session.ts';

/** y = x·w and its mean square, with a gradient. */
function program() {
  const builder = new Builder();
  const x = builder.input('x', [2, 3], 'float32', ['batch', 'width']);
  const w = builder.parameter('w', [3, 2]);
  const y = matmul(x, w);
  const loss = mean(square(y));
  builder.output('y', y);
  builder.output('loss', loss);
  builder.output('gradient/w', gradients(loss, [w])[0]!);
  return builder.build();
}

const x = Float32Array.of(1, 2, 3, 4, 5, 6);
const w = Float32Array.of(1, 0, 0, 1, 1, 1);

describe('ProgramSession', () => {
  it('runs a program with fed weights and with baked ones', async () => {
    const fed = await ProgramSession.create(program());
    const all = await fed.run({ x, w });
    expect([...all['y']!.data]).toEqual([4, 5, 10, 11]);
    expect(all['loss']).toEqual({ shape: [], dtype: 'float32', data: Float32Array.of((16 + 25 + 100 + 121) / 4) });
    expect(Object.keys(await fed.run({ x, w }, ['loss']))).toEqual(['loss']);
    const weights: Parameters = new Map([['w', array([3, 2], w)]]);
    const baked = await ProgramSession.create(program(), { weights });
    expect(baked.inputs.map(({ name }) => name)).toEqual(['x']);
    expect([...(await baked.run({ x }, ['y']))['y']!.data]).toEqual([4, 5, 10, 11]);
    await fed.close();
    await baked.close();
  });

  it('writes results into the arrays that it is given', async () => {
    const session = await ProgramSession.create(program());
    const memory = new Float32Array(32);
    const target = memory.subarray(8, 14);
    const results = await session.run({ x, w }, { 'gradient/w': array([3, 2], target) });
    expect(results['gradient/w']!.data.buffer).toBe(memory.buffer);
    // d mean(y²)/dw = xᵀ · 2y/4
    expect([...target]).toEqual([22, 24.5, 29, 32.5, 36, 40.5]);
    expect(memory[7]).toBe(0);
    expect(memory[14]).toBe(0);
    await session.close();
  });

  it('refuses feeds and fetches that do not fit, and says what would', async () => {
    const session = await ProgramSession.create(program());
    await expect(session.run({ x })).rejects.toThrow(
      "ProgramSession.run: the feed 'w' is missing (expected float32 [3, 2]).",
    );
    await expect(session.run({ x, w, weights: w })).rejects.toThrow("there is no feed 'weights'.");
    await expect(session.run({ x, w }, ['lost'])).rejects.toThrow("there is no fetch 'lost'. Did you mean 'loss'?");
    await expect(session.run({ x, w: array([2, 3], w) })).rejects.toThrow(
      "the feed 'w' has the wrong shape (got float32 [2, 3], expected float32 [3, 2]).",
    );
    await expect(session.run({ x: Float64Array.from(x), w })).rejects.toThrow(
      "the feed 'x' has the wrong type (got float64, expected float32 [batch=2, width=3]).",
    );
    await expect(session.run({ x: x.subarray(1), w })).rejects.toThrow("the feed 'x' has 5 elements (expected 6");
    await expect(session.run({ x, w }, { loss: new Float32Array(2) })).rejects.toThrow(
      "the fetch 'loss' has 2 elements",
    );
    await session.close();
  });

  it('refuses a baked weight of another shape', async () => {
    const weights: Parameters = new Map([['w', array([2, 3], w)]]);
    await expect(ProgramSession.create(program(), { weights })).rejects.toThrow(
      "the weight 'w' has the wrong shape (got [2,3], expected [3,2])",
    );
  });

  it('gives inputs, constants and twice-named values as outputs too', async () => {
    const builder = new Builder();
    const a = builder.input('a', [2]);
    const b = mul(a, 2);
    builder.output('same', a);
    builder.output('double', b);
    builder.output('double again', b);
    builder.output('constant', builder.constant([7, 8]));
    const session = await ProgramSession.create(builder.build());
    const results = await session.run({ a: Float32Array.of(1, 2) });
    expect(Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, [...data]]))).toEqual({
      same: [1, 2],
      double: [2, 4],
      'double again': [2, 4],
      constant: [7, 8],
    });
    await session.close();
  });

  it('adds gradients of repeated ids exactly, with several threads', async () => {
    for (const rows of [50, 5000]) {
      const builder = new Builder();
      const table = builder.parameter('table', [rows, 64]);
      const loss = sum(gather(table, builder.input('ids', [4096], 'int64')));
      builder.output('gradient', gradients(loss, [table])[0]!);
      const session = await ProgramSession.create(builder.build(), { threads: 2 });
      const ids = BigInt64Array.from({ length: 4096 }, (_, i) => BigInt(i % 3));
      const { data } = (await session.run({ table: new Float32Array(rows * 64), ids }))['gradient']!;
      expect([data[0], data[64], data[128], data[192]]).toEqual([1366, 1365, 1365, 0]);
      await session.close();
    }
  });
});

describe('Builder', () => {
  const builder = new Builder();
  const image = builder.input('image', [8, 32], 'float32', ['batch', 'width']);
  const weight = builder.parameter('weight', [16, 4]);

  it('refuses shapes at the call: names the op, the shapes with their axes, and the line', () => {
    expect(() => linear(image, weight)).toThrow(
      /^linear: .*got float32 \[batch=8, width=32\] and float32 \[16, 4\].* At tensor\/run\/session\.test\.ts:\d+\.$/,
    );
    expect(() => matmul(image, weight)).toThrow(/^matmul: the inner lengths differ/);
    expect(() => mul(image, weight)).toThrow(/^mul: the shapes do not broadcast/);
    expect(() => crossEntropy(image, image)).toThrow(/^crossEntropy: labels must be integers/);
    expect(() => gradients(image, [weight])).toThrow(/^gradients: the loss must be a scalar/);
    expect(() => mul(image, new Builder().input('other', []))).toThrow(/belongs to another program/);
    expect(() => builder.input('image', [1])).toThrow("Builder.input: the name 'image' is taken already.");
    expect(() => builder.build()).toThrow('the program has no output');
  });

  it('emits equal work once and leaves out what no output needs', () => {
    const b = new Builder();
    const x = b.input('x', [4]);
    matmul(b.input('unused', [2, 2]), b.input('unused too', [2, 2]));
    b.output('y', sum(mul(square(x), square(x))));
    const { nodes, flops, constants } = b.build();
    expect(nodes.map(({ op }) => op)).toEqual(['Mul', 'Mul', 'ReduceSum']);
    expect(flops).toBe(0);
    expect(constants).toHaveLength(1);
  });

  it('counts the work of matrix products', () => {
    const b = new Builder();
    b.output('y', matmul(b.input('x', [2, 3, 4]), b.input('w', [4, 5])));
    expect(b.build().flops).toBe(2 * 2 * 3 * 4 * 5);
  });
});
