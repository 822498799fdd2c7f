import type { TapeEntry, Tensor } from './builder.ts';
import { describe, opError } from './errors.ts';
import * as onnx from './primitives.ts';
import { size } from './shapes.ts';

/**
 * Gradients of the scalar `loss` with respect to each tensor of `of` (same shapes), by reverse mode over the recorded
 * ops. Only the paths from `of` to `loss` are emitted. A tensor that the loss does not depend on gets zeros.
 */
export function gradients(loss: Tensor, of: readonly Tensor[]): Tensor[] {
  if (size(loss.shape) !== 1) throw opError('gradients', `the loss must be a scalar (got ${describe(loss)}).`);
  const { builder } = loss;
  const seeds = new Map([[loss.name, builder.constant(1, loss.shape, loss.dtype)]]);
  const found = builder.scope('backward', () => backpropagate([...builder.tape], seeds, of));
  return of.map((tensor) => found.get(tensor.name) ?? onnx.zeros(tensor));
}

/**
 * Gradients by name that follow from those of `seeds`, along the recorded ops of a tape, last one first. What the seeds
 * do not depend on has none. The rules may record ops; those do not belong to the tape.
 */
export function backpropagate(
  tape: readonly TapeEntry[],
  seeds: ReadonlyMap<string, Tensor>,
  of: readonly Tensor[],
): ReadonlyMap<string, Tensor> {
  const needed = new Set(of.map((tensor) => tensor.name));
  for (const { inputs, outputs } of tape)
    if (inputs.some((input) => needed.has(input.name))) for (const output of outputs) needed.add(output.name);
  const found = new Map(seeds);
  for (const { inputs, outputs, backward } of [...tape].reverse()) {
    const arrived = outputs.map((output) => found.get(output.name) ?? null);
    const wants = inputs.map((input) => needed.has(input.name));
    if (!wants.includes(true) || arrived.every((gradient) => gradient === null)) continue;
    const made = backward(arrived, wants);
    for (const [j, { name }] of inputs.entries()) {
      const gradient = made[j];
      if (!gradient || !wants[j]) continue;
      const before = found.get(name);
      found.set(name, before ? onnx.add(before, gradient) : gradient);
    }
  }
  return found;
}
