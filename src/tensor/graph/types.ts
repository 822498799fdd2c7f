/**
 * Element types of program values. `float32` means "the program's real type": the float64 lowering turns every
 * float32 value (and constant) into float64, so one program serves training and gradient checks.
 */
export type DataType = 'float32' | 'float64' | 'int64' | 'int32' | 'uint8' | 'int8' | 'bool';

export type TypedArray = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array | Int8Array;

/** An array in memory: row-major `data` of `shape`. `bool` is stored as Uint8Array of 0 and 1. */
export interface NdArray {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly data: TypedArray;
}

/** Weights by name: a flat map from the original tree's names to arrays. */
export type Parameters = Map<string, NdArray>;

/**
 * Name, shape and type of a program's input, parameter or output; `axes` names the axes where the builder gave names.
 */
export interface ValueSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly axes?: readonly string[];
}

/** A float attribute (a plain number is written as an integer attribute). */
export interface FloatAttribute {
  readonly float: number;
}

/** A data type attribute; `float32` follows the precision of the lowering. */
export interface TypeAttribute {
  readonly type: DataType;
}

export type Attribute = number | string | readonly number[] | FloatAttribute | TypeAttribute;

/** One operation: an ONNX operator, or the program's own `matmul` that each lowering spells in its own way. */
export interface Node {
  readonly op: string;
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A constant; real-valued constants are kept in float64 and rounded by the lowering. */
export interface Constant extends ValueSpec {
  readonly data: TypedArray;
}

/** A finished program: what `Builder.build()` returns and `toOnnx` and `ProgramSession.create` take. Plain data. */
export interface Program {
  readonly inputs: readonly ValueSpec[];
  /** The inputs that are weights. */
  readonly parameters: readonly ValueSpec[];
  readonly outputs: readonly (ValueSpec & { readonly value: string })[];
  readonly nodes: readonly Node[];
  /** Nodes with which sections begin, such as a layer and what follows it: where few values are alive. Ascending. */
  readonly cuts: readonly number[];
  readonly constants: readonly Constant[];
  /** Shapes and types of every value by name. */
  readonly values: ReadonlyMap<string, ValueSpec>;
  /** Floating point operations of the program's matrix products (a multiply-add counts two). */
  readonly flops: number;
}
