/**
 * One list of cases for every op: the tests of the gradients, of the lowerings and of the providers run all of them,
 * and so does `valet doctor --ops`. A case's name begins with its op's.
 */
import type { Tensor } from '../graph/index.ts';
import * as t from '../ops/index.ts';
import type { CheckedInput, GradientCheckOptions } from './gradientCheck.ts';

/** An op on random inputs: with a gradient for each of `inputs`, none where `inputs` is empty. */
export interface OpCase {
  readonly op: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, CheckedInput>>;
  readonly body: (x: Record<string, Tensor>) => Tensor;
  readonly given: NonNullable<GradientCheckOptions['given']>;
}

type Given = NonNullable<GradientCheckOptions['given']>;
type Case = Omit<OpCase, 'op'>;

/** One case; `body` gets a tensor for each name of `inputs` and `given`, and for no other. */
function of<I extends Record<string, CheckedInput>, G extends Given = Record<never, never>>(
  name: string,
  inputs: I,
  body: (x: { readonly [K in keyof I | keyof G]: Tensor }) => Tensor,
  { given }: { given?: G } = {},
): Case {
  return { name, inputs, body: body as OpCase['body'], given: given ?? {} };
}

/** Away from 0, where |x|, relu and maximum have a corner that central differences would straddle. */
const awayFromZero = (shape: number[]): CheckedInput => ({
  shape,
  values: (r) => (r.uniform() < 0.5 ? -1 : 1) * (0.2 + r.uniform()),
});
const positive = (shape: number[]): CheckedInput => ({ shape, values: (r) => 0.3 + r.uniform() });
const ids = (shape: number[], values: number[]) => ({
  shape,
  dtype: 'int64' as const,
  data: BigInt64Array.from(values.map(BigInt)),
});
const mask = (shape: number[], values: number[]) => ({ shape, dtype: 'bool' as const, data: Uint8Array.from(values) });

const elementwise: Case[] = [
  of('add', { a: [2, 3], b: [2, 3] }, ({ a, b }) => t.add(a, b)),
  of('add, bias', { a: [2, 3, 4], b: [4] }, ({ a, b }) => t.add(a, b)),
  of('add, both broadcast', { a: [3, 1, 4], b: [2, 1] }, ({ a, b }) => t.add(a, b)),
  of('add, a number', { a: [3] }, ({ a }) => t.add(2, a)),
  of('sub', { a: [2, 3], b: [3] }, ({ a, b }) => t.sub(a, b)),
  of('sub from a number', { a: [2, 3] }, ({ a }) => t.sub(1, a)),
  of('mul', { a: [2, 3], b: [2, 1] }, ({ a, b }) => t.mul(a, b)),
  of('mul by itself', { a: [2, 3] }, ({ a }) => t.mul(a, a)),
  of('linear, the same op called twice on the same operand', { a: [2, 3, 4], b: [4, 5] }, ({ a, b }) =>
    t.mul(t.linear(t.square(a), b), t.linear(t.square(a), b)),
  ),
  of('mul, a scalar tensor', { a: [2, 3], b: [] }, ({ a, b }) => t.mul(a, b)),
  of('div', { a: [2, 3], b: awayFromZero([3]) }, ({ a, b }) => t.div(a, b)),
  of('div into a number', { b: awayFromZero([3]) }, ({ b }) => t.div(1, b)),
  of('maximum', { a: awayFromZero([2, 3]), b: { shape: [1, 3], values: (r) => 0.1 * r.uniform() } }, ({ a, b }) =>
    t.maximum(a, b),
  ),
  of('scale', { a: [4] }, ({ a }) => t.scale(a, -1.5)),
  of('addScalar', { a: [4] }, ({ a }) => t.mul(t.addScalar(a, 3), a)),
  of('neg', { a: [4] }, ({ a }) => t.neg(a)),
  of('square', { a: [4] }, ({ a }) => t.square(a)),
  of('sqrt', { a: positive([4]) }, ({ a }) => t.sqrt(a)),
  of('rsqrt', { a: positive([4]) }, ({ a }) => t.rsqrt(a)),
  of('exp', { a: [4] }, ({ a }) => t.exp(a)),
  of('log', { a: positive([4]) }, ({ a }) => t.log(a)),
  of('sin', { a: [4] }, ({ a }) => t.sin(a)),
  of('cos', { a: [4] }, ({ a }) => t.cos(a)),
  of('tanh', { a: [4] }, ({ a }) => t.tanh(a)),
  of('sigmoid', { a: [4] }, ({ a }) => t.sigmoid(a)),
  of('silu', { a: [4] }, ({ a }) => t.silu(a)),
  of('relu', { a: awayFromZero([8]) }, ({ a }) => t.relu(a)),
  of('gelu', { a: [8] }, ({ a }) => t.gelu(a)),
  of('abs', { a: awayFromZero([8]) }, ({ a }) => t.abs(a)),
  of('where', { a: [2, 3], b: [3] }, ({ a, b, m }) => t.where(m, a, b), {
    given: { m: mask([2, 3], [1, 0, 1, 0, 0, 1]) },
  }),
  of('where, a number', { a: [2, 3] }, ({ a, m }) => t.where(m, a, -5), { given: { m: mask([2, 1], [1, 0]) } }),
  of('stopGradient beside a path', { a: [3] }, ({ a }) =>
    t.mul(t.add(a, t.sub(a, a)), t.stopGradient(a.builder.constant([1, 2, 3]))),
  ),
];

const shapes: Case[] = [
  of('reshape', { a: [2, 6] }, ({ a }) => t.reshape(a, [3, -1])),
  of('transpose', { a: [2, 3, 4] }, ({ a }) => t.transpose(a, [2, 0, 1])),
  of('concat', { a: [2, 3], b: [2, 1], c: [2, 2] }, ({ a, b, c }) => t.concat([a, b, c], 1)),
  of('concat of one operand twice', { a: [2, 3] }, ({ a }) => t.concat([a, a], 0)),
  of('concat with a constant', { a: [1, 3] }, ({ a }) => t.concat([a.builder.constant([1, 2, 3], [1, 3]), a], -2)),
  of('slice', { a: [3, 5] }, ({ a }) => t.slice(a, 1, 1, 4)),
  of('slice from the end', { a: [3, 5] }, ({ a }) => t.slice(a, -1, -2)),
  of('split, all parts', { a: [2, 6] }, ({ a }) => {
    const [x, y, z] = t.split(a, 1, [1, 2, 3]) as [Tensor, Tensor, Tensor];
    return t.concat([t.square(z), x, y], 1);
  }),
  of('split, one part used', { a: [2, 6] }, ({ a }) => {
    const [, last] = t.split(a, -1, [2, 4]) as [Tensor, Tensor];
    return t.square(last);
  }),
  of('expand', { a: [2, 1, 3] }, ({ a }) => t.expand(a, [4, 2, 5, 3])),
  of('sum, all', { a: [2, 3] }, ({ a }) => t.sum(t.square(a))),
  of('sum, first axis', { a: [2, 3, 2] }, ({ a }) => t.sum(a, [0])),
  of('sum, kept', { a: [2, 3, 2] }, ({ a }) => t.sum(a, [-1, 0], true)),
  of('mean, middle axis', { a: [2, 3, 2] }, ({ a }) => t.mean(a, 1)),
  of('mean, all', { a: [2, 3, 2] }, ({ a }) => t.mean(a)),
  of('gather with repeated ids', { a: [4, 3] }, ({ a, ids: i }) => t.gather(a, i), {
    given: { ids: ids([2, 3], [1, 3, 1, 0, 1, 3]) },
  }),
  of('gather from a large table', { a: [1100, 1] }, ({ a, ids: i }) => t.gather(a, i), {
    given: { ids: ids([5], [1, 1099, 1, 0, 1]) },
  }),
  of('gather of vectors without width', { a: [5] }, ({ a, ids: i }) => t.gather(a, i), {
    given: { ids: ids([3], [4, 4, 0]) },
  }),
  of('gatherAxis', { a: [2, 4, 3] }, ({ a }) => t.gatherAxis(a, [3, 0, 3], 1)),
];

const products: Case[] = [
  of('matmul', { a: [3, 4], b: [4, 2] }, ({ a, b }) => t.matmul(a, b)),
  of('matmul aᵀ', { a: [4, 3], b: [4, 2] }, ({ a, b }) => t.matmul(a, b, { transposeA: true })),
  of('matmul bᵀ', { a: [3, 4], b: [2, 4] }, ({ a, b }) => t.matmul(a, b, { transposeB: true, alpha: 0.5 })),
  of('matmul aᵀ bᵀ', { a: [4, 3], b: [2, 4] }, ({ a, b }) => t.matmul(a, b, { transposeA: true, transposeB: true })),
  of('matmul, batch and weight', { a: [2, 3, 4], b: [4, 2] }, ({ a, b }) => t.matmul(a, b)),
  of('matmul, batch and weightᵀ', { a: [2, 2, 3, 4], b: [2, 4] }, ({ a, b }) =>
    t.matmul(a, b, { transposeB: true, alpha: 2 }),
  ),
  of('matmul, batchᵀ and weight', { a: [2, 4, 3], b: [4, 2] }, ({ a, b }) => t.matmul(a, b, { transposeA: true })),
  of('matmul, batches', { a: [2, 3, 4], b: [2, 4, 2] }, ({ a, b }) => t.matmul(a, b)),
  of('matmul, batches aᵀ bᵀ', { a: [2, 2, 4, 3], b: [2, 2, 2, 4] }, ({ a, b }) =>
    t.matmul(a, b, { transposeA: true, transposeB: true, alpha: 3 }),
  ),
  of('matmul, heads share b', { a: [2, 3, 2, 4], b: [2, 1, 4, 2] }, ({ a, b }) => t.matmul(a, b)),
  of('matmul, a broadcast', { a: [3, 4], b: [2, 4, 2] }, ({ a, b }) => t.matmul(a, b)),
  of('matmul, a with batch 1', { a: [1, 3, 4], b: [2, 4, 2] }, ({ a, b }) => t.matmul(a, b, { alpha: 0.25 })),
  of('matmul, both broadcast', { a: [2, 1, 3, 4], b: [1, 3, 4, 2] }, ({ a, b }) => t.matmul(a, b)),
  of('linear', { x: [2, 3, 4], w: [4, 5], b: [5] }, ({ x, w, b }) => t.linear(x, w, b)),
  of('conv2d, stride 2', { x: [2, 6, 4, 2], w: [3, 3, 2, 3] }, ({ x, w }) => t.conv2d(x, w, { stride: 2, padding: 1 })),
  of('conv2d, stride 2, odd image', { x: [1, 5, 7, 1], w: [3, 3, 1, 2] }, ({ x, w }) =>
    t.conv2d(x, w, { stride: 2, padding: 1 }),
  ),
  of('conv2d, stride 1, no padding', { x: [1, 4, 5, 2], w: [2, 3, 2, 2] }, ({ x, w }) => t.conv2d(x, w)),
  of('conv2d, patches', { x: [2, 4, 4, 2], w: [2, 2, 2, 3] }, ({ x, w }) => t.conv2d(x, w, { stride: 2 })),
  of('conv2d, stride 3 leaves rows unused', { x: [1, 8, 8, 1], w: [2, 2, 1, 2] }, ({ x, w }) =>
    t.conv2d(x, w, { stride: 3, padding: 1 }),
  ),
];

const causal = new Float64Array(12).map((_, i) => (i % 4 > Math.floor(i / 4) + 1 ? -1e9 : 0));
const blocks: Case[] = [
  of('softmax', { a: [2, 3, 4] }, ({ a }) => t.softmax(a)),
  of('logSoftmax', { a: [2, 4] }, ({ a }) => t.logSoftmax(a)),
  of('crossEntropy', { a: [2, 3, 4] }, ({ a, y }) => t.crossEntropy(a, y), {
    given: { y: ids([2, 3], [0, 3, 1, 1, 2, 0]) },
  }),
  of('crossEntropy, weights', { a: [3, 4], w: positive([3]) }, ({ a, y, w }) => t.crossEntropy(a, y, { weights: w }), {
    given: { y: ids([3], [0, 3, 1]) },
  }),
  of('crossEntropy, per element', { a: [3, 4] }, ({ a, y }) => t.crossEntropy(a, y, { reduction: 'none' }), {
    given: { y: ids([3], [0, 3, 1]) },
  }),
  of('attention', { q: [2, 2, 3, 4], k: [2, 2, 5, 4], v: [2, 2, 5, 3] }, ({ q, k, v }) => t.attention(q, k, v)),
  of('attention, one key head', { q: [2, 3, 3, 4], k: [2, 1, 5, 4], v: [2, 1, 5, 2] }, ({ q, k, v }) =>
    t.attention(q, k, v, { scale: 0.7 }),
  ),
  of(
    'attention, mask',
    { q: [2, 2, 3, 4], k: [2, 1, 4, 4], v: [2, 1, 4, 4] },
    ({ q, k, v, m }) => t.attention(q, k, v, { mask: m }),
    { given: { m: { shape: [3, 4], dtype: 'float32', data: causal } } },
  ),
  of('attention, learned mask', { q: [2, 3, 4], k: [2, 4, 4], v: [2, 4, 4], m: [2, 1, 4] }, ({ q, k, v, m }) =>
    t.attention(q, k, v, { mask: m }),
  ),
  of('rmsNorm', { x: [2, 3, 4], g: [4] }, ({ x, g }) => t.rmsNorm(x, g)),
  of('rmsNorm, 1 + scale', { x: [3, 4], g: [4] }, ({ x, g }) => t.rmsNorm(x, g, { plusOne: true, epsilon: 1e-3 })),
  of('rmsNorm without scale', { x: [3, 4] }, ({ x }) => t.rmsNorm(x)),
  of('layerNorm', { x: [2, 3, 4], g: [4], b: [4] }, ({ x, g, b }) => t.layerNorm(x, g, b)),
];

const real = (data: number[]) => ({ shape: [data.length], dtype: 'float32' as const, data: Float64Array.from(data) });
/** Ops without a gradient, their results as real numbers. */
const undifferentiated: Case[] = [
  of('cast', {}, ({ i }) => t.cast(i, 'float32'), { given: { i: ids([4], [0, 3, 255, 1024]) } }),
  of('cast of bytes', {}, ({ i }) => t.cast(t.cast(i, 'uint8'), 'float32'), { given: { i: ids([3], [0, 3, 255]) } }),
  of('oneHot', {}, ({ i }) => t.oneHot(i, 4), { given: { i: ids([2, 2], [0, 3, 1, 1]) } }),
  of('argmax', {}, ({ x }) => t.cast(t.argmax(t.reshape(x, [2, 3]), 1), 'float32'), {
    given: { x: real([1, 3, 2, 6, 4, 5]) },
  }),
  ...Object.entries({ equal: t.equal, greater: t.greater, less: t.less }).map(([name, op]) =>
    of(name, {}, ({ a, b }) => t.cast(op(a, b), 'float32'), { given: { a: real([1, 2, 3]), b: real([2, 2, 2]) } }),
  ),
  of('equal of integers', {}, ({ i }) => t.cast(t.equal(i, 2), 'float32'), { given: { i: ids([3], [2, 0, 2]) } }),
];

/** Every case, by groups of like ops. */
export const OP_CASES: Readonly<Record<string, readonly OpCase[]>> = Object.fromEntries(
  Object.entries({ elementwise, shapes, products, blocks, undifferentiated }).map(([group, cases]) => [
    group,
    cases.map((one) => ({ ...one, op: one.name.replace(/\W.*$/, '') })),
  ]),
);
