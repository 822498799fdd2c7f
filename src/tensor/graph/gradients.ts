import type { Tensor } from './builder.ts';
import { describe, opError } from './errors.ts';
import * as onnx from './primitives.ts';
import { size } from './shapes.ts';

/**
 * Gradients of the scalar `loss` with respect to each tensor of `of` (same shapes), by reverse mode over the recorded
 * ops. Only the paths from `of` to `loss` are emitted. A tensor that the loss does not depend on gets zeros.
 */
export function gradients(loss: Tensor, of: readonly Tensor[]): Tensor[] {
  if (size(loss.shape) !== 1) throw opError('gradients', `the loss must be a scalar (got ${describe(loss)}).`);
  const { tape } = loss.builder;
  const needed = new Set(of.map((tensor) => tensor.name));
  const entries = [...tape]; // the rules below record nothing that belongs here
  for (const { inputs, outputs } of entries)
    if (inputs.some((input) => needed.has(input.name))) for (const output of outputs) needed.add(output.name);
  const found = new Map<string, Tensor>();
  found.set(loss.name, loss.builder.constant(1, loss.shape, loss.dtype));
  loss.builder.scope('backward', () => {
    for (const { inputs, outputs, backward } of entries.reverse()) {
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
  });
  return of.map((tensor) => found.get(tensor.name) ?? onnx.zeros(tensor));
}
