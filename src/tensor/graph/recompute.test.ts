import { expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { add, linear, mean, mul, square, tanh } from '../ops/index.ts';
import { ProgramSession } from '../run/index.ts';
import { Builder, type Tensor } from './builder.ts';
import { gradients } from './gradients.ts';
import { recomputed } from './recompute.ts';
import type { NdArray, Program } from './types.ts';

const [ROWS, WIDTH, LAYERS] = [6, 8, 3];

/** Layers x + tanh(x·W + shared)·gate: all use `shared`, and the loss has a side output of each. */
function program(again: boolean): Program {
  const builder = new Builder();
  const x = builder.parameter('x', [ROWS, WIDTH]);
  const shared = builder.parameter('shared', [WIDTH]);
  const frozen = builder.parameter('frozen', [WIDTH]);
  const weights = Array.from({ length: LAYERS }, (_, i) => builder.parameter(`w${i}`, [WIDTH, WIDTH]));
  let y = x;
  const sides: Tensor[] = [];
  for (const weight of weights) {
    const layer = ([input]: readonly Tensor[]) => {
      const inner = tanh(add(linear(input as Tensor, weight), shared));
      return [add(input as Tensor, mul(inner, frozen)), square(inner)] as const;
    };
    const [next, side] = again ? recomputed([y], layer) : layer([y]);
    sides.push(side as Tensor);
    y = next as Tensor;
  }
  const loss = sides.reduce((sum, side) => add(sum, mean(side)), mean(square(y)));
  builder.output('loss', loss);
  const of = [x, shared, ...weights];
  gradients(loss, of).forEach((gradient, i) => {
    builder.output(`gradient/${(of[i] as Tensor).name}`, gradient);
  });
  return builder.build();
}

it('gives the same loss and gradients to the last bit', async () => {
  const random = Random.of('recompute', 1);
  const feeds: Record<string, NdArray> = {};
  for (const { name, shape } of program(false).parameters) {
    const data = random.fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1)));
    feeds[name] = { shape, dtype: 'float32', data };
  }
  const results = await Promise.all(
    [false, true].map(async (again) => {
      const session = await ProgramSession.create(program(again));
      const result = await session.run(feeds);
      await session.close();
      return result;
    }),
  );
  expect(Object.keys(results[0]!)).toContain('gradient/w0');
  expect(results[1]).toEqual(results[0]);
});

it('computes every layer twice, the second time after the gradients behind it', () => {
  const tanhs = (again: boolean) => program(again).nodes.filter(({ op }) => op === 'Tanh').length;
  expect([tanhs(false), tanhs(true)]).toEqual([LAYERS, 2 * LAYERS]);
  const { nodes } = program(true);
  const madeBy = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const needs = (name: string, seen = new Set<string>()): Set<string> => {
    for (const input of madeBy.get(name)?.inputs ?? []) if (!seen.has(input)) needs(input, seen.add(input));
    return seen;
  };
  // The second computation of the first layer waits for the gradient of the last layer's weight.
  const second = nodes.filter(({ op }) => op === 'Tanh').at(-1)!.outputs[0]!;
  const { outputs } = program(true);
  const ofLast = outputs.find(({ name }) => name === `gradient/w${LAYERS - 1}`)!.value;
  expect(needs(second).has(ofLast)).toBe(true);
});
