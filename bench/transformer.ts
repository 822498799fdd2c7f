import { Random, ValetError } from '../src/base/index.ts';
import {
  add,
  attention,
  Builder,
  gelu,
  gradients,
  linear,
  mean,
  type Parameters,
  type Program,
  reshape,
  rmsNorm,
  square,
  sub,
  type Tensor,
  transpose,
} from '../src/tensor/index.ts';

/** A plain transformer, the shape that engines are compared on: no vision, no rotary embedding, no gate. */
export interface TransformerShape {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly tokens: number;
  readonly batch: number;
  readonly inputs: number;
}

/** Weights by name and shape; the feed-forward part is four times as wide. */
function transformerWeights({ layers, width: d, tokens, inputs }: TransformerShape): Map<string, number[]> {
  const shapes = new Map<string, number[]>([
    ['in', [inputs, d]],
    ['positions', [tokens, d]],
  ]);
  for (let i = 0; i < layers; i++) {
    shapes.set(`${i}/norm1`, [d]);
    for (const name of ['q', 'k', 'v', 'o']) shapes.set(`${i}/${name}`, [d, d]);
    shapes.set(`${i}/norm2`, [d]).set(`${i}/up`, [d, 4 * d]);
    shapes.set(`${i}/down`, [4 * d, d]);
  }
  return shapes.set('norm', [d]).set('out', [d, inputs]);
}

/** Normal weights of variance 1/rows; norms near one. */
export function transformerParameters(shape: TransformerShape): Parameters {
  const random = Random.of('bench', 'transformer');
  return new Map(
    [...transformerWeights(shape)].map(([name, dims]) => {
      const data = random.fillNormal(new Float32Array(dims.reduce((a, b) => a * b, 1)));
      if (dims.length === 1) data.forEach((x, i) => void (data[i] = 1 + 0.1 * x));
      else data.forEach((x, i) => void (data[i] = x / Math.sqrt(dims[0] ?? 1)));
      return [name, { shape: dims, dtype: 'float32', data }];
    }),
  );
}

/**
 * Inputs `x`, `target` [batch·tokens, inputs]; outputs `loss` (mean square error) and, when asked for,
 * `gradient/<weight>`.
 */
export function transformerProgram(shape: TransformerShape, options: { readonly gradients: boolean }): Program {
  const { layers, width: d, heads, tokens: t, batch: b, inputs } = shape;
  const builder = new Builder();
  const weights = new Map(
    [...transformerWeights(shape)].map(([name, dims]) => [name, builder.parameter(name, dims)] as const),
  );
  const weight = (name: string): Tensor => {
    const found = weights.get(name);
    if (!found) throw new ValetError('bench transformer', `there is no weight '${name}'.`);
    return found;
  };
  const split = (x: Tensor) => transpose(reshape(x, [b, t, heads, d / heads]), [0, 2, 1, 3]);
  const data = builder.input('x', [b * t, inputs]);
  const target = builder.input('target', [b * t, inputs]);
  let x = add(reshape(linear(data, weight('in')), [b, t, d]), weight('positions'));
  for (let i = 0; i < layers; i++) {
    const h = rmsNorm(x, weight(`${i}/norm1`));
    const [q, k, v] = ['q', 'k', 'v'].map((name) => split(linear(h, weight(`${i}/${name}`)))) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const mixed = reshape(transpose(attention(q, k, v), [0, 2, 1, 3]), [b, t, d]);
    x = add(x, linear(mixed, weight(`${i}/o`)));
    const hidden = gelu(linear(rmsNorm(x, weight(`${i}/norm2`)), weight(`${i}/up`)));
    x = add(x, linear(hidden, weight(`${i}/down`)));
  }
  const y = reshape(linear(rmsNorm(x, weight('norm')), weight('out')), [b * t, inputs]);
  const loss = mean(square(sub(y, target)));
  builder.output('loss', loss);
  if (options.gradients) {
    const names = [...weights.keys()];
    for (const [i, gradient] of gradients(loss, [...weights.values()]).entries())
      builder.output(`gradient/${names[i]}`, gradient);
  }
  return builder.build();
}
