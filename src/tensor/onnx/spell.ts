import { outputOf, size } from '../graph/index.ts';
import type { OnnxAttribute, OnnxNode, RealType } from './model.ts';

/**
 * Emits the nodes that spell one operation in ONNX's own operators: the runtime's fused kernels are float32 and CPU
 * only.
 */
class Spelling {
  readonly nodes: OnnxNode[] = [];
  constructor(
    private readonly prefix: string,
    private readonly real: RealType,
  ) {}

  emit(op: string, inputs: readonly string[], attributes: Record<string, OnnxAttribute> = {}, output?: string): string {
    const name = `${this.prefix}/${op.toLowerCase()}${this.nodes.length}`;
    this.nodes.push({ op, domain: '', name, inputs, outputs: [output ?? name], attributes });
    return output ?? name;
  }

  number(value: number): string {
    return this.emit('Constant', [], { value: { scalar: value, type: this.real } });
  }

  meanOfLastAxis(x: string): string {
    return this.emit('ReduceMean', [x, this.emit('Constant', [], { value_ints: { ints: [-1] } })], {
      keepdims: { int: 1 },
    });
  }
}

export interface MatmulSpec {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
  readonly shapes: readonly (readonly number[])[];
}

/** Transpose + MatMul; the factor goes onto the smaller operand, so that float16 does not overflow before it. */
export function spellMatmul(
  name: string,
  inputs: readonly string[],
  output: string,
  real: RealType,
  { transA, transB, alpha, shapes }: MatmulSpec,
): OnnxNode[] {
  const spelling = new Spelling(name, real);
  const [left = [], right = []] = shapes;
  const smaller = size(left) <= size(right) ? 0 : 1;
  const operands = inputs.map((input, i) => {
    const factored = alpha !== 1 && i === smaller ? spelling.emit('Mul', [input, spelling.number(alpha)]) : input;
    if (!(i === 0 ? transA : transB)) return factored;
    const perm = (i === 0 ? left : right).map((_, axis) => axis);
    perm.push(...perm.splice(-2).reverse());
    return spelling.emit('Transpose', [factored], { perm: { ints: perm } });
  });
  spelling.emit('MatMul', operands, {}, output);
  return spelling.nodes;
}

/**
 * RMS norm of `[x, scale]` with outputs `[y, inverse deviation]`, or layer norm of `[x, scale, bias]` with `[y, mean,
 * inverse deviation]`.
 */
export function spellNorm(
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  real: RealType,
  epsilon: number,
): OnnxNode[] {
  const spelling = new Spelling(name, real);
  const [x, scale, bias] = inputs as [string, string, string | undefined];
  const node = { op: 'norm', name, inputs, outputs };
  const centred =
    bias === undefined
      ? x
      : spelling.emit('Sub', [x, spelling.emit('Identity', [spelling.meanOfLastAxis(x)], {}, outputOf(node, 1))]);
  const variance = spelling.meanOfLastAxis(spelling.emit('Mul', [centred, centred]));
  const deviation = spelling.emit('Sqrt', [spelling.emit('Add', [variance, spelling.number(epsilon)])]);
  const inverse = spelling.emit('Reciprocal', [deviation], {}, outputOf(node, outputs.length - 1));
  const normal = spelling.emit('Mul', [centred, inverse]);
  if (bias === undefined) spelling.emit('Mul', [normal, scale], {}, outputOf(node));
  else spelling.emit('Add', [spelling.emit('Mul', [normal, scale]), bias], {}, outputOf(node));
  return spelling.nodes;
}

/**
 * A function of one operand by way of float64: a GPU's own sine may be off by 2⁻¹¹ (Vulkan's allowance), and providers
 * leave float64 to the CPU.
 */
export function spellInFloat64(name: string, op: string, input: string, output: string): OnnxNode[] {
  const spelling = new Spelling(name, 'float64');
  const wide = spelling.emit('Cast', [input], { to: { type: 'float64' } });
  spelling.emit('Cast', [spelling.emit(op, [wide])], { to: { type: 'float32' } }, output);
  return spelling.nodes;
}
