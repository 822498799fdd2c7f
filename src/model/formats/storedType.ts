import { FormatError } from './byteReader.ts';

/** Element types as checkpoints store them, with their size in bytes. */
export const STORED_BYTES = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  uint8: 1,
  bool: 1,
} as const;
export type StoredType = keyof typeof STORED_BYTES;

const NUMPY: Record<string, StoredType> = {
  f8: 'float64',
  f4: 'float32',
  f2: 'float16',
  i8: 'int64',
  i4: 'int32',
  i2: 'int16',
  i1: 'int8',
  u8: 'uint64',
  u4: 'uint32',
  u2: 'uint16',
  u1: 'uint8',
  b1: 'bool',
};

/** The type that a zarr array names: numpy's `<f4`, or a plain name such as `bfloat16`. @throws FormatError for one that is not read */
export function storedType(name: unknown): { dtype: StoredType; bigEndian: boolean } {
  const text = String(name);
  const found = Object.hasOwn(STORED_BYTES, text) ? (text as StoredType) : NUMPY[text.slice(1)];
  if (!found || (found !== text && !/^[<>|]/.test(text)))
    throw new FormatError(`has elements of the type ${text}, which is not read`);
  return { dtype: found, bigEndian: text.startsWith('>') && STORED_BYTES[found] > 1 };
}

/** Swaps the byte order of elements of `size` bytes, in place. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (size === 2) view.swap16();
  else if (size === 4) view.swap32();
  else if (size === 8) view.swap64();
}

/** Types that a leaf can be turned into while it is copied. */
export type TargetType = StoredType | 'same';

/**
 * A function that turns little-endian elements of `from` into those of `to`, piece by piece (whole elements). Widening is exact;
 * narrowing rounds to the nearest, ties to even. The result may be a view of memory that the next call uses again.
 * @throws FormatError for a pair that is not built
 */
export function converter(from: StoredType, to: TargetType): (bytes: Uint8Array) => Uint8Array {
  if (to === 'same' || from === to) return (bytes) => bytes;
  let out = new Uint8Array(0);
  let input = new Uint8Array(0);
  return (bytes) => {
    const count = bytes.length / STORED_BYTES[from];
    if (out.length < count * STORED_BYTES[to]) out = new Uint8Array(count * STORED_BYTES[to]);
    if (input.length < bytes.length) input = new Uint8Array(bytes.length);
    const isAligned = bytes.byteOffset % 8 === 0;
    if (!isAligned) input.set(bytes);
    const aligned = isAligned ? bytes : input.subarray(0, bytes.length);
    const result = out.subarray(0, count * STORED_BYTES[to]);
    convert(aligned, from, result, to, count);
    return result;
  };
}

function convert(bytes: Uint8Array, from: StoredType, result: Uint8Array, to: StoredType, count: number): void {
  const { buffer, byteOffset } = bytes;
  if (to === 'float32') {
    if (from === 'bfloat16') {
      const halves = new Uint16Array(buffer, byteOffset, count);
      const bits = new Uint32Array(result.buffer, 0, count);
      for (let i = 0; i < count; i++) bits[i] = halves[i]! << 16;
      return;
    }
    const floats = new Float32Array(result.buffer, 0, count);
    if (from === 'float16') {
      const halves = new Uint16Array(buffer, byteOffset, count);
      for (let i = 0; i < count; i++) floats[i] = HALF[halves[i]!]!;
      return;
    }
    const source =
      from === 'float64'
        ? new Float64Array(buffer, byteOffset, count)
        : from === 'int32'
          ? new Int32Array(buffer, byteOffset, count)
          : from === 'int8'
            ? new Int8Array(buffer, byteOffset, count)
            : from === 'uint8' || from === 'bool'
              ? bytes.subarray(0, count)
              : undefined;
    if (source) {
      floats.set(source);
      return;
    }
  }
  if (to === 'int32' && (from === 'int16' || from === 'uint16')) {
    const wide = new Int32Array(result.buffer, 0, count);
    wide.set(from === 'int16' ? new Int16Array(buffer, byteOffset, count) : new Uint16Array(buffer, byteOffset, count));
    return;
  }
  if (to === 'bfloat16' && from === 'float32') {
    const bits = new Uint32Array(buffer, byteOffset, count);
    const halves = new Uint16Array(result.buffer, 0, count);
    for (let i = 0; i < count; i++) halves[i] = toBfloat16(bits[i]!);
    return;
  }
  throw new FormatError(`has elements of the type ${from}, which cannot become ${to}`);
}

/** The bits of a float32 rounded to bfloat16, nearest, ties to even; NaN stays NaN. */
function toBfloat16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) / 65536) & 0xffff;
}

/** Every float16 as a number. IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
const HALF = (() => {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else if (exponent === 31) table[bits] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
})();

/** Little-endian bytes of a type as float32 numbers; the view is valid until the next call. */
export function toFloat32(from: StoredType): (bytes: Uint8Array) => Float32Array {
  const convert = converter(from, 'float32');
  return (bytes) => {
    const result = convert(bytes);
    const aligned = result.byteOffset % 4 === 0 ? result : result.slice();
    return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
  };
}
