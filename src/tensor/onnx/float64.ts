import type { OnnxAttribute, OnnxNode } from './model.ts';

/** Emits the nodes that spell one operation in float64, where the runtime's fused kernels are float32 only. */
class Spelling {
  readonly nodes: OnnxNode[] = [];
  constructor(private readonly prefix: string) {}

  emit(op: string, inputs: readonly string[], attributes: Record<string, OnnxAttribute> = {}, output?: string): string {
    const name = `${this.prefix}/${op.toLowerCase()}${this.nodes.length}`;
    this.nodes.push({ op, domain: '', name, inputs, outputs: [output ?? name], attributes });
    return output ?? name;
  }

  number(value: number): string {
    return this.emit('Constant', [], { value: { float64: value } });
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
  readonly ranks: readonly number[];
}

/** Transpose + MatMul + Mul. */
export function spellMatmul(
  name: string,
  inputs: readonly string[],
  output: string,
  { transA, transB, alpha, ranks }: MatmulSpec,
): OnnxNode[] {
  const spelling = new Spelling(name);
  const operands = inputs.map((input, i) => {
    if (!(i === 0 ? transA : transB)) return input;
    const perm = Array.from({ length: ranks[i]! }, (_, axis) => axis);
    perm.push(...perm.splice(-2).reverse());
    return spelling.emit('Transpose', [input], { perm: { ints: perm } });
  });
  if (alpha === 1) spelling.emit('MatMul', operands, {}, output);
  else spelling.emit('Mul', [spelling.emit('MatMul', operands), spelling.number(alpha)], {}, output);
  return spelling.nodes;
}

/** RMS norm of `[x, scale]` with outputs `[y, inverse deviation]`, or layer norm of `[x, scale, bias]` with `[y, mean, inverse deviation]`. */
export function spellNorm(
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  epsilon: number,
): OnnxNode[] {
  const spelling = new Spelling(name);
  const [x, scale, bias] = inputs as [string, string, string | undefined];
  const centred =
    bias === undefined
      ? x
      : spelling.emit('Sub', [x, spelling.emit('Identity', [spelling.meanOfLastAxis(x)], {}, outputs[1]!)]);
  const variance = spelling.meanOfLastAxis(spelling.emit('Mul', [centred, centred]));
  const deviation = spelling.emit('Sqrt', [spelling.emit('Add', [variance, spelling.number(epsilon)])]);
  const inverse = spelling.emit('Reciprocal', [deviation], {}, outputs.at(-1)!);
  const normal = spelling.emit('Mul', [centred, inverse]);
  if (bias === undefined) spelling.emit('Mul', [normal, scale], {}, outputs[0]!);
  else spelling.emit('Add', [spelling.emit('Mul', [normal, scale]), bias], {}, outputs[0]!);
  return spelling.nodes;
}
