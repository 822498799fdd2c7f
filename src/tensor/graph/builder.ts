import { describe, opError, TensorError } from './errors.ts';
import { inputOf, outputOf, shapeOf } from './node.ts';
import { lengthOf, size } from './shapes.ts';
import type { Attribute, Constant, DataType, Node, Program, TypedArray, ValueSpec } from './types.ts';

/** A value of a program under construction. Has a static shape and no data. */
export interface Tensor {
  readonly builder: Builder;
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly axes?: readonly string[];
}

/**
 * The gradient rule of one recorded op: gradients of its outputs (null where none arrives) to gradients of its inputs.
 */
export type BackwardRule = (
  outputGradients: readonly (Tensor | null)[],
  needed: readonly boolean[],
) => (Tensor | null)[];

export interface TapeEntry {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly backward: BackwardRule;
}

/** The gradients that arrive at an op's outputs: of its only output always, of one of several perhaps none. */
export type OutputGradients<O extends readonly Tensor[]> = O extends readonly [Tensor]
  ? readonly [Tensor]
  : { readonly [K in keyof O]: Tensor | null };

export interface EmitOutput {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly axes?: readonly string[];
}

/** Constants up to this many elements are shared when equal. */
const SHARED_CONSTANT_SIZE = 4096;

/**
 * Builds a program: declares inputs and parameters, collects what the ops emit, names the outputs. Equal operations on
 * equal operands are emitted once (common sub-expressions); what no output needs is left out by `build`.
 */
export class Builder {
  private readonly inputs: ValueSpec[] = [];
  private readonly parameters: ValueSpec[] = [];
  private readonly outputs = new Map<string, Tensor>();
  private readonly nodes: Node[] = [];
  private readonly constants: Constant[] = [];
  private readonly values = new Map<string, Tensor>();
  private readonly emitted = new Map<string, Tensor[]>();
  private recorded = new Set<Tensor>();
  private readonly path: string[] = [];
  private serial = 0;
  private entries: TapeEntry[] = [];
  private readonly cuts = new Set<number>();

  /**
   * Declares an input that the caller feeds. `axes` names the axes for error messages.
   * @throws TensorError when the name is taken
   */
  input(name: string, shape: readonly number[], dtype: DataType = 'float32', axes?: readonly string[]): Tensor {
    const tensor = this.declare('Builder.input', name, shape, dtype, axes);
    this.inputs.push(spec(tensor));
    return tensor;
  }

  /** Declares an input that is a weight (float32): fed while training, baked in for inference. */
  parameter(name: string, shape: readonly number[], axes?: readonly string[]): Tensor {
    const tensor = this.declare('Builder.parameter', name, shape, 'float32', axes);
    this.parameters.push(spec(tensor));
    return tensor;
  }

  /**
   * A constant. A number gives a scalar, an array the shape `[n]` unless `shape` says otherwise. Real values are kept
   * in float64.
   */
  constant(data: number | readonly number[] | TypedArray, shape?: readonly number[], dtype?: DataType): Tensor {
    const type = dtype ?? (typeof data === 'number' || Array.isArray(data) ? 'float32' : arrayType(data as TypedArray));
    const values = typeof data === 'number' ? [data] : (data as ArrayLike<number | bigint>);
    const dims = shape ?? (typeof data === 'number' ? [] : [values.length]);
    if (size(dims) !== values.length)
      throw opError('Builder.constant', `${values.length} values do not fill the shape [${dims.join(', ')}].`);
    const stored = storeConstant(values, type);
    const key = values.length <= SHARED_CONSTANT_SIZE ? `constant ${type} ${dims} ${stored.join(' ')}` : undefined;
    const [known] = (key === undefined ? undefined : this.emitted.get(key)) ?? [];
    if (known) return known;
    const tensor = this.value(`constant#${this.serial++}`, dims, type);
    this.constants.push({ ...spec(tensor), data: stored });
    if (key !== undefined) this.emitted.set(key, [tensor]);
    return tensor;
  }

  /** Names `tensor` as an output of the program. @throws TensorError when the name is taken */
  output(name: string, tensor: Tensor): void {
    if (tensor.builder !== this) throw opError('Builder.output', `'${name}' belongs to another program.`);
    if (this.outputs.has(name) || this.values.has(name))
      throw opError('Builder.output', `the name '${name}' is taken already.`);
    this.outputs.set(name, tensor);
  }

  /**
   * Runs `body` with `name` before the names of the nodes that it emits (`block0/attention/...`), for profiles and
   * messages.
   */
  scope<T>(name: string, body: () => T): T {
    this.path.push(name);
    try {
      return body();
    } finally {
      this.path.pop();
    }
  }

  /** What follows begins a section of the program (`Program.cuts`). */
  cut(): void {
    this.cuts.add(this.nodes.length);
  }

  /** The program of everything that the named outputs need. @throws TensorError when there is no output */
  build(): Program {
    if (this.outputs.size === 0)
      throw new TensorError('Builder.build', 'the program has no output. Name one with output(name, tensor).');
    const live = new Set([...this.outputs.values()].map((tensor) => tensor.name));
    const used = new Set<Node>();
    for (const node of [...this.nodes].reverse()) {
      if (!node.outputs.some((name) => live.has(name))) continue;
      for (const name of node.inputs) if (name) live.add(name);
      used.add(node);
    }
    const nodes: Node[] = [];
    const cuts = new Set<number>();
    for (const [at, node] of this.nodes.entries()) {
      if (this.cuts.has(at)) cuts.add(nodes.length);
      if (used.has(node)) nodes.push(node);
    }
    const values = new Map<string, ValueSpec>();
    for (const [name, tensor] of this.values) values.set(name, spec(tensor));
    return {
      inputs: [...this.inputs],
      parameters: [...this.parameters],
      outputs: [...this.outputs].map(([name, tensor]) => ({ ...spec(tensor), name, value: tensor.name })),
      nodes,
      cuts: [...cuts].filter((at) => at > 0 && at < nodes.length),
      constants: this.constants.filter((constant) => live.has(constant.name)),
      values,
      flops: flopsOf(nodes, values),
    };
  }

  /** Emits one node (for the ops of this layer); equal nodes are emitted once. Nothing is recorded for gradients. */
  emit<const O extends readonly EmitOutput[]>(
    op: string,
    inputs: readonly (Tensor | null)[],
    outputs: O,
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ): { [K in keyof O]: Tensor } {
    for (const input of inputs)
      if (input && input.builder !== this) throw opError(op, `operand '${input.name}' belongs to another program.`);
    const names = inputs.map((input) => input?.name ?? '');
    const key = `${op} ${domain} ${names.join('\n')} ${JSON.stringify(attributes)}`;
    const known = this.emitted.get(key);
    if (known) return known as { [K in keyof O]: Tensor };
    const base = [...this.path, op.toLowerCase()].join('/');
    const tensors = outputs.map((output) =>
      this.value(`${base}#${this.serial++}`, output.shape, output.dtype, output.axes),
    );
    this.nodes.push({
      op,
      domain,
      name: tensors[0]?.name ?? base,
      inputs: names,
      outputs: tensors.map((t) => t.name),
      attributes,
    });
    this.emitted.set(key, tensors);
    return tensors as { [K in keyof O]: Tensor };
  }

  /** Recorded ops in the order of the calls, for `gradients`. */
  get tape(): readonly TapeEntry[] {
    return this.entries;
  }

  /** Runs `body`, and what it records stands on a tape of its own, as if nothing had been recorded before. */
  apart<T>(body: () => T): { readonly result: T; readonly tape: readonly TapeEntry[] } {
    const [entries, recorded] = [this.entries, this.recorded];
    [this.entries, this.recorded] = [[], new Set()];
    try {
      return { result: body(), tape: this.entries };
    } finally {
      [this.entries, this.recorded] = [entries, recorded];
    }
  }

  /**
   * Records an op for `gradients`, once: equal calls share what they emit, and a second entry would count its gradient
   * twice. Returns its first output.
   */
  record<const O extends readonly Tensor[]>(
    inputs: readonly Tensor[],
    outputs: O,
    backward: (gradients: OutputGradients<O>, needed: readonly boolean[]) => (Tensor | null)[],
  ): Tensor {
    const [first] = outputs;
    if (!first) throw opError('Builder.record', 'the op has no output.');
    if (!this.recorded.has(first)) {
      this.recorded.add(first);
      // `gradients` calls a rule only when a gradient has arrived, so the only output of an op has one.
      this.entries.push({ inputs, outputs, backward: backward as BackwardRule });
    }
    return first;
  }

  private declare(
    where: string,
    name: string,
    shape: readonly number[],
    dtype: DataType,
    axes?: readonly string[],
  ): Tensor {
    if (this.values.has(name) || this.outputs.has(name)) throw opError(where, `the name '${name}' is taken already.`);
    if (shape.some((length) => !Number.isInteger(length) || length < 0))
      throw opError(where, `'${name}' has the shape [${shape.join(', ')}] (expected whole numbers).`);
    if (axes && axes.length !== shape.length)
      throw opError(where, `'${name}' has ${axes.length} axis names for ${describe({ shape, dtype })}.`);
    return this.value(name, shape, dtype, axes);
  }

  private value(name: string, shape: readonly number[], dtype: DataType, axes?: readonly string[]): Tensor {
    const tensor: Tensor = { builder: this, name, shape: [...shape], dtype, ...(axes ? { axes } : {}) };
    Object.defineProperty(tensor, 'builder', { enumerable: false });
    this.values.set(name, tensor);
    return tensor;
  }
}

function spec({ name, shape, dtype, axes }: Tensor): ValueSpec {
  return { name, shape, dtype, ...(axes ? { axes } : {}) };
}

function storeConstant(values: ArrayLike<number | bigint>, dtype: DataType): TypedArray {
  const numbers = () => Array.from(values as ArrayLike<number>, Number);
  switch (dtype) {
    case 'float32':
    case 'float64':
      return values instanceof Float64Array ? values : Float64Array.from(values as ArrayLike<number>, Number);
    case 'int64':
      return values instanceof BigInt64Array
        ? values
        : BigInt64Array.from(Array.from(values as ArrayLike<number | bigint>, BigInt));
    case 'int32':
      return Int32Array.from(numbers());
    case 'int8':
      return Int8Array.from(numbers());
    case 'uint8':
    case 'bool':
      return Uint8Array.from(numbers());
  }
}

/** The data type that a typed array holds by itself. */
export function arrayType(data: TypedArray): DataType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Int8Array) return 'int8';
  return 'uint8';
}

/** Floating point operations of the matrix products among these nodes. */
export const flopsOf = (nodes: readonly Node[], values: ReadonlyMap<string, ValueSpec>): number =>
  nodes.reduce((sum, node) => sum + matmulFlops(node, values), 0);

function matmulFlops(node: Node, values: ReadonlyMap<string, ValueSpec>): number {
  if (node.op !== 'matmul') return 0;
  const inner = lengthOf(shapeOf(values, inputOf(node)), node.attributes['transA'] ? -2 : -1);
  return 2 * inner * size(shapeOf(values, outputOf(node)));
}
