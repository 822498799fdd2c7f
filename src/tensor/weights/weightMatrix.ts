import { inputOf, lengthOf, type Node, type Program, shapeOf, size, TensorError } from '../graph/index.ts';

/**
 * The right operand of a matrix product that is one weight, or a part of one, in another order: what can be quantised
 * ahead. The same expression has the same key in every program, so that one file serves all of them.
 */
export interface WeightMatrix {
  /** The expression in words, such as `…/gating_einsum#3|split 0 [1,1] 0|reshape [64,128]`. */
  readonly key: string;
  /** Name of the program's parameter. */
  readonly parameter: string;
  /** Rows (the inner length of the product) and columns. */
  readonly shape: readonly [number, number];
  /** The matrix, row-major, from the parameter's data; a view of it where the order is the same. */
  readonly evaluate: (data: Float32Array) => Float32Array;
}

interface Expression {
  readonly key: string;
  readonly parameter: string;
  readonly shape: readonly number[];
  readonly evaluate: (data: Float32Array) => Float32Array;
}

/** The weight matrices of a program's products of two axes, by the name of the product's node. */
export function weightMatrices(program: Program): Map<string, WeightMatrix> {
  const known = new Map<string, Expression | null>();
  for (const { name, shape } of program.parameters)
    known.set(name, { key: name, parameter: name, shape, evaluate: (data) => data });
  const constants = new Map(program.constants.map((constant) => [constant.name, constant.data]));
  const integers = (name: string): number[] => Array.from(constants.get(name) as BigInt64Array, Number);
  const out = new Map<string, WeightMatrix>();
  for (const node of program.nodes) {
    const from = known.get(node.inputs[node.op === 'matmul' ? 1 : 0] ?? '');
    if (!from) continue;
    if (node.op === 'matmul') {
      if (isProduct(node, program)) out.set(node.name, { ...from, shape: from.shape as [number, number] });
      continue;
    }
    node.outputs.forEach((name, index) => {
      known.set(name, derive(node, index, from, shapeOf(program.values, name), integers));
    });
  }
  return out;
}

function isProduct(node: Node, program: Program): boolean {
  const plain = !node.attributes['transA'] && !node.attributes['transB'];
  const { float } = node.attributes['alpha'] as { float: number };
  return plain && float === 1 && node.inputs.every((name) => shapeOf(program.values, name).length === 2);
}

/** The expression of one output of a node that only moves numbers; null for any other node. */
function derive(
  node: Node,
  index: number,
  from: Expression,
  shape: readonly number[],
  integers: (name: string) => number[],
): Expression | null {
  const then = (step: string, move: (data: Float32Array) => Float32Array): Expression => ({
    key: `${from.key}|${step}`,
    parameter: from.parameter,
    shape,
    evaluate: (data) => move(from.evaluate(data)),
  });
  switch (node.op) {
    case 'Reshape':
      return then(`reshape [${shape}]`, (data) => data);
    case 'Transpose': {
      const perm = node.attributes['perm'] as readonly number[];
      return then(`transpose [${perm}]`, (data) => permute(data, from.shape, perm));
    }
    case 'Split': {
      const sizes = integers(inputOf(node, 1));
      const start = sizes.slice(0, index).reduce((a, b) => a + b, 0);
      const axis = node.attributes['axis'] as number;
      return then(`split ${axis} [${sizes}] ${index}`, (data) =>
        range(data, from.shape, axis, start, sizes[index] ?? 0),
      );
    }
    default:
      return null;
  }
}

/** `length` rows of `axis` from `start`; a view when the axis is the first. */
function range(
  data: Float32Array,
  shape: readonly number[],
  axis: number,
  start: number,
  length: number,
): Float32Array {
  const inner = size(shape.slice(axis + 1));
  const outer = size(shape.slice(0, axis));
  if (outer === 1) return data.subarray(start * inner, (start + length) * inner);
  const out = new Float32Array(outer * length * inner);
  for (let i = 0; i < outer; i++) {
    const at = (i * lengthOf(shape, axis) + start) * inner;
    out.set(data.subarray(at, at + length * inner), i * length * inner);
  }
  return out;
}

/** The array with its axes in the order `perm`; trailing axes that keep their place are copied in one piece. */
export function permute(data: Float32Array, shape: readonly number[], perm: readonly number[]): Float32Array {
  if (data.length !== size(shape)) throw new TensorError('permute', `${data.length} numbers do not fill [${shape}].`);
  let moved = perm.length;
  while (moved > 0 && perm[moved - 1] === moved - 1) moved--;
  const block = size(shape.slice(moved));
  const strides = shape.map((_, axis) => size(shape.slice(axis + 1)));
  const walked = perm.slice(0, moved).map((axis) => ({ length: lengthOf(shape, axis), step: strides[axis] ?? 1 }));
  const out = new Float32Array(data.length);
  let at = 0;
  const walk = (axis: number, from: number): void => {
    const along = walked[axis];
    if (!along) {
      out.set(data.subarray(from, from + block), at);
      at += block;
      return;
    }
    const { length, step } = along;
    if (axis === moved - 1 && block === 1) for (let i = 0; i < length; i++) out[at++] = data[from + i * step]!;
    else for (let i = 0; i < length; i++) walk(axis + 1, from + i * step);
  };
  walk(0, 0);
  return out;
}
