import type { Builder, Tensor } from './builder.ts';
import { backpropagate } from './gradients.ts';
import * as onnx from './primitives.ts';
import { size } from './shapes.ts';

/** First elements of the weights' gradients that the sections behind have given back, by builder. */
const givenBack = new WeakMap<Builder, Tensor[]>();

/**
 * The outputs of `body`, whose inner values are not kept for the backward pass: it computes them a second time from
 * `inputs` (gradient checkpointing, Chen et al. 2016, arXiv:1604.06174). The gradients are the same.
 *
 * A runtime orders nodes as it likes: it would compute the second time at once, and keep the values all the same. So
 * the second time waits: its inputs are x + 0·g, with elements g of the gradients that arrive and of the weights'
 * gradients of the section behind it. What `body` computes from other tensors alone is kept: name large ones in
 * `inputs`.
 */
export function recomputed(
  inputs: readonly Tensor[],
  body: (inputs: readonly Tensor[]) => readonly Tensor[],
): readonly Tensor[] {
  const builder = (inputs[0] as Tensor).builder;
  const { result: outputs, tape } = builder.apart(() => body(inputs));
  const inside = new Set([...inputs, ...tape.flatMap((entry) => entry.outputs)].map(({ name }) => name));
  const outside = tape.flatMap((entry) => entry.inputs).filter(({ name }) => !inside.has(name));
  const captured = [...new Map(outside.map((tensor) => [tensor.name, tensor])).values()];
  builder.record([...inputs, ...captured], outputs, (arrived, needed) => {
    builder.cut();
    const given = arrived.filter((gradient) => gradient !== null);
    const later = after(inputs, [...(givenBack.get(builder) ?? []), ...given.map(firstElement)]);
    const again = builder.apart(() => body(later));
    const seeds = new Map<string, Tensor>();
    for (const [i, gradient] of arrived.entries()) if (gradient) seeds.set((again.result[i] as Tensor).name, gradient);
    const all = [...later, ...captured];
    const wanted = all.filter((_, i) => needed[i]);
    const found = backpropagate(again.tape, seeds, wanted);
    const made = all.map(({ name }) => found.get(name) ?? null);
    const ofWeights = made.slice(inputs.length).filter((gradient) => gradient !== null);
    givenBack.set(builder, ofWeights.map(firstElement));
    builder.cut();
    return made;
  });
  return outputs;
}

/** The tensors with the same values, which cannot be had before all of `signs`. */
function after(tensors: readonly Tensor[], signs: readonly Tensor[]): Tensor[] {
  if (signs.length === 0) return [...tensors];
  const nothing = onnx.mul(signs.reduce(onnx.add), 0);
  return tensors.map((tensor) => onnx.add(tensor, nothing));
}

/** [1] */
const firstElement = (x: Tensor): Tensor => onnx.slice(onnx.reshape(x, [size(x.shape)]), 0, 0, 1);
