import { describe, expect, it } from 'vitest';
import { evaluate, toBeAllclose } from '../../../test/support/tensor.ts';
import { Random } from '../../base/index.ts';
import type { NdArray } from '../graph/types.ts';

import * as t from '../index.ts';

/** Normal deviates, the same for the same name. */
function normal(name: string, shape: number[], transform = (x: number) => x): NdArray {
  const random = Random.of(name);
  const count = shape.reduce((a, b) => a * b, 1);
  return { shape, dtype: 'float64', data: Float64Array.from({ length: count }, () => transform(random.normal())) };
}

const int64 = (shape: number[], values: number[]): NdArray => ({
  shape,
  dtype: 'int64',
  data: BigInt64Array.from(values.map(BigInt)),
});
const at = (x: NdArray, ...index: number[]): number =>
  Number(x.data[index.reduce((sum, i, axis) => sum * x.shape[axis]! + i, 0)]);

/** An array of `shape` whose elements `value` gives from their indices: the slow obvious way. */
function fill(shape: number[], value: (...index: number[]) => number): NdArray {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Float64Array.from({ length: count }, (_, flat) => {
    const index: number[] = [];
    let rest = flat;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index.unshift(rest % shape[axis]!);
      rest = Math.floor(rest / shape[axis]!);
    }
    return value(...index);
  });
  return { shape, dtype: 'float64', data };
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const total = (values: number[]): number => values.reduce((a, b) => a + b, 0);

async function same(
  inputs: Record<string, NdArray>,
  body: (x: Record<string, t.Tensor>) => t.Tensor,
  expected: NdArray,
): Promise<void> {
  toBeAllclose(await evaluate(inputs, body, { precision: 'float64' }), expected, { relative: 1e-9, absolute: 1e-9 });
  // Kernels of the two precisions differ (fused and spelled out); sums of some tens of terms of order 1.
  toBeAllclose(await evaluate(inputs, body), expected, { relative: 2e-5, absolute: 2e-6 });
}

describe('elementwise ops compute what JavaScript computes', () => {
  const x = normal('x', [2, 3]);
  const positive = normal('positive', [2, 3], (v) => Math.abs(v) + 0.1);
  const logistic = (v: number) => 1 / (1 + Math.exp(-v));
  const unary: [string, (x: t.Tensor) => t.Tensor, (v: number) => number, NdArray?][] = [
    ['neg', t.neg, (v) => -v],
    ['square', t.square, (v) => v * v],
    ['exp', t.exp, Math.exp],
    ['sin', t.sin, Math.sin],
    ['cos', t.cos, Math.cos],
    ['tanh', t.tanh, Math.tanh],
    ['sigmoid', t.sigmoid, logistic],
    ['silu', t.silu, (v) => v * logistic(v)],
    ['relu', t.relu, (v) => Math.max(v, 0)],
    ['abs', t.abs, Math.abs],
    ['gelu', t.gelu, (v) => (v / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))],
    ['scale', (y) => t.scale(y, -2.5), (v) => -2.5 * v],
    ['addScalar', (y) => t.addScalar(y, 0.1), (v) => v + 0.1],
    ['stopGradient', t.stopGradient, (v) => v],
    ['sqrt', t.sqrt, Math.sqrt, positive],
    ['rsqrt', t.rsqrt, (v) => 1 / Math.sqrt(v), positive],
    ['log', t.log, Math.log, positive],
  ];
  it.each(unary)('%s', async (_, op, expected, input = x) => {
    await same(
      { x: input },
      ({ x: y }) => op(y!),
      fill([2, 3], (i, j) => expected(at(input, i, j))),
    );
  });

  const row = normal('row', [3], (v) => v + 3 * Math.sign(v));
  const binary: [string, (a: t.Tensor, b: t.Tensor) => t.Tensor, (a: number, b: number) => number][] = [
    ['add', t.add, (a, b) => a + b],
    ['sub', t.sub, (a, b) => a - b],
    ['mul', t.mul, (a, b) => a * b],
    ['div', t.div, (a, b) => a / b],
    ['maximum', t.maximum, Math.max],
    ['greater', (a, b) => t.cast(t.greater(a, b), 'float32'), (a, b) => Number(a > b)],
    ['less', (a, b) => t.cast(t.less(a, b), 'float32'), (a, b) => Number(a < b)],
    ['where', (a, b) => t.where(t.greater(a, 0), a, b), (a, b) => (a > 0 ? a : b)],
  ];
  it.each(binary)('%s, broadcast', async (_, op, expected) => {
    await same(
      { x, row },
      ({ x: a, row: b }) => op(a!, b!),
      fill([2, 3], (i, j) => expected(at(x, i, j), at(row, j))),
    );
  });

  it('cast, equal and oneHot of integers', async () => {
    const ids = int64([3], [2, 0, 2]);
    expect([...(await evaluate({ ids }, ({ ids: i }) => t.cast(i!, 'float32'))).data]).toEqual([2, 0, 2]);
    expect([...(await evaluate({ ids }, ({ ids: i }) => t.equal(i!, 2))).data]).toEqual([1, 0, 1]);
    expect(await evaluate({ ids }, ({ ids: i }) => t.oneHot(i!, 3))).toEqual({
      shape: [3, 3],
      dtype: 'float32',
      data: Float32Array.of(0, 0, 1, 1, 0, 0, 0, 0, 1),
    });
    const pixels: NdArray = { shape: [3], dtype: 'uint8', data: Uint8Array.of(0, 128, 255) };
    expect([...(await evaluate({ pixels }, ({ pixels: p }) => t.cast(p!, 'float32'))).data]).toEqual([0, 128, 255]);
  });
});

describe('ops that move and reduce', () => {
  const x = normal('x', [2, 3, 4]);
  it('reshape, transpose, slice, split, concat, expand, gatherAxis', async () => {
    await same(
      { x },
      (o) => t.reshape(o['x']!, [6, -1]),
      fill([6, 4], (i, j) => at(x, Math.floor(i / 3), i % 3, j)),
    );
    await same(
      { x },
      (o) => t.transpose(o['x']!, [2, 0, 1]),
      fill([4, 2, 3], (k, i, j) => at(x, i, j, k)),
    );
    await same(
      { x },
      (o) => t.slice(o['x']!, -1, 1, -1),
      fill([2, 3, 2], (i, j, k) => at(x, i, j, k + 1)),
    );
    await same(
      { x },
      (o) => t.split(o['x']!, 1, [1, 2])[1]!,
      fill([2, 2, 4], (i, j, k) => at(x, i, j + 1, k)),
    );
    await same(
      { x },
      (o) => t.concat([o['x']!, t.slice(o['x']!, 1, 0, 1)], 1),
      fill([2, 4, 4], (i, j, k) => at(x, i, j % 3, k)),
    );
    await same(
      { x },
      (o) => t.expand(t.slice(o['x']!, 1, 2, 3), [5, 2, 3, 4]),
      fill([5, 2, 3, 4], (_, i, __, k) => at(x, i, 2, k)),
    );
    await same(
      { x },
      (o) => t.gatherAxis(o['x']!, [3, 0, 3], 2),
      fill([2, 3, 3], (i, j, k) => at(x, i, j, [3, 0, 3][k]!)),
    );
  });

  it('sum, mean, argmax', async () => {
    await same(
      { x },
      (o) => t.sum(o['x']!, [0, 2]),
      fill([3], (j) => total(range(8).map((n) => at(x, n >> 2, j, n & 3)))),
    );
    await same(
      { x },
      (o) => t.mean(o['x']!, 1, true),
      fill([2, 1, 4], (i, _, k) => total(range(3).map((j) => at(x, i, j, k))) / 3),
    );
    await same(
      { x },
      (o) => t.mean(o['x']!),
      fill([], () => total([...x.data].map(Number)) / 24),
    );
    const largest = fill([2, 3], (i, j) =>
      range(4).reduce((best, k) => (at(x, i, j, k) > at(x, i, j, best) ? k : best), 0),
    );
    expect([...(await evaluate({ x }, (o) => t.argmax(o['x']!, -1))).data].map(Number)).toEqual([...largest.data]);
  });

  it('gather', async () => {
    const ids = int64([2, 2], [1, 0, 1, 1]);
    await same(
      { x, ids },
      (o) => t.gather(o['x']!, o['ids']!),
      fill([2, 2, 3, 4], (a, b, j, k) => at(x, [1, 0, 1, 1][a * 2 + b]!, j, k)),
    );
  });
});

describe('products and blocks compute their formulas', () => {
  const a = normal('a', [2, 3, 4]);
  const b = normal('b', [2, 4, 5]);
  const w = normal('w', [4, 5]);
  it('matmul with every transposition, batches and weights', async () => {
    const product = fill([2, 3, 5], (n, i, j) => total(range(4).map((k) => at(a, n, i, k) * at(b, n, k, j))));
    const swap = (x: t.Tensor) => t.transpose(x, [0, 2, 1]);
    await same({ a, b }, (o) => t.matmul(o['a']!, o['b']!), product);
    await same({ a, b }, (o) => t.matmul(swap(o['a']!), o['b']!, { transposeA: true }), product);
    await same({ a, b }, (o) => t.matmul(o['a']!, swap(o['b']!), { transposeB: true }), product);
    const doubled = fill(product.shape as number[], (n, i, j) => 2 * at(product, n, i, j));
    await same(
      { a, b },
      (o) => t.matmul(swap(o['a']!), swap(o['b']!), { transposeA: true, transposeB: true, alpha: 2 }),
      doubled,
    );
    await same(
      { a, w },
      (o) => t.matmul(o['a']!, o['w']!),
      fill([2, 3, 5], (n, i, j) => total(range(4).map((k) => at(a, n, i, k) * at(w, k, j)))),
    );
  });

  it('linear adds its bias', async () => {
    const bias = normal('bias', [5]);
    await same(
      { a, w, bias },
      (o) => t.linear(o['a']!, o['w']!, o['bias']!),
      fill([2, 3, 5], (n, i, j) => at(bias, j) + total(range(4).map((k) => at(a, n, i, k) * at(w, k, j)))),
    );
  });

  it('softmax, logSoftmax, crossEntropy', async () => {
    const sums = fill([2, 3], (n, i) => total(range(4).map((k) => Math.exp(at(a, n, i, k)))));
    const logP = (n: number, i: number, k: number) => at(a, n, i, k) - Math.log(at(sums, n, i));
    await same(
      { a },
      (o) => t.softmax(o['a']!),
      fill([2, 3, 4], (n, i, k) => Math.exp(logP(n, i, k))),
    );
    await same({ a }, (o) => t.logSoftmax(o['a']!), fill([2, 3, 4], logP));
    const labels = [0, 3, 1, 2, 2, 0];
    const y = int64([2, 3], labels);
    const losses = labels.map((label, n) => -logP(Math.floor(n / 3), n % 3, label));
    await same(
      { a, y },
      (o) => t.crossEntropy(o['a']!, o['y']!),
      fill([], () => total(losses) / 6),
    );
    await same(
      { a, y },
      (o) => t.crossEntropy(o['a']!, o['y']!, { reduction: 'none' }),
      fill([2, 3], (n, i) => losses[n * 3 + i]!),
    );
    const weights = normal('weights', [2, 3], Math.abs);
    const mean = total(losses.map((loss, n) => loss * Number(weights.data[n]))) / total([...weights.data].map(Number));
    await same(
      { a, y, weights },
      (o) => t.crossEntropy(o['a']!, o['y']!, { weights: o['weights']! }),
      fill([], () => mean),
    );
  });

  it.each([1, 3])('attention with %d key heads for 3 query heads, masked', async (kvHeads) => {
    const [q, k, v] = [normal('q', [2, 3, 4, 5]), normal('k', [2, kvHeads, 6, 5]), normal('v', [2, kvHeads, 6, 2])];
    const mask = fill([2, 1, 4, 6], (n, _, i, j) => (j > i + 1 + n ? -1e9 : 0));
    const expected = fill([2, 3, 4, 2], (n, h, i, e) => {
      const g = kvHeads === 1 ? 0 : h;
      const scores = range(6).map(
        (j) => 0.3 * total(range(5).map((c) => at(q, n, h, i, c) * at(k, n, g, j, c))) + at(mask, n, 0, i, j),
      );
      const weights = scores.map((s) => Math.exp(s - Math.max(...scores)));
      return total(weights.map((p, j) => p * at(v, n, g, j, e))) / total(weights);
    });
    await same(
      { q, k, v, mask },
      (o) => t.attention(o['q']!, o['k']!, o['v']!, { mask: o['mask']!, scale: 0.3 }),
      expected,
    );
  });

  it('rmsNorm and layerNorm', async () => {
    const [g, bias] = [normal('g', [4]), normal('c', [4])];
    const rms = (n: number, i: number) => Math.sqrt(total(range(4).map((k) => at(a, n, i, k) ** 2)) / 4 + 1e-3);
    await same(
      { a, g },
      (o) => t.rmsNorm(o['a']!, o['g']!, { epsilon: 1e-3 }),
      fill([2, 3, 4], (n, i, k) => (at(a, n, i, k) / rms(n, i)) * at(g, k)),
    );
    await same(
      { a, g },
      (o) => t.rmsNorm(o['a']!, o['g']!, { epsilon: 1e-3, plusOne: true }),
      fill([2, 3, 4], (n, i, k) => (at(a, n, i, k) / rms(n, i)) * (1 + at(g, k))),
    );
    await same(
      { a },
      (o) => t.rmsNorm(o['a']!, undefined, { epsilon: 1e-3 }),
      fill([2, 3, 4], (n, i, k) => at(a, n, i, k) / rms(n, i)),
    );
    const mean = (n: number, i: number) => total(range(4).map((k) => at(a, n, i, k))) / 4;
    const deviation = (n: number, i: number) =>
      Math.sqrt(total(range(4).map((k) => (at(a, n, i, k) - mean(n, i)) ** 2)) / 4 + 1e-6);
    const expected = fill(
      [2, 3, 4],
      (n, i, k) => ((at(a, n, i, k) - mean(n, i)) / deviation(n, i)) * at(g, k) + at(bias, k),
    );
    await same({ a, g, bias }, (o) => t.layerNorm(o['a']!, o['g']!, o['bias']!), expected);
  });

  it.each([
    [6, 8, 3, 2, 1],
    [7, 5, 3, 2, 1],
    [6, 6, 2, 2, 0],
    [5, 6, 3, 1, 1],
    [9, 8, 6, 4, 1],
    [8, 9, 4, 2, 1],
  ])('conv2d of a %d×%d image, kernel %d, stride %d, padding %d', async (height, width, kernel, stride, padding) => {
    const [x, k] = [normal('image', [2, height, width, 2]), normal('kernel', [kernel, kernel, 2, 3])];
    const rows = Math.floor((height + 2 * padding - kernel) / stride) + 1;
    const columns = Math.floor((width + 2 * padding - kernel) / stride) + 1;
    const expected = fill([2, rows, columns, 3], (n, i, j, o) => {
      let sum = 0;
      for (let p = 0; p < kernel; p++)
        for (let q = 0; q < kernel; q++)
          for (let c = 0; c < 2; c++) {
            const [r, s] = [i * stride - padding + p, j * stride - padding + q];
            if (r >= 0 && r < height && s >= 0 && s < width) sum += at(x, n, r, s, c) * at(k, p, q, c, o);
          }
      return sum;
    });
    await same({ x, k }, (o) => t.conv2d(o['x']!, o['k']!, { stride, padding }), expected);
  });
});
