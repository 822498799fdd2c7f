import { fromFloat16, InputError } from '../base/index.ts';
import { type Dtype, parseDtype } from './dtype.ts';

/**
 * A numpy scalar that keeps its type (`np.float32(0.1)`); the official writer sends float64, text and bytes scalars as
 * plain values.
 */
export class NumpyScalar {
  readonly dtype: string;
  constructor(
    dtype: string,
    readonly value: number | bigint | boolean,
  ) {
    const { canonical, kind, size } = parseDtype(dtype);
    this.dtype = canonical;
    if (kind === 'b' ? typeof value !== 'boolean' : kind === 'f' ? typeof value !== 'number' : !fits(kind, size, value))
      throw new InputError(
        'numpy scalar',
        `a value of type ${typeof value} does not fit ${canonical} (got ${String(value).slice(0, 30)}).`,
      );
    if (kind === 'f' && size === 4) this.value = Math.fround(value as number);
  }
}

function fits(kind: Dtype['kind'], size: number, value: unknown): boolean {
  if (kind !== 'i' && kind !== 'u') return false;
  if (typeof value === 'number' ? !Number.isInteger(value) : typeof value !== 'bigint') return false;
  const bits = BigInt(8 * size);
  const [low, high] = kind === 'u' ? [0n, 2n ** bits] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n)];
  const big = BigInt(value as bigint);
  return big >= low && big < high;
}

/** The most axes an array may have (numpy 1's limit). */
const MAX_AXES = 32;

/**
 * A numpy array: `bytes` are its elements in C order and in `dtype`'s byte order, a view of the message they came in.
 */
export class NumpyArray {
  readonly dtype: string;
  readonly bytes: Uint8Array;
  private readonly element: Dtype;

  /**
   * @throws InputError when the type is not plain, an extent is no natural number, or the bytes are too few; surplus
   * bytes are dropped, as numpy does
   */
  constructor(
    dtype: string,
    readonly shape: readonly number[],
    bytes: Uint8Array,
  ) {
    this.element = parseDtype(dtype);
    this.dtype = this.element.canonical;
    if (shape.length > MAX_AXES)
      throw new InputError('numpy array', `has ${shape.length} axes (expected ${MAX_AXES} at most).`);
    let needed = this.element.size;
    let empty = false;
    for (const extent of shape) {
      if (!Number.isSafeInteger(extent) || extent < 0)
        throw new InputError('numpy array', `an extent is no natural number (got ${String(extent).slice(0, 30)}).`);
      if (extent === 0) empty = true;
      else needed *= extent;
    }
    // Like numpy, the product without the zero extents must be a possible size even when the array is empty.
    if (needed > Number.MAX_SAFE_INTEGER)
      throw new InputError('numpy array', `shape [${shape.slice(0, 8)}] is too large.`);
    if (empty) needed = 0;
    if (bytes.byteLength < needed)
      throw new InputError(
        'numpy array',
        `shape [${shape.slice(0, 8)}] of ${this.dtype} needs ${needed} bytes (got ${bytes.byteLength}).`,
      );
    this.bytes = bytes.byteLength === needed ? bytes : bytes.subarray(0, needed);
  }

  /** The array of a typed array, in the machine's (little-endian) order. No copy. */
  static of(
    data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array,
    shape: readonly number[] = [data.length],
  ): NumpyArray {
    return new NumpyArray(dtypeOf(data), shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  /** Number of elements. */
  get size(): number {
    return this.shape.reduce((product, extent) => product * extent, 1);
  }

  /** The elements as bytes when they are uint8 (a view, no copy). */
  uint8(): Uint8Array {
    if (this.dtype !== '|u1') throw new InputError('numpy array', `holds ${this.dtype} (expected uint8).`);
    return this.bytes;
  }

  /**
   * The elements as float32: a view where type and alignment allow it, else a converted copy. Numbers and booleans
   * only.
   */
  float32(): Float32Array {
    const { bytes, size } = this;
    if (this.dtype === '<f4') {
      if (bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, size);
      return new Float32Array(bytes.slice().buffer);
    }
    return Float32Array.from({ length: size }, (_, i) => Number(this.at(i)));
  }

  /** Element `i` in C order; 64-bit integers come as bigint. */
  at(i: number): number | bigint | boolean {
    const { kind, size, bigEndian } = this.element;
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + i * size, size);
    const little = !bigEndian;
    if (kind === 'b') return view.getUint8(0) !== 0;
    if (kind === 'f')
      return size === 8
        ? view.getFloat64(0, little)
        : size === 4
          ? view.getFloat32(0, little)
          : halfToNumber(view.getUint16(0, little));
    if (kind === 'i')
      return size === 8
        ? view.getBigInt64(0, little)
        : size === 4
          ? view.getInt32(0, little)
          : size === 2
            ? view.getInt16(0, little)
            : view.getInt8(0);
    if (kind === 'u')
      return size === 8
        ? view.getBigUint64(0, little)
        : size === 4
          ? view.getUint32(0, little)
          : size === 2
            ? view.getUint16(0, little)
            : view.getUint8(0);
    throw new InputError('numpy array', `holds ${this.dtype} (expected numbers or booleans).`);
  }
}

export function dtypeOf(data: object): string {
  if (data instanceof Float32Array) return '<f4';
  if (data instanceof Float64Array) return '<f8';
  if (data instanceof Int32Array) return '<i4';
  if (data instanceof BigInt64Array) return '<i8';
  if (data instanceof Uint8Array) return '|u1';
  throw new InputError('numpy array', `no element type for ${data.constructor?.name ?? 'this value'}.`);
}

const halfToNumber = (bits: number): number => fromFloat16(Uint16Array.of(bits)).at(0) ?? Number.NaN;
