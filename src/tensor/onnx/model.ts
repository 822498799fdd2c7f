import type { DataType, TypedArray } from '../types.ts';
import { Message } from './protobuf.ts';

/** Numbers of onnx.proto's TensorProto.DataType. */
const TYPE_NUMBERS: Record<DataType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
};

/** Opset 20 and IR version 10, which ONNX Runtime 1.30 reads; contrib ops live in the com.microsoft domain. */
const OPSET = 20;
const IR_VERSION = 10;

/** An attribute as ONNX knows it; `float64` is a scalar tensor, for Constant. */
export type OnnxAttribute =
  | { int: number }
  | { float: number }
  | { float64: number }
  | { string: string }
  | { ints: readonly number[] }
  | { type: DataType };

export interface OnnxNode {
  readonly op: string;
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly data: TypedArray;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly Omit<OnnxTensor, 'data'>[];
  readonly outputs: readonly Omit<OnnxTensor, 'data'>[];
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

function encodeGraph({ nodes, inputs, outputs, initialisers }: OnnxGraph): Message {
  const graph = new Message();
  for (const node of nodes) graph.message(1, encodeNode(node));
  graph.string(2, 'program');
  for (const tensor of initialisers) graph.message(5, encodeTensor(tensor));
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
  if ('float64' in value) {
    const scalar = { name, shape: [], dtype: 'float64' as const, data: Float64Array.of(value.float64) };
    return attribute.message(5, encodeTensor(scalar)).int(20, 4);
  }
  if ('int' in value) return attribute.int(3, value.int).int(20, 2);
  if ('type' in value) return attribute.int(3, TYPE_NUMBERS[value.type]).int(20, 2);
  if ('string' in value) return attribute.string(4, value.string).int(20, 3);
  for (const item of value.ints) attribute.int(8, item);
  return attribute.int(20, 7);
}

function encodeTensor({ name, shape, dtype, data }: OnnxTensor): Message {
  const tensor = new Message();
  for (const length of shape) tensor.int(1, length);
  return tensor
    .int(2, TYPE_NUMBERS[dtype])
    .string(8, name)
    .bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function encodeValue({ name, shape, dtype }: Omit<OnnxTensor, 'data'>): Message {
  const dims = new Message();
  for (const length of shape) dims.message(1, new Message().int(1, length));
  const type = new Message().int(1, TYPE_NUMBERS[dtype]).message(2, dims);
  return new Message().string(1, name).message(2, new Message().message(1, type));
}
