import { TensorError } from './errors.ts';
import type { Program } from './types.ts';

interface Operation {
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** The name of a node's operand. @throws TensorError when it has fewer */
export function inputOf({ op, name, inputs }: Operation, index = 0): string {
  const input = inputs[index];
  if (input === undefined) throw new TensorError(op, `'${name}' has no operand ${index} (got ${inputs.length}).`);
  return input;
}

/** The name of what a node computes. @throws TensorError when there is less */
export function outputOf({ op, name, outputs }: Operation, index = 0): string {
  const output = outputs[index];
  if (output === undefined) throw new TensorError(op, `'${name}' has no output ${index} (got ${outputs.length}).`);
  return output;
}

/** The shape of a value of a program. @throws TensorError when the program has no such value */
export function shapeOf(values: Program['values'], name: string): readonly number[] {
  const spec = values.get(name);
  if (!spec) throw new TensorError('program', `there is no value '${name}'.`);
  return spec.shape;
}
