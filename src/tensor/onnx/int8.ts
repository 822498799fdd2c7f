import type { QuantisedMatrices, QuantisedMatrix } from '../int8.ts';
import type { Node, Program } from '../types.ts';
import { type WeightMatrix, weightMatrices } from '../weight-matrix.ts';
import type { OnnxAttribute, OnnxNode, OnnxTensor } from './model.ts';

const MICROSOFT = 'com.microsoft';

/**
 * Products with a quantised weight: the activation's rows become unsigned bytes with one scale each (zero point 128), the product is
 * exact in 32-bit integers, the column scales come with the integer product and the row scale after it:
 * y[m, n] = row[m] · column[n] · Σ_k (xq[m, k] - 128) · wq[k, n]. One scale for a whole activation would be at the mercy of one outlier row.
 */
export class Int8Products {
  readonly initialisers: OnnxTensor[] = [];
  private readonly matrices: ReadonlyMap<string, WeightMatrix>;
  private readonly activations = new Map<string, { quantised: string; scale: string; nodes: OnnxNode[] }>();
  private readonly placed = new Set<string>();

  constructor(
    private readonly program: Program,
    private readonly quantised: QuantisedMatrices,
    /** 8 where the CPU multiplies bytes without saturation; 7 keeps pairs of products within 16 bits. */
    private readonly activationBits: 7 | 8,
  ) {
    this.matrices = new Map([...weightMatrices(program)].filter(([, matrix]) => quantised.has(matrix.key)));
  }

  /** The nodes of a product whose weight is quantised; undefined for any other node. */
  lower(node: Node): OnnxNode[] | undefined {
    const matrix = this.matrices.get(node.name);
    if (!matrix) return undefined;
    const known = this.activations.get(node.inputs[0]!);
    const { quantised, scale, nodes } = known ?? this.quantiseRows(node.inputs[0]!);
    const weight = `int8/${matrix.key}`;
    this.weight(weight, this.quantised.get(matrix.key)!);
    const out = node.outputs[0]!;
    return [
      ...(known ? [] : nodes),
      op(
        'MatMulIntegerToFloat',
        `${out}/integer`,
        [quantised, weight, 'int8/one', `${weight}/scale`, this.scalarZero()],
        {},
        MICROSOFT,
      ),
      op('Mul', out, [`${out}/integer`, scale]),
    ];
  }

  /** x [M, K] → bytes [M, K] and scales [M, 1] = max|row| / 127. */
  private quantiseRows(x: string): { quantised: string; scale: string; nodes: OnnxNode[] } {
    const [rows] = this.program.values.get(x)!.shape as [number, number];
    const steps = 2 ** (this.activationBits - 1) - 1;
    this.constant('int8/one', [], 'float32', Float32Array.of(1));
    this.constant('int8/steps', [], 'float32', Float32Array.of(1 / steps));
    this.constant('int8/least', [], 'float32', Float32Array.of(1e-30));
    this.constant('int8/last', [1], 'int64', BigInt64Array.of(-1n));
    const zeros = `int8/zeros ${rows}`;
    this.constant(zeros, [rows], 'uint8', new Uint8Array(rows).fill(steps + 1));
    const name = (what: string) => `${x}/${what}`;
    // The largest magnitude from the largest and the smallest number: two passes that write nothing, where Abs would write a whole activation.
    const nodes = [
      op('ReduceMax', name('highest'), [x, 'int8/last'], { keepdims: { int: 1 } }),
      op('ReduceMin', name('lowest'), [x, 'int8/last'], { keepdims: { int: 1 } }),
      op('Neg', name('depth'), [name('lowest')]),
      op('Max', name('largest'), [name('highest'), name('depth')]),
      op('Mul', name('step'), [name('largest'), 'int8/steps']),
      op('Max', name('scale'), [name('step'), 'int8/least']),
      op('Reshape', name('scales'), [name('scale'), 'int8/last']),
      op('QuantizeLinear', name('bytes'), [x, name('scales'), zeros], { axis: { int: 0 } }),
    ];
    const made = { quantised: name('bytes'), scale: name('scale'), nodes };
    this.activations.set(x, made);
    return made;
  }

  private weight(name: string, { data, scale }: QuantisedMatrix): void {
    if (this.placed.has(name)) return;
    this.placed.add(name);
    this.initialisers.push({ name, ...data }, { name: `${name}/scale`, ...scale });
  }

  private scalarZero(): string {
    return this.constant('int8/zero', [], 'uint8', Uint8Array.of(2 ** (this.activationBits - 1)));
  }

  private constant(name: string, shape: number[], dtype: 'float32' | 'int64' | 'uint8', data: OnnxTensorData): string {
    if (!this.placed.has(name)) this.initialisers.push({ name, shape, dtype, data });
    this.placed.add(name);
    return name;
  }
}

type OnnxTensorData = Float32Array | BigInt64Array | Uint8Array;

function op(
  type: string,
  output: string,
  inputs: readonly string[],
  attributes: Record<string, OnnxAttribute> = {},
  domain = '',
): OnnxNode {
  return { op: type, domain, name: output, inputs, outputs: [output], attributes };
}
