import { TensorError } from '../errors.ts';
import { sameShape } from '../shapes.ts';
import type { Attribute, DataType, FloatAttribute, Node, Parameters, Program, TypedArray } from '../types.ts';
import { spellMatmul, spellNorm } from './float64.ts';
import { encodeModel, type OnnxAttribute, type OnnxNode, type OnnxTensor } from './model.ts';

export type Precision = 'float32' | 'float64';

export interface LowerOptions {
  /** The type of the program's real numbers. */
  readonly precision?: Precision;
  /** Bakes these weights in (prepacked by the runtime); parameters that are not in the map stay inputs. */
  readonly weights?: Parameters;
}

/** Lowers a program to the bytes of an ONNX model. @throws TensorError when a weight's shape is not the parameter's */
export function toOnnx(program: Program, { precision = 'float32', weights }: LowerOptions = {}): Uint8Array {
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
    initialisers.push({ ...parameter, dtype: precision, data: asType(weight.data, precision) });
  }

  const { rename, copies } = outputNames(program);
  const nodes = program.nodes.flatMap((node) => lowerNode(node, program, precision));
  const renamed = (name: string) => rename.get(name) ?? name;
  return encodeModel({
    nodes: [
      ...nodes.map((node) => ({ ...node, inputs: node.inputs.map(renamed), outputs: node.outputs.map(renamed) })),
      ...copies,
    ],
    inputs,
    outputs: program.outputs.map((output) => ({ ...output, dtype: typeOf(output.dtype) })),
    initialisers,
  });
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

function lowerNode(node: Node, program: Program, precision: Precision): OnnxNode[] {
  if (node.op === 'matmul') return lowerMatmul(node, program, precision);
  if (precision === 'float64' && node.op.endsWith('LayerNormalization'))
    return spellNorm(node.name, node.inputs, node.outputs, (node.attributes['epsilon'] as FloatAttribute).float);
  const attributes = Object.entries(node.attributes).map(([key, value]) => [key, lowerAttribute(value, precision)]);
  return [{ ...node, attributes: Object.fromEntries(attributes) }];
}

function lowerAttribute(value: Attribute, precision: Precision): OnnxAttribute {
  if (typeof value === 'number') return { int: value };
  if (typeof value === 'string') return { string: value };
  if ('float' in value) return { float: value.float };
  if ('type' in value) return { type: value.type === 'float32' ? precision : value.type };
  return { ints: value };
}

/**
 * Two axes: Gemm, which transposes and scales for free (plain MatMul where there is nothing to do, so that the runtime can
 * fuse a bias). Batches: FusedMatMul in float32; in float64, where it does not exist, Transpose + MatMul + Mul. A factor
 * that float32 does not hold exactly is not given to Gemm in float64.
 */
function lowerMatmul(node: Node, program: Program, precision: Precision): OnnxNode[] {
  const transA = node.attributes['transA'] as number;
  const transB = node.attributes['transB'] as number;
  const alpha = (node.attributes['alpha'] as FloatAttribute).float;
  const ranks = node.inputs.map((name) => program.values.get(name)!.shape.length);
  const plain = { ...node, attributes: {} };
  if (!transA && !transB && alpha === 1) return [{ ...plain, op: 'MatMul' }];
  const attributes = { transA: { int: transA }, transB: { int: transB }, alpha: { float: alpha } };
  if (ranks.every((rank) => rank === 2) && (precision === 'float32' || alpha === Math.fround(alpha)))
    return [{ ...plain, op: 'Gemm', attributes }];
  if (precision === 'float32') return [{ ...plain, op: 'FusedMatMul', domain: 'com.microsoft', attributes }];
  return spellMatmul(node.name, node.inputs, node.outputs[0]!, {
    transA: transA === 1,
    transB: transB === 1,
    alpha,
    ranks,
  });
}

/** `data` as the typed array of `dtype`, the same array when it already is. */
function asType(data: TypedArray, dtype: DataType): TypedArray {
  if (dtype === 'float32') return data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>);
  if (dtype === 'float64') return data instanceof Float64Array ? data : Float64Array.from(data as ArrayLike<number>);
  return data;
}
