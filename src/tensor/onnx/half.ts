import { FLOAT16_MAX, FLOAT16_MIN_NORMAL, fromFloat16, toFloat16 } from '../../base/index.ts';
import { outputOf, type Program, sameShape, TensorError, type TypedArray } from '../graph/index.ts';
import { type OnnxGraph, type OnnxNode, type OnnxTensor, realData } from './model.ts';

/**
 * Operators that stay in float32: sums over an axis, normalisations, and functions that lose digits or leave float16's
 * range.
 */
const SINGLE = new Set([
  ...['Softmax', 'LogSoftmax', 'ReduceSum', 'ReduceMean', 'ReduceMax', 'LayerNormalization'],
  ...['SimplifiedLayerNormalization', 'Exp', 'Log', 'Sqrt', 'Reciprocal', 'Div', 'Sin', 'Cos', 'Cast'],
  ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'ArgMax', 'ScatterElements'],
]);
/** Matrix products: always float16. */
const PRODUCTS = new Set(['MatMul', 'Gemm']);
/** Operators that only move numbers, which need no rounding. */
const MOVING = new Set(['Reshape', 'Transpose', 'Expand', 'Slice', 'Split', 'Concat', 'Pad', 'Gather', 'Identity']);
const SUMS = new Set(['Add', 'Sub']);

type Real = 'float16' | 'float32';

/**
 * A float32 graph of standard operators as a mixed float16 one, inputs and outputs still float32. Matrix products
 * compute in float16; so does all other work on float16 operands, but for the operators above and for sums of two
 * computed tensors of one shape (the residual stream, gradients). What has a float32 operand, or a constant beyond
 * float16's range (attention masks), stays float32 until the next product. Weights and constants are stored in the type
 * in which they are used. With `emulate` the same numbers come from a float32 graph that rounds where float16 would:
 * the runtime's CPU provider has no float16 kernels and leaves the rounding between two operations out. (Numbers below
 * 2⁻¹⁴ keep their digits; overflow is infinite as it should be.)
 */
export function halfGraph(graph: OnnxGraph, program: Program, { emulate = false } = {}): OnnxGraph {
  const half = emulate ? 'float32' : 'float16';
  const statics = new Map(graph.initialisers.map((tensor) => [tensor.name, tensor]));
  const specs = new Map<string, { readonly shape: readonly number[]; readonly dtype: string }>([
    ...program.values,
    ...[...graph.inputs, ...graph.outputs, ...graph.initialisers].map((spec) => [spec.name, spec] as const),
  ]);
  // What a spelled operation computes on its way has no entry; it is real where nothing says otherwise.
  const others = new Set(graph.nodes.filter(isOtherType).flatMap(({ outputs }) => outputs));
  for (const { op, inputs, outputs } of graph.nodes)
    if (op !== 'Cast' && others.has(inputs[0] ?? '')) for (const name of outputs) others.add(name);
  const isReal = (name: string) => {
    const spec = specs.get(name);
    return name !== '' && (spec ? spec.dtype === 'float32' : !others.has(name));
  };
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
    const known = wideStatics.get(name);
    if (known !== undefined) return known;
    const wide = 'data' in tensor && (tensor.data as Float32Array).some(beyondHalf);
    wideStatics.set(name, wide);
    return wide;
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
        const dtype = real === 'float16' ? half : real;
        if (tensor) initialisers.push({ ...inMemory(tensor), name: alias, dtype, data: typed(tensor, real, dtype) });
        else if (number) nodes.push(scalarNode(number, alias, real, dtype));
        else nodes.push(...convert(nameOf(name), alias, real));
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
      numbers.set(outputOf(node), node);
      continue;
    }
    const real = typeOf(node);
    const inputs = node.inputs.map((name) => use(name, real));
    for (const name of node.outputs) if (isReal(name)) homes.set(name, real);
    const rounds = emulate && real === 'float16' && !MOVING.has(node.op);
    const target = (name: string) => (isReal(name) ? `${nameOf(name)}${rounds ? '/exact' : ''}` : name);
    nodes.push({ ...node, inputs, outputs: node.outputs.map(target) });
    for (const name of node.outputs) {
      if (rounds && isReal(name)) nodes.push(...roundNodes(target(name), nameOf(name)));
      if (isReal(name) && nameOf(name) !== name) nodes.push(...convert(nameOf(name), name, 'float32'));
    }
  }
  return { ...graph, nodes, initialisers };

  function convert(from: string, to: string, real: Real): OnnxNode[] {
    if (!emulate) return [op('Cast', [from], to, { to: { type: real } })];
    return real === 'float16' ? roundNodes(from, to) : [op('Identity', [from], to)];
  }

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

/** A node that makes something other than a float32 number: integers, or float64 where float32 loses too much. */
function isOtherType({ op, attributes }: OnnxNode): boolean {
  if (op === 'Constant') return !('scalar' in (attributes['value'] ?? {}));
  const to = attributes['to'];
  return op === 'Cast' && to !== undefined && 'type' in to && to.type !== 'float32';
}

function op(type: string, inputs: string[], output: string, attributes: OnnxNode['attributes'] = {}): OnnxNode {
  return { op: type, domain: '', name: `half/${output}`, inputs, outputs: [output], attributes };
}

/** Float32 numbers rounded to float16's 11 bits (Veltkamp 1968: c = (2¹³+1)x, c - (c - x)), infinite from 2¹⁶ on. */
function roundNodes(from: string, to: string): OnnxNode[] {
  const number = (name: string, scalar: number) =>
    op('Constant', [], `${to}/${name}`, { value: { scalar, type: 'float32' } });
  const [split, up, down] = [number('split', 2 ** 13 + 1), number('up', 2 ** 112), number('down', 2 ** -112)];
  const step = (type: string, a: string, b: string, output: string) => op(type, [a, b], output);
  const part = (name: string) => `${to}/${name}`;
  return [
    ...[split, up, down],
    step('Mul', from, part('split'), part('scaled')),
    step('Sub', part('scaled'), from, part('rest')),
    step('Sub', part('scaled'), part('rest'), part('rounded')),
    step('Mul', part('rounded'), part('up'), part('large')),
    step('Mul', part('large'), part('down'), to),
  ];
}

function inMemory(tensor: OnnxTensor): OnnxTensor & { data: TypedArray | Uint16Array } {
  if ('data' in tensor) return tensor;
  throw new TensorError(
    'toOnnx',
    `the weight '${tensor.name}' lies in ${tensor.file} as ${tensor.dtype} (float16 is made from weights in memory). Load it instead.`,
  );
}

/** `tensor` rounded to `real` and stored as `stored`. */
function typed(tensor: OnnxTensor, real: Real, stored: Real): TypedArray | Uint16Array {
  const data = realData(inMemory(tensor).data as Float32Array, real);
  return data instanceof Uint16Array && stored === 'float32' ? fromFloat16(data) : data;
}

function scalarNode(node: OnnxNode, name: string, real: Real, type: Real): OnnxNode {
  const { scalar } = node.attributes['value'] as { scalar: number };
  const [rounded = scalar] = real === 'float16' ? fromFloat16(toFloat16([scalar])) : [];
  return { ...node, name, outputs: [name], attributes: { value: { scalar: rounded, type } } };
}

function beyondHalf(value: number): boolean {
  const size = Math.abs(value);
  return size > FLOAT16_MAX || (size > 0 && size < FLOAT16_MIN_NORMAL);
}
