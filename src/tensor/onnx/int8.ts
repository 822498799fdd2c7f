import { present } from '../../base/index.ts';
import { inputOf, lengthOf, outputOf, type Program, shapeOf, size } from '../graph/index.ts';
import { type QuantisedMatrices, type QuantisedMatrix, weightMatrices, weightRange } from '../weights/index.ts';
import { Emitter } from './emitter.ts';
import type { OnnxNode, OnnxTensor } from './model.ts';
import { type QuantisedRows, RowQuantiser } from './quantise.ts';

const MICROSOFT = 'com.microsoft';

/** A product of two activations has at least this many multiplications (per batch element) to run in integers. */
const WORTHWHILE = 2 ** 22;

/**
 * Which products of a quantised program run in integers: those with quantised weights; the scores of attention (query ·
 * key) too; or the mixing of values as well. Large ones only: turning small operands into bytes costs more than it
 * saves.
 */
export type IntegerAttention = 'none' | 'scores' | 'whole';

/**
 * A value of the program that is not there in one piece yet: matrices [M, width] side by side, still to be multiplied
 * by a scale per row [M, 1]. Operators that work number by number take it as it is, so that the factor costs no pass of
 * its own where the next product has row scales too.
 */
interface Pending {
  readonly pieces: readonly { readonly name: string; readonly width: number }[];
  readonly scale: string | undefined;
}

/**
 * Writes products in integers: the left operand's rows become unsigned bytes with one scale each, the product is exact
 * in 32-bit integers, the column scales come with the integer product and the row scale after it: y[m, n] = row[m] ·
 * column[n] · Σ_k (xq[m, k] - zero) · wq[k, n]. One scale for a whole activation would be at the mercy of one outlier
 * row. The right operand is a quantised weight, or in attention an activation whose columns become signed bytes while
 * it runs.
 */
export class IntegerProducts {
  private readonly to = new Emitter();
  private readonly bytes: RowQuantiser;
  private readonly matrices: ReadonlyMap<string, { readonly key: string }>;
  private readonly pending = new Map<string, Pending>();
  private readonly made = new Set<string>();
  /** Outputs of softmaxes, under other shapes too. */
  private readonly shares = new Set<string>();

  constructor(
    private readonly program: Program,
    private readonly quantised: QuantisedMatrices,
    activationBits: 7 | 8,
    private readonly attention: IntegerAttention = 'none',
  ) {
    this.matrices = new Map([...weightMatrices(program)].filter(([, matrix]) => quantised.has(matrix.key)));
    this.bytes = new RowQuantiser(this.to, activationBits);
  }

  get initialisers(): readonly OnnxTensor[] {
    return this.to.initialisers;
  }

  /** The program's lowered nodes with the products replaced. */
  rewrite(nodes: readonly OnnxNode[]): OnnxNode[] {
    for (const node of nodes) {
      const matrix = this.matrices.get(node.name);
      const later = matrix
        ? this.product(node, present(this.quantised.get(matrix.key), `the quantised matrix ${matrix.key}`), matrix.key)
        : this.passOn(node);
      if (later) {
        this.pending.set(outputOf(node), later);
        continue;
      }
      if (node.op === 'Softmax' || (node.op === 'Reshape' && this.shares.has(inputOf(node))))
        this.shares.add(outputOf(node));
      for (const name of node.inputs) this.finish(name);
      if (this.isAttention(node)) this.attentionProduct(node);
      else this.to.nodes.push(node);
    }
    for (const { value } of this.program.outputs) this.finish(value);
    return this.to.nodes;
  }

  /** x [M, K] · w [K, N]: pieces of x meet ranges of w's rows, blocks of w make pieces of the result. */
  private product(node: OnnxNode, blocks: readonly QuantisedMatrix[], key: string): Pending {
    const [x, out] = [inputOf(node), outputOf(node)];
    const given = this.pending.get(x);
    const [count, inner] = this.shape(x) as [number, number];
    const parts = (given?.pieces ?? [{ name: x, width: inner }]).map(({ name, width }) => ({
      width,
      rows: this.rowsOf(name, count, given?.scale),
    }));
    const [only, ...others] = parts;
    let column = 0;
    const pieces = blocks.map((block, j) => {
      const width = lengthOf(block.data.shape, 1);
      const name = `int8/${key}|columns ${column}`;
      column += width;
      let start = 0;
      const products = parts.map((part, i) => {
        const weight = this.weight(name, block, start, part.width);
        start += part.width;
        const product = this.multiply(`${out}/integer ${j} ${i}`, part.rows.bytes, 'centred', weight);
        return { name: product, scale: part.rows.scale };
      });
      return { products, width };
    });
    if (only && others.length === 0) {
      const whole = pieces.flatMap(({ products, width }) => products.map(({ name }) => ({ name, width })));
      return { pieces: whole, scale: only.rows.scale };
    }
    // Each piece of x has row scales of its own.
    const sums = pieces.map(({ products, width }, j) => {
      const terms = products.map(({ name, scale }) => this.to.emit('Mul', `${name}/scaled`, [name, scale]));
      return { name: terms.reduce((sum, term, i) => this.to.emit('Add', `${out}/sum ${j} ${i}`, [sum, term])), width };
    });
    return { pieces: sums, scale: undefined };
  }

  /** The bytes of a matrix; a row scale that is still due goes into the scales. */
  private rowsOf(x: string, count: number, due: string | undefined): QuantisedRows {
    const { bytes, scale } = this.bytes.rows(x, count, 'centred');
    return { bytes, scale: due ? this.to.emit('Mul', `${x}/scale due`, [scale, due]) : scale };
  }

  private multiply(
    output: string,
    bytes: string,
    kind: 'centred' | 'positive',
    right: { readonly bytes: string; readonly scale: string },
  ): string {
    const one = this.to.constant('int8/one', [], 'float32', Float32Array.of(1));
    const inputs = [bytes, right.bytes, one, right.scale, this.bytes.zeroPoint(kind)];
    return this.to.emit('MatMulIntegerToFloat', output, inputs, {}, MICROSOFT);
  }

  /** A product of two activations, batch by batch, that is to run in integers and large enough to be worth it. */
  private isAttention(node: OnnxNode): boolean {
    if (this.attention === 'none' || (node.op !== 'FusedMatMul' && node.op !== 'MatMul')) return false;
    if (this.attention === 'scores' && this.shares.has(inputOf(node))) return false;
    const shapes = [...node.inputs, ...node.outputs].map((name) => this.program.values.get(name)?.shape);
    const [a, b, out] = shapes as (readonly number[])[];
    if (!a || !b || !out || a.length < 3 || a.length !== b.length) return false;
    if (node.attributes['transA'] && (node.attributes['transA'] as { int: number }).int === 1) return false;
    const lead = a.slice(0, -2);
    return String(lead) === String(b.slice(0, -2)) && lengthOf(a, -1) * size(out.slice(-2)) >= WORTHWHILE;
  }

  /** a [..., M, K] · b [..., K, N] (or b transposed), scores and mixed values of attention. */
  private attentionProduct(node: OnnxNode): void {
    const { to } = this;
    const [a, b] = node.inputs as [string, string];
    const out = outputOf(node);
    const transposed = (node.attributes['transB'] as { int: number } | undefined)?.int === 1;
    const alpha = (node.attributes['alpha'] as { float: number } | undefined)?.float ?? 1;
    const shape = this.shape(a);
    const lead = shape.slice(0, -2);
    const [m, k] = shape.slice(-2) as [number, number];
    const n = lengthOf(this.shape(out), -1);
    const axes = shape.map((_, axis) => axis);
    const swapped = { perm: { ints: [...axes.slice(0, -2), axes.length - 1, axes.length - 2] } };

    const kind = this.shares.has(a) ? 'positive' : 'centred';
    const left = this.bytes.rows(this.flat(a, size(lead) * m, k), size(lead) * m, kind);
    const turned = transposed ? b : to.emit('Transpose', `${b}/turned`, [b], swapped);
    const right = this.bytes.rows(this.flat(turned, size(lead) * n, k), size(lead) * n, 'signed');
    const columns = to.reshape(`${out}/columns`, right.bytes, [...lead, n, k]);
    const product = this.multiply(`${out}/integer`, to.reshape(`${out}/rows`, left.bytes, shape), kind, {
      bytes: to.emit('Transpose', `${out}/right`, [columns], swapped),
      scale: to.reshape(`${out}/column scales`, right.scale, [...lead, 1, n]),
    });
    const factor = to.constant(`int8/factor ${alpha}`, [], 'float32', Float32Array.of(alpha));
    const scale = alpha === 1 ? left.scale : to.emit('Mul', `${out}/row factors`, [left.scale, factor]);
    to.emit('Mul', out, [product, to.reshape(`${out}/row scales`, scale, [...lead, m, 1])]);
  }

  private flat(x: string, rows: number, columns: number): string {
    return this.to.reshape(`${x}/flat`, x, [rows, columns]);
  }

  /** What operators that work number by number make of a pending value; undefined for all others. */
  private passOn(node: OnnxNode): Pending | undefined {
    const [a, b] = node.inputs.map((name) => this.pending.get(name));
    const [x, out] = [inputOf(node), outputOf(node)];
    if (node.op === 'Reshape' && a && this.shape(out).at(-1) === width(a)) return a;
    if (node.op === 'Gelu' && a) {
      const pieces = this.scaled(x, a).map(({ name, width }, i) => ({
        name: this.to.emit('Gelu', `${out}/${i}`, [name], node.attributes),
        width,
      }));
      return { pieces, scale: undefined };
    }
    if (node.op !== 'Mul' || !a || !b || !a.pieces.every(({ width }, i) => width === b.pieces[i]?.width))
      return undefined;
    const pieces = a.pieces.map(({ name, width }, i) => {
      const other = present(b.pieces[i], 'a piece of the other operand').name;
      return { name: this.to.emit('Mul', `${out}/${i}`, [name, other]), width };
    });
    const scale = a.scale && b.scale ? this.to.emit('Mul', `${out}/scale`, [a.scale, b.scale]) : (a.scale ?? b.scale);
    return { pieces, scale };
  }

  private scaled(name: string, { pieces, scale }: Pending): Pending['pieces'] {
    if (!scale) return pieces;
    return pieces.map((piece, i) => ({
      ...piece,
      name: this.to.emit('Mul', `${name}/scaled ${i}`, [piece.name, scale]),
    }));
  }

  /** Makes a pending value whole under its own name. */
  private finish(name: string): void {
    const pending = this.pending.get(name);
    if (!pending || this.made.has(name)) return;
    this.made.add(name);
    const shape = this.shape(name);
    const { pieces, scale } = pending;
    const matrix = shape.length === 2 ? name : `${name}/matrix`;
    const [only, ...others] = pieces;
    if (!only || others.length > 0) {
      const parts = this.scaled(name, pending).map((piece) => piece.name);
      this.to.emit('Concat', matrix, parts, { axis: { int: 1 } });
    } else if (scale) this.to.emit('Mul', matrix, [only.name, scale]);
    else this.to.emit('Identity', matrix, [only.name]);
    if (matrix !== name) this.to.reshape(name, matrix, shape);
  }

  /** Rows `start`… of a block of a quantised matrix, and the scales of its columns. */
  private weight(
    name: string,
    { data, scale }: QuantisedMatrix,
    start: number,
    count: number,
  ): { bytes: string; scale: string } {
    const [rows, columns] = data.shape as [number, number];
    const part = count === rows ? name : `${name}|rows ${start}`;
    return {
      bytes: this.to.place({ name: part, ...weightRange(data, start * columns, [count, columns]) }),
      scale: this.to.place({ name: `${name}/scale`, ...scale }),
    };
  }

  private shape(name: string): readonly number[] {
    return shapeOf(this.program.values, name);
  }
}

const width = ({ pieces }: Pending): number => pieces.reduce((sum, piece) => sum + piece.width, 0);
