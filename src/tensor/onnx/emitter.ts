import type { OnnxAttribute, OnnxNode, OnnxTensor } from './model.ts';

type Constant = Float32Array | BigInt64Array | Uint8Array | Int8Array;

/** Nodes and constants that a rewriting adds to a graph; every node has one output, which names it. */
export class Emitter {
  readonly nodes: OnnxNode[] = [];
  readonly initialisers: OnnxTensor[] = [];
  private readonly placed = new Set<string>();

  emit(
    op: string,
    output: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    domain = '',
  ): string {
    this.nodes.push({ op, domain, name: output, inputs, outputs: [output], attributes });
    return output;
  }

  /** Places a tensor once. */
  place(tensor: OnnxTensor): string {
    if (!this.placed.has(tensor.name)) this.initialisers.push(tensor);
    this.placed.add(tensor.name);
    return tensor.name;
  }

  constant(
    name: string,
    shape: readonly number[],
    dtype: 'float32' | 'int64' | 'uint8' | 'int8',
    data: Constant,
  ): string {
    return this.place({ name, shape, dtype, data });
  }

  reshape(output: string, input: string, shape: readonly number[]): string {
    const target = this.constant(`emitted shape ${shape}`, [shape.length], 'int64', BigInt64Array.from(shape, BigInt));
    return this.emit('Reshape', output, [input, target]);
  }
}
