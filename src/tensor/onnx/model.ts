import { dirname, relative } from 'node:path';
import { toFloat16 } from '../../base/index.ts';
import type { DataType, TypedArray } from '../graph/index.ts';
import { byteLength } from '../weights/index.ts';
import { Message } from './protobuf.ts';

/** Types of real numbers that a graph computes in. */
export type RealType = 'float16' | 'float32' | 'float64';
/** Program types, and float16, whose data are its bits. */
export type OnnxType = DataType | 'float16';

/** Numbers of onnx.proto's TensorProto.DataType. */
const TYPE_NUMBERS: Record<OnnxType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
};

/** Opset 20 and IR version 10, which ONNX Runtime 1.30 reads; contrib ops live in the com.microsoft domain. */
const OPSET = 20;
const IR_VERSION = 10;

/** An attribute as ONNX knows it; `scalar` is a tensor of one number, for Constant. */
export type OnnxAttribute =
  | { int: number }
  | { float: number }
  | { scalar: number; type: RealType }
  | { string: string }
  | { ints: readonly number[] }
  | { type: OnnxType };

export interface OnnxNode {
  readonly op: string;
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** Name, shape and type of a graph's input or output. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: OnnxType;
}

/** An initialiser: in the model, or in a file below the graph's `folder`. */
export type OnnxTensor =
  | (OnnxValue & { readonly data: TypedArray | Uint16Array })
  | (OnnxValue & { readonly dtype: DataType; readonly file: string; readonly offset: number });

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initialisers: readonly OnnxTensor[];
}

/** The bytes of an ONNX model file (ModelProto). Field numbers from onnx.proto of ONNX 1.16. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const opset = (domain: string, version: number) => new Message().string(1, domain).int(2, version);
  return new Message()
    .int(1, IR_VERSION)
    .string(2, 'valet')
    .message(7, encodeGraph(graph))
    .message(8, opset('', OPSET))
    .message(8, opset('com.microsoft', 1))
    .finish();
}

function encodeGraph(whole: OnnxGraph): Message {
  const { nodes, inputs, outputs, initialisers } = whole;
  const folder = externalFolder(whole);
  const graph = new Message();
  for (const node of nodes) graph.message(1, encodeNode(node));
  graph.string(2, 'program');
  for (const tensor of initialisers) graph.message(5, encodeTensor(tensor, folder));
  for (const input of inputs) graph.message(11, encodeValue(input));
  for (const output of outputs) graph.message(12, encodeValue(output));
  return graph;
}

function encodeNode({ op, domain, name, inputs, outputs, attributes }: OnnxNode): Message {
  const node = new Message();
  for (const input of inputs) node.string(1, input);
  for (const output of outputs) node.string(2, output);
  node.string(3, name).string(4, op);
  for (const [key, value] of Object.entries(attributes)) node.message(5, encodeAttribute(key, value));
  if (domain) node.string(7, domain);
  return node;
}

function encodeAttribute(name: string, value: OnnxAttribute): Message {
  const attribute = new Message().string(1, name);
  if ('float' in value) return attribute.float(2, value.float).int(20, 1);
  if ('scalar' in value) {
    const scalar = { name, shape: [], dtype: value.type, data: realData([value.scalar], value.type) };
    return attribute.message(5, encodeTensor(scalar)).int(20, 4);
  }
  if ('int' in value) return attribute.int(3, value.int).int(20, 2);
  if ('type' in value) return attribute.int(3, TYPE_NUMBERS[value.type]).int(20, 2);
  if ('string' in value) return attribute.string(4, value.string).int(20, 3);
  for (const item of value.ints) attribute.int(8, item);
  return attribute.int(20, 7);
}

function encodeTensor(tensor: OnnxTensor, folder = ''): Message {
  const message = new Message();
  for (const length of tensor.shape) message.int(1, length);
  message.int(2, TYPE_NUMBERS[tensor.dtype]).string(8, tensor.name);
  if ('data' in tensor) {
    const { buffer, byteOffset, byteLength: length } = tensor.data;
    return message.bytes(9, new Uint8Array(buffer, byteOffset, length));
  }
  const entry = (key: string, value: string | number) => new Message().string(1, key).string(2, String(value));
  return message
    .message(13, entry('location', relative(folder, tensor.file)))
    .message(13, entry('offset', tensor.offset))
    .message(13, entry('length', byteLength(tensor)))
    .int(14, 1); // EXTERNAL
}

/**
 * The folder of all files that the initialisers lie in, from which the model names them; undefined when there are none.
 */
export function externalFolder({ initialisers }: OnnxGraph): string | undefined {
  const folders = initialisers.flatMap((tensor) => ('file' in tensor ? [dirname(tensor.file)] : []));
  if (folders.length === 0) return undefined;
  return folders.reduce((common, folder) => {
    while (relative(common, folder).startsWith('..')) common = dirname(common);
    return common;
  });
}

function encodeValue({ name, shape, dtype }: OnnxValue): Message {
  const dims = new Message();
  for (const length of shape) dims.message(1, new Message().int(1, length));
  const type = new Message().int(1, TYPE_NUMBERS[dtype]).message(2, dims);
  return new Message().string(1, name).message(2, new Message().message(1, type));
}

/** `data` as a tensor of `type` holds it, the same array when it already is. */
export function realData(data: ArrayLike<number | bigint>, type: RealType): Float32Array | Float64Array | Uint16Array {
  const numbers = data as ArrayLike<number>;
  if (type === 'float16') return toFloat16(numbers);
  if (type === 'float32') return data instanceof Float32Array ? data : Float32Array.from(numbers);
  return data instanceof Float64Array ? data : Float64Array.from(numbers);
}
