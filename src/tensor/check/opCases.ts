/**
 * One list of cases for every op: the tests of the gradients, of the lowerings and of the providers run all of them, and so does
 * `valet doctor --ops`. A case's name begins with its op's.
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

type Case = [
  name: string,
  inputs: Record<string, CheckedInput>,
  body: (x: Record<string, Tensor>) => Tensor,
  options?: GradientCheckOptions,
];

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
  ['add', { a: [2, 3], b: [2, 3] }, ({ a, b }) => t.add(a!, b!)],
  ['add, bias', { a: [2, 3, 4], b: [4] }, ({ a, b }) => t.add(a!, b!)],
  ['add, both broadcast', { a: [3, 1, 4], b: [2, 1] }, ({ a, b }) => t.add(a!, b!)],
  ['add, a number', { a: [3] }, ({ a }) => t.add(2, a!)],
  ['sub', { a: [2, 3], b: [3] }, ({ a, b }) => t.sub(a!, b!)],
  ['sub from a number', { a: [2, 3] }, ({ a }) => t.sub(1, a!)],
  ['mul', { a: [2, 3], b: [2, 1] }, ({ a, b }) => t.mul(a!, b!)],
  ['mul by itself', { a: [2, 3] }, ({ a }) => t.mul(a!, a!)],
  [
    'linear, the same op called twice on the same operand',
    { a: [2, 3, 4], b: [4, 5] },
    ({ a, b }) => t.mul(t.linear(t.square(a!), b!), t.linear(t.square(a!), b!)),
  ],
  ['mul, a scalar tensor', { a: [2, 3], b: [] }, ({ a, b }) => t.mul(a!, b!)],
  ['div', { a: [2, 3], b: awayFromZero([3]) }, ({ a, b }) => t.div(a!, b!)],
  ['div into a number', { b: awayFromZero([3]) }, ({ b }) => t.div(1, b!)],
  [
    'maximum',
    { a: awayFromZero([2, 3]), b: { shape: [1, 3], values: (r) => 0.1 * r.uniform() } },
    ({ a, b }) => t.maximum(a!, b!),
  ],
  ['scale', { a: [4] }, ({ a }) => t.scale(a!, -1.5)],
  ['addScalar', { a: [4] }, ({ a }) => t.mul(t.addScalar(a!, 3), a!)],
  ['neg', { a: [4] }, ({ a }) => t.neg(a!)],
  ['square', { a: [4] }, ({ a }) => t.square(a!)],
  ['sqrt', { a: positive([4]) }, ({ a }) => t.sqrt(a!)],
  ['rsqrt', { a: positive([4]) }, ({ a }) => t.rsqrt(a!)],
  ['exp', { a: [4] }, ({ a }) => t.exp(a!)],
  ['log', { a: positive([4]) }, ({ a }) => t.log(a!)],
  ['sin', { a: [4] }, ({ a }) => t.sin(a!)],
  ['cos', { a: [4] }, ({ a }) => t.cos(a!)],
  ['tanh', { a: [4] }, ({ a }) => t.tanh(a!)],
  ['sigmoid', { a: [4] }, ({ a }) => t.sigmoid(a!)],
  ['silu', { a: [4] }, ({ a }) => t.silu(a!)],
  ['relu', { a: awayFromZero([8]) }, ({ a }) => t.relu(a!)],
  ['gelu', { a: [8] }, ({ a }) => t.gelu(a!)],
  ['abs', { a: awayFromZero([8]) }, ({ a }) => t.abs(a!)],
  [
    'where',
    { a: [2, 3], b: [3] },
    ({ a, b, m }) => t.where(m!, a!, b!),
    { given: { m: mask([2, 3], [1, 0, 1, 0, 0, 1]) } },
  ],
  ['where, a number', { a: [2, 3] }, ({ a, m }) => t.where(m!, a!, -5), { given: { m: mask([2, 1], [1, 0]) } }],
  [
    'stopGradient beside a path',
    { a: [3] },
    ({ a }) => t.mul(t.add(a!, t.sub(a!, a!)), t.stopGradient(a!.builder.constant([1, 2, 3]))),
  ],
];

const shapes: Case[] = [
  ['reshape', { a: [2, 6] }, ({ a }) => t.reshape(a!, [3, -1])],
  ['transpose', { a: [2, 3, 4] }, ({ a }) => t.transpose(a!, [2, 0, 1])],
  ['concat', { a: [2, 3], b: [2, 1], c: [2, 2] }, ({ a, b, c }) => t.concat([a!, b!, c!], 1)],
  ['concat of one operand twice', { a: [2, 3] }, ({ a }) => t.concat([a!, a!], 0)],
  ['concat with a constant', { a: [1, 3] }, ({ a }) => t.concat([a!.builder.constant([1, 2, 3], [1, 3]), a!], -2)],
  ['slice', { a: [3, 5] }, ({ a }) => t.slice(a!, 1, 1, 4)],
  ['slice from the end', { a: [3, 5] }, ({ a }) => t.slice(a!, -1, -2)],
  [
    'split, all parts',
    { a: [2, 6] },
    ({ a }) => {
      const [x, y, z] = t.split(a!, 1, [1, 2, 3]);
      return t.concat([t.square(z!), x!, y!], 1);
    },
  ],
  ['split, one part used', { a: [2, 6] }, ({ a }) => t.square(t.split(a!, -1, [2, 4])[1]!)],
  ['expand', { a: [2, 1, 3] }, ({ a }) => t.expand(a!, [4, 2, 5, 3])],
  ['sum, all', { a: [2, 3] }, ({ a }) => t.sum(t.square(a!))],
  ['sum, first axis', { a: [2, 3, 2] }, ({ a }) => t.sum(a!, [0])],
  ['sum, kept', { a: [2, 3, 2] }, ({ a }) => t.sum(a!, [-1, 0], true)],
  ['mean, middle axis', { a: [2, 3, 2] }, ({ a }) => t.mean(a!, 1)],
  ['mean, all', { a: [2, 3, 2] }, ({ a }) => t.mean(a!)],
  [
    'gather with repeated ids',
    { a: [4, 3] },
    ({ a, ids: i }) => t.gather(a!, i!),
    { given: { ids: ids([2, 3], [1, 3, 1, 0, 1, 3]) } },
  ],
  [
    'gather from a large table',
    { a: [1100, 1] },
    ({ a, ids: i }) => t.gather(a!, i!),
    { given: { ids: ids([5], [1, 1099, 1, 0, 1]) } },
  ],
  [
    'gather of vectors without width',
    { a: [5] },
    ({ a, ids: i }) => t.gather(a!, i!),
    { given: { ids: ids([3], [4, 4, 0]) } },
  ],
  ['gatherAxis', { a: [2, 4, 3] }, ({ a }) => t.gatherAxis(a!, [3, 0, 3], 1)],
];

const products: Case[] = [
  ['matmul', { a: [3, 4], b: [4, 2] }, ({ a, b }) => t.matmul(a!, b!)],
  ['matmul aᵀ', { a: [4, 3], b: [4, 2] }, ({ a, b }) => t.matmul(a!, b!, { transposeA: true })],
  ['matmul bᵀ', { a: [3, 4], b: [2, 4] }, ({ a, b }) => t.matmul(a!, b!, { transposeB: true, alpha: 0.5 })],
  ['matmul aᵀ bᵀ', { a: [4, 3], b: [2, 4] }, ({ a, b }) => t.matmul(a!, b!, { transposeA: true, transposeB: true })],
  ['matmul, batch and weight', { a: [2, 3, 4], b: [4, 2] }, ({ a, b }) => t.matmul(a!, b!)],
  [
    'matmul, batch and weightᵀ',
    { a: [2, 2, 3, 4], b: [2, 4] },
    ({ a, b }) => t.matmul(a!, b!, { transposeB: true, alpha: 2 }),
  ],
  ['matmul, batchᵀ and weight', { a: [2, 4, 3], b: [4, 2] }, ({ a, b }) => t.matmul(a!, b!, { transposeA: true })],
  ['matmul, batches', { a: [2, 3, 4], b: [2, 4, 2] }, ({ a, b }) => t.matmul(a!, b!)],
  [
    'matmul, batches aᵀ bᵀ',
    { a: [2, 2, 4, 3], b: [2, 2, 2, 4] },
    ({ a, b }) => t.matmul(a!, b!, { transposeA: true, transposeB: true, alpha: 3 }),
  ],
  ['matmul, heads share b', { a: [2, 3, 2, 4], b: [2, 1, 4, 2] }, ({ a, b }) => t.matmul(a!, b!)],
  ['matmul, a broadcast', { a: [3, 4], b: [2, 4, 2] }, ({ a, b }) => t.matmul(a!, b!)],
  ['matmul, a with batch 1', { a: [1, 3, 4], b: [2, 4, 2] }, ({ a, b }) => t.matmul(a!, b!, { alpha: 0.25 })],
  ['matmul, both broadcast', { a: [2, 1, 3, 4], b: [1, 3, 4, 2] }, ({ a, b }) => t.matmul(a!, b!)],
  ['linear', { x: [2, 3, 4], w: [4, 5], b: [5] }, ({ x, w, b }) => t.linear(x!, w!, b!)],
  ['conv2d, stride 2', { x: [2, 6, 4, 2], w: [3, 3, 2, 3] }, ({ x, w }) => t.conv2d(x!, w!, { stride: 2, padding: 1 })],
  [
    'conv2d, stride 2, odd image',
    { x: [1, 5, 7, 1], w: [3, 3, 1, 2] },
    ({ x, w }) => t.conv2d(x!, w!, { stride: 2, padding: 1 }),
  ],
  ['conv2d, stride 1, no padding', { x: [1, 4, 5, 2], w: [2, 3, 2, 2] }, ({ x, w }) => t.conv2d(x!, w!)],
  ['conv2d, patches', { x: [2, 4, 4, 2], w: [2, 2, 2, 3] }, ({ x, w }) => t.conv2d(x!, w!, { stride: 2 })],
  [
    'conv2d, stride 3 leaves rows unused',
    { x: [1, 8, 8, 1], w: [2, 2, 1, 2] },
    ({ x, w }) => t.conv2d(x!, w!, { stride: 3, padding: 1 }),
  ],
];

const causal = new Float64Array(12).map((_, i) => (i % 4 > Math.floor(i / 4) + 1 ? -1e9 : 0));
const blocks: Case[] = [
  ['softmax', { a: [2, 3, 4] }, ({ a }) => t.softmax(a!)],
  ['logSoftmax', { a: [2, 4] }, ({ a }) => t.logSoftmax(a!)],
  [
    'crossEntropy',
    { a: [2, 3, 4] },
    ({ a, y }) => t.crossEntropy(a!, y!),
    { given: { y: ids([2, 3], [0, 3, 1, 1, 2, 0]) } },
  ],
  [
    'crossEntropy, weights',
    { a: [3, 4], w: positive([3]) },
    ({ a, y, w }) => t.crossEntropy(a!, y!, { weights: w! }),
    { given: { y: ids([3], [0, 3, 1]) } },
  ],
  [
    'crossEntropy, per element',
    { a: [3, 4] },
    ({ a, y }) => t.crossEntropy(a!, y!, { reduction: 'none' }),
    { given: { y: ids([3], [0, 3, 1]) } },
  ],
  ['attention', { q: [2, 2, 3, 4], k: [2, 2, 5, 4], v: [2, 2, 5, 3] }, ({ q, k, v }) => t.attention(q!, k!, v!)],
  [
    'attention, one key head',
    { q: [2, 3, 3, 4], k: [2, 1, 5, 4], v: [2, 1, 5, 2] },
    ({ q, k, v }) => t.attention(q!, k!, v!, { scale: 0.7 }),
  ],
  [
    'attention, mask',
    { q: [2, 2, 3, 4], k: [2, 1, 4, 4], v: [2, 1, 4, 4] },
    ({ q, k, v, m }) => t.attention(q!, k!, v!, { mask: m! }),
    { given: { m: { shape: [3, 4], dtype: 'float32', data: causal } } },
  ],
  [
    'attention, learned mask',
    { q: [2, 3, 4], k: [2, 4, 4], v: [2, 4, 4], m: [2, 1, 4] },
    ({ q, k, v, m }) => t.attention(q!, k!, v!, { mask: m! }),
  ],
  ['rmsNorm', { x: [2, 3, 4], g: [4] }, ({ x, g }) => t.rmsNorm(x!, g!)],
  ['rmsNorm, 1 + scale', { x: [3, 4], g: [4] }, ({ x, g }) => t.rmsNorm(x!, g!, { plusOne: true, epsilon: 1e-3 })],
  ['rmsNorm without scale', { x: [3, 4] }, ({ x }) => t.rmsNorm(x!)],
  ['layerNorm', { x: [2, 3, 4], g: [4], b: [4] }, ({ x, g, b }) => t.layerNorm(x!, g!, b!)],
];

const real = (data: number[]) => ({ shape: [data.length], dtype: 'float32' as const, data: Float64Array.from(data) });
/** Ops without a gradient, their results as real numbers. */
const undifferentiated: Case[] = [
  ['cast', {}, ({ i }) => t.cast(i!, 'float32'), { given: { i: ids([4], [0, 3, 255, 1024]) } }],
  ['cast of bytes', {}, ({ i }) => t.cast(t.cast(i!, 'uint8'), 'float32'), { given: { i: ids([3], [0, 3, 255]) } }],
  ['oneHot', {}, ({ i }) => t.oneHot(i!, 4), { given: { i: ids([2, 2], [0, 3, 1, 1]) } }],
  [
    'argmax',
    {},
    ({ x }) => t.cast(t.argmax(t.reshape(x!, [2, 3]), 1), 'float32'),
    { given: { x: real([1, 3, 2, 6, 4, 5]) } },
  ],
  ...(['equal', 'greater', 'less'] as const).map(
    (op): Case => [
      op,
      {},
      ({ a, b }) => t.cast(t[op](a!, b!), 'float32'),
      { given: { a: real([1, 2, 3]), b: real([2, 2, 2]) } },
    ],
  ),
  ['equal of integers', {}, ({ i }) => t.cast(t.equal(i!, 2), 'float32'), { given: { i: ids([3], [2, 0, 2]) } }],
];

/** Every case, by groups of like ops. */
export const OP_CASES: Readonly<Record<string, readonly OpCase[]>> = Object.fromEntries(
  Object.entries({ elementwise, shapes, products, blocks, undifferentiated }).map(([group, cases]) => [
    group,
    cases.map(([name, inputs, body, options]) => ({
      op: /^\w+/.exec(name)![0],
      name,
      inputs,
      body,
      given: options?.given ?? {},
    })),
  ]),
);
