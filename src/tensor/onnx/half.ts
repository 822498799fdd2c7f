import { TensorError } from '../errors.ts';
import { sameShape } from '../shapes.ts';
import type { Program, TypedArray } from '../types.ts';
import { FLOAT16_MAX, FLOAT16_MIN_NORMAL } from './float16.ts';
import { type OnnxGraph, type OnnxNode, type OnnxTensor, realData } from './model.ts';

/** Operators that stay in float32: sums over an axis, normalisations, and functions that lose digits or leave float16's range. */
const SINGLE = new Set([
  ...['Softmax', 'LogSoftmax', 'ReduceSum', 'ReduceMean', 'ReduceMax', 'LayerNormalization'],
  ...['SimplifiedLayerNormalization', 'Exp', 'Log', 'Sqrt', 'Reciprocal', 'Div', 'Sin', 'Cos', 'Cast'],
  ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'ArgMax', 'ScatterElements'],
]);
/** Matrix products: always float16. */
const PRODUCTS = new Set(['MatMul', 'Gemm']);
const SUMS = new Set(['Add', 'Sub']);

type Real = 'float16' | 'float32';

/**
 * A float32 graph of standard operators as a mixed float16 one, inputs and outputs still float32. Matrix products compute in float16;
 * so does all other work on float16 operands, but for the operators above and for sums of two computed tensors of one shape (the
 * residual stream, gradients). What has a float32 operand, or a constant beyond float16's range (attention masks), stays float32
 * until the next product. Weights and constants are stored in the type in which they are used.
 */
export function halfGraph(graph: OnnxGraph, program: Program): OnnxGraph {
  const statics = new Map(graph.initialisers.map((tensor) => [tensor.name, tensor]));
  const specs = new Map<string, { readonly shape: readonly number[]; readonly dtype: string }>([
    ...program.values,
    ...[...graph.inputs, ...graph.outputs, ...graph.initialisers].map((spec) => [spec.name, spec] as const),
  ]);
  // What a spelled operation computes on its way has no entry.
  const isReal = (name: string) => name !== '' && (specs.get(name)?.dtype ?? 'float32') === 'float32';
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  /** Type of each computed or fed real value. */
  const homes = new Map<string, Real>(graph.inputs.map(({ name }) => [name, 'float32']));
  /** Spelled numbers (Constant), written in the type of their use. */
  const numbers = new Map<string, OnnxNode>();
  const made = new Map<string, string>();
  const nodes: OnnxNode[] = [];
  const initialisers: OnnxTensor[] = [];

  const wideStatics = new Map<string, boolean>();
  const isWide = (name: string): boolean => {
    const tensor = statics.get(name);
    if (!tensor || program.parameters.some((parameter) => parameter.name === name)) return false;
    if (!wideStatics.has(name))
      wideStatics.set(name, 'data' in tensor && (tensor.data as Float32Array).some(beyondHalf));
    return wideStatics.get(name)!;
  };
  const nameOf = (name: string) => (homes.get(name) === 'float16' && outputs.has(name) ? `${name}/half` : name);

  /** The name under which `name` is to be had as `real`. */
  const use = (name: string, real: Real): string => {
    const tensor = statics.get(name);
    if (tensor && !isReal(name)) return once(name, () => void initialisers.push(tensor), name);
    if (!isReal(name)) return name;
    if (!tensor && !numbers.has(name) && homes.get(name) === real) return nameOf(name);
    const alias = real === 'float32' && (tensor || numbers.has(name)) ? name : `${name}/as ${real}`;
    return once(
      `${name} ${real}`,
      () => {
        const number = numbers.get(name);
        if (tensor) initialisers.push({ ...inMemory(tensor), name: alias, dtype: real, data: typed(tensor, real) });
        else if (number) nodes.push({ ...number, name: alias, outputs: [alias], attributes: scalarAs(number, real) });
        else nodes.push(castNode(nameOf(name), alias, real));
      },
      alias,
    );
  };
  const once = (key: string, make: () => void, name: string): string => {
    if (!made.has(key)) make();
    made.set(key, name);
    return name;
  };

  for (const node of graph.nodes) {
    if (node.op === 'Constant' && 'scalar' in (node.attributes['value'] ?? {})) {
      numbers.set(node.outputs[0]!, node);
      continue;
    }
    const real = typeOf(node);
    const inputs = node.inputs.map((name) => use(name, real));
    for (const name of node.outputs) if (isReal(name)) homes.set(name, real);
    nodes.push({ ...node, inputs, outputs: node.outputs.map((name) => (isReal(name) ? nameOf(name) : name)) });
    for (const name of node.outputs) if (nameOf(name) !== name) nodes.push(castNode(nameOf(name), name, 'float32'));
  }
  return { ...graph, nodes, initialisers };

  function typeOf({ op, domain, inputs }: OnnxNode): Real {
    if (domain !== '' || SINGLE.has(op)) return 'float32';
    const operands = inputs.filter(isReal);
    if (operands.some(isWide)) return 'float32';
    if (PRODUCTS.has(op)) return 'float16';
    if (operands.some((name) => homes.get(name) === 'float32')) return 'float32';
    const shapes = operands.map((name) => (homes.has(name) ? specs.get(name)?.shape : undefined));
    if (SUMS.has(op) && shapes[0] && shapes[1] && shapes[0].length > 1 && sameShape(shapes[0], shapes[1]))
      return 'float32';
    return 'float16';
  }
}

function castNode(from: string, to: string, real: Real): OnnxNode {
  return { op: 'Cast', domain: '', name: to, inputs: [from], outputs: [to], attributes: { to: { type: real } } };
}

function inMemory(tensor: OnnxTensor): OnnxTensor & { data: TypedArray | Uint16Array } {
  if ('data' in tensor) return tensor;
  throw new TensorError(
    'toOnnx',
    `the weight '${tensor.name}' lies in ${tensor.file} as ${tensor.dtype} (float16 is made from weights in memory). Load it instead.`,
  );
}

function typed(tensor: OnnxTensor, real: Real): TypedArray | Uint16Array {
  return realData(inMemory(tensor).data as Float32Array, real);
}

function scalarAs(node: OnnxNode, type: Real): OnnxNode['attributes'] {
  const { scalar } = node.attributes['value'] as { scalar: number };
  return { value: { scalar, type } };
}

function beyondHalf(value: number): boolean {
  const size = Math.abs(value);
  return size > FLOAT16_MAX || (size > 0 && size < FLOAT16_MIN_NORMAL);
}
