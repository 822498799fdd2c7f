import {
  type Attribute,
  type DataType,
  type FloatAttribute,
  inputOf,
  type Node,
  outputOf,
  type Program,
  sameShape,
  shapeOf,
  TensorError,
  type TypedArray,
} from '../graph/index.ts';
import { isStored, type QuantisedMatrices, type Weight, type Weights } from '../weights/index.ts';
import { fuseGelu } from './fuse.ts';
import { halfGraph } from './half.ts';
import { type IntegerAttention, IntegerProducts } from './int8.ts';
import { encodeModel, type OnnxAttribute, type OnnxGraph, type OnnxNode, type OnnxTensor } from './model.ts';
import { spellInFloat64, spellMatmul, spellNorm } from './spell.ts';

/** Real numbers of a program: float16 mixes, with float32 inputs and outputs (`halfGraph`). */
export type Precision = 'float32' | 'float64' | 'float16';
/**
 * What the graph is written in: the runtime's own fused operators too (its CPU provider), or ONNX's standard ones alone
 * (any provider).
 */
export type Operators = 'fused' | 'standard';
type Real = Exclude<Precision, 'float16'>;

export interface LowerOptions {
  /** The type of the program's real numbers. */
  readonly precision?: Precision;
  /**
   * float16 by float32 operations that round as float16 does: what the CPU provider can compute (`halfGraph`). False
   * when left out.
   */
  readonly emulateFloat16?: boolean;
  /** 'fused' when left out; float16 is always written in standard operators. */
  readonly operators?: Operators;
  /** Bakes these weights in (prepacked by the runtime); parameters that are not in the map stay inputs. */
  readonly weights?: Weights;
  /** Products with these matrices are computed in integers; their weights need not be given. */
  readonly quantised?: QuantisedMatrices;
  /** Bits of a quantised activation: 8, or 7 for a CPU whose byte products saturate. 8 when left out. */
  readonly activationBits?: 7 | 8;
  /** With quantised matrices: whether large products of attention run in integers too. 'none' when left out. */
  readonly integerAttention?: IntegerAttention;
}

/** Lowers a program to the bytes of an ONNX model. @throws TensorError when a weight's shape is not the parameter's */
export function toOnnx(program: Program, options: LowerOptions = {}): Uint8Array {
  return encodeModel(lowerProgram(program, options));
}

/** The graph that `toOnnx` writes. Weights that no node needs any more are left out. */
export function lowerProgram(
  program: Program,
  {
    precision: wanted = 'float32',
    operators = 'fused',
    emulateFloat16: emulate = false,
    weights,
    quantised = new Map(),
    activationBits = 8,
    integerAttention = 'none',
  }: LowerOptions = {},
): OnnxGraph {
  if (quantised.size > 0 && (wanted !== 'float32' || operators === 'standard'))
    throw new TensorError(
      'toOnnx',
      'quantised products need float32 and the CPU. Leave the precision and the device out.',
    );
  if (wanted === 'float16')
    return halfGraph(lowerProgram(program, { operators: 'standard', ...(weights ? { weights } : {}) }), program, {
      emulate,
    });
  const precision: Real = wanted;
  const typeOf = (dtype: DataType): DataType => (dtype === 'float32' ? precision : dtype);
  const initialisers: OnnxTensor[] = program.constants.map((constant) => ({
    ...constant,
    dtype: typeOf(constant.dtype),
    data: asType(constant.data, typeOf(constant.dtype)),
  }));
  const inputs = program.inputs.map((input) => ({ ...input, dtype: typeOf(input.dtype) }));
  for (const parameter of program.parameters) {
    const weight = weights?.get(parameter.name);
    if (!weight) {
      inputs.push({ ...parameter, dtype: precision });
      continue;
    }
    if (!sameShape(weight.shape, parameter.shape))
      throw new TensorError(
        'toOnnx',
        `the weight '${parameter.name}' has the wrong shape (got [${weight.shape}], expected [${parameter.shape}]).`,
      );
    initialisers.push({ ...parameter, ...baked(weight, parameter.name, precision) });
  }

  const { rename, copies } = outputNames(program);
  const spelled = program.nodes.flatMap((node) => lowerNode(node, program, precision, operators));
  const fused = precision === 'float32' && operators === 'fused' ? fuseGelu(spelled, program) : spelled;
  const integer = new IntegerProducts(program, quantised, activationBits, integerAttention);
  const nodes = quantised.size > 0 ? integer.rewrite(fused) : fused;
  initialisers.push(...integer.initialisers);
  const renamed = (name: string) => rename.get(name) ?? name;
  const graph = {
    nodes: [
      ...nodes.map((node) => ({ ...node, inputs: node.inputs.map(renamed), outputs: node.outputs.map(renamed) })),
      ...copies,
    ],
    inputs,
    outputs: program.outputs.map((output) => ({ ...output, dtype: typeOf(output.dtype) })),
    initialisers,
  };
  return quantised.size === 0 ? graph : withoutUnused(graph, new Set(program.parameters.map(({ name }) => name)));
}

/** Drops nodes that no output needs, and weights (not inputs) that no node needs. */
function withoutUnused(graph: OnnxGraph, parameters: ReadonlySet<string>): OnnxGraph {
  const live = new Set(graph.outputs.map(({ name }) => name));
  const nodes: OnnxNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => live.has(name))) continue;
    for (const name of node.inputs) live.add(name);
    nodes.push(node);
  }
  return {
    nodes: nodes.reverse(),
    inputs: graph.inputs.filter(({ name }) => live.has(name) || !parameters.has(name)),
    outputs: graph.outputs,
    initialisers: graph.initialisers.filter(({ name }) => live.has(name)),
  };
}

/** A weight as the program's real type; one that stays in its file must have that type there. */
function baked(weight: Weight, name: string, precision: Real): Weight {
  if (!isStored(weight)) return { ...weight, dtype: precision, data: asType(weight.data, precision) };
  if (weight.dtype === precision && !weight.packed) return weight;
  throw new TensorError(
    'toOnnx',
    `the weight '${name}' lies in ${weight.file} as ${weight.packed ?? weight.dtype} (expected ${precision}). Load it instead.`,
  );
}

/** Values that are computed take an output's name; inputs, constants and second names need a copy. */
function outputNames(program: Program): { rename: Map<string, string>; copies: OnnxNode[] } {
  const computed = new Set(program.nodes.flatMap((node) => node.outputs));
  const rename = new Map<string, string>();
  const copies: OnnxNode[] = [];
  for (const { name, value } of program.outputs) {
    if (computed.has(value) && !rename.has(value)) rename.set(value, name);
    else
      copies.push({
        op: 'Identity',
        domain: '',
        name: `output ${name}`,
        inputs: [rename.get(value) ?? value],
        outputs: [name],
        attributes: {},
      });
  }
  return { rename, copies };
}

function lowerNode(node: Node, program: Program, precision: Real, operators: Operators): OnnxNode[] {
  if (node.op === 'matmul') return lowerMatmul(node, program, precision, operators);
  if (operators === 'standard' && precision === 'float32' && (node.op === 'Sin' || node.op === 'Cos'))
    return spellInFloat64(node.name, node.op, inputOf(node), outputOf(node));
  if (spelledNorms(precision, operators).includes(node.op))
    return spellNorm(
      node.name,
      node.inputs,
      node.outputs,
      precision,
      (node.attributes['epsilon'] as FloatAttribute).float,
    );
  const attributes = Object.entries(node.attributes).map(([key, value]) => [key, lowerAttribute(value, precision)]);
  return [{ ...node, attributes: Object.fromEntries(attributes) }];
}

function lowerAttribute(value: Attribute, precision: Real): OnnxAttribute {
  if (typeof value === 'number') return { int: value };
  if (typeof value === 'string') return { string: value };
  if ('float' in value) return { float: value.float };
  if ('type' in value) return { type: value.type === 'float32' ? precision : value.type };
  return { ints: value };
}

/**
 * Normalisations that are written out: the fused kernels are float32 only, and of other providers the statistics are
 * wrong.
 */
function spelledNorms(precision: Real, operators: Operators): string[] {
  return precision === 'float64' || operators === 'standard'
    ? ['LayerNormalization', 'SimplifiedLayerNormalization']
    : [];
}

/**
 * Two axes: Gemm, which transposes and scales for free (plain MatMul where there is nothing to do, so that the runtime
 * can fuse a bias). Batches: FusedMatMul in float32 on the CPU; elsewhere, where it does not exist, Transpose + Mul +
 * MatMul. A factor that float32 does not hold exactly is not given to Gemm in float64.
 */
function lowerMatmul(node: Node, program: Program, precision: Real, operators: Operators): OnnxNode[] {
  const transA = node.attributes['transA'] as number;
  const transB = node.attributes['transB'] as number;
  const alpha = (node.attributes['alpha'] as FloatAttribute).float;
  const shapes = node.inputs.map((name) => shapeOf(program.values, name));
  const plain = { ...node, attributes: {} };
  if (!transA && !transB && alpha === 1) return [{ ...plain, op: 'MatMul' }];
  const attributes = { transA: { int: transA }, transB: { int: transB }, alpha: { float: alpha } };
  if (shapes.every((shape) => shape.length === 2) && (precision === 'float32' || alpha === Math.fround(alpha)))
    return [{ ...plain, op: 'Gemm', attributes }];
  if (precision === 'float32' && operators === 'fused')
    return [{ ...plain, op: 'FusedMatMul', domain: 'com.microsoft', attributes }];
  const spec = { transA: transA === 1, transB: transB === 1, alpha, shapes };
  return spellMatmul(node.name, node.inputs, outputOf(node), precision, spec);
}

/** `data` as the typed array of `dtype`, the same array when it already is. */
function asType(data: TypedArray, dtype: DataType): TypedArray {
  if (dtype === 'float32') return data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>);
  if (dtype === 'float64') return data instanceof Float64Array ? data : Float64Array.from(data as ArrayLike<number>);
  return data;
}
