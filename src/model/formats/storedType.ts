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

/**
 * The type that a zarr array names: numpy's `<f4`, or a plain name such as `bfloat16`. @throws FormatError for one that
 * is not read
 */
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
 * A function that turns little-endian elements of `from` into those of `to`, piece by piece (whole elements). Widening
 * is exact; narrowing rounds to the nearest, ties to even. The result may be a view of memory that the next call uses
 * again.
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
    const source = numbersOf(bytes, from, count);
    if (isBig(source)) for (let i = 0; i < count; i++) floats[i] = Number(source[i]);
    else floats.set(source);
    return;
  }
  if (to === 'int32' && (from === 'int16' || from === 'uint16')) {
    const wide = new Int32Array(result.buffer, 0, count);
    wide.set(from === 'int16' ? new Int16Array(buffer, byteOffset, count) : new Uint16Array(buffer, byteOffset, count));
    return;
  }
  if (to === 'int64' && from === 'uint32') {
    const wide = new BigInt64Array(result.buffer, 0, count);
    const narrow = new Uint32Array(buffer, byteOffset, count);
    for (let i = 0; i < count; i++) wide[i] = BigInt(narrow[i]!);
    return;
  }
  if (to === 'bfloat16') {
    const halves = new Uint16Array(result.buffer, 0, count);
    if (from === 'float32') {
      const bits = new Uint32Array(buffer, byteOffset, count);
      for (let i = 0; i < count; i++) halves[i] = toBfloat16(bits[i]!);
    } else {
      const source = numbersOf(bytes, from, count);
      for (let i = 0; i < count; i++) halves[i] = toBfloat16(roundedToOdd(Number(source[i])));
    }
    return;
  }
  throw new FormatError(`has elements of the type ${from}, which cannot become ${to}`);
}

/** Numbers of any stored type; 64-bit integers as they are. */
type Numbers =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;
type BigNumbers = BigInt64Array | BigUint64Array;
const isBig = (numbers: Numbers | BigNumbers): numbers is BigNumbers =>
  numbers instanceof BigInt64Array || numbers instanceof BigUint64Array;

/** Little-endian elements, aligned, as numbers: a view where a typed array fits, 16-bit floats widened. */
function numbersOf({ buffer, byteOffset: at }: Uint8Array, from: StoredType, count: number): Numbers | BigNumbers {
  switch (from) {
    case 'float64':
      return new Float64Array(buffer, at, count);
    case 'float32':
      return new Float32Array(buffer, at, count);
    case 'float16':
      return Float32Array.from(new Uint16Array(buffer, at, count), (bits) => HALF[bits]!);
    case 'bfloat16':
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer, at, count), (bits) => bits << 16).buffer);
    case 'int64':
      return new BigInt64Array(buffer, at, count);
    case 'uint64':
      return new BigUint64Array(buffer, at, count);
    case 'int32':
      return new Int32Array(buffer, at, count);
    case 'uint32':
      return new Uint32Array(buffer, at, count);
    case 'int16':
      return new Int16Array(buffer, at, count);
    case 'uint16':
      return new Uint16Array(buffer, at, count);
    case 'int8':
      return new Int8Array(buffer, at, count);
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer, at, count);
  }
}

const one = new Float32Array(1);
const oneBits = new Uint32Array(one.buffer);

/**
 * The bits of x as a float32 rounded to odd: what is lost stays visible in the last bit, so that rounding again is
 * rounding once (Boldo & Melquiond 2008).
 */
function roundedToOdd(x: number): number {
  one[0] = x;
  const rounded = one[0]!;
  if (rounded === x || Number.isNaN(x)) return oneBits[0]!;
  if (Math.abs(rounded) > Math.abs(x)) oneBits[0] = oneBits[0]! - 1;
  return (oneBits[0]! | 1) >>> 0;
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

/** The bits of the float16 nearest to x, the first of two equally near. */
export function float16Bits(x: number): number {
  let best = 0x7e00; // NaN
  let distance = Number.POSITIVE_INFINITY;
  for (let bits = 0; bits < 65536; bits++) {
    if (Object.is(HALF[bits], x)) return bits;
    const d = Math.abs(HALF[bits]! - x);
    if (d < distance) [best, distance] = [bits, d];
  }
  return best;
}

/**
 * Little-endian bytes of a type as numbers, exactly (64-bit integers to the nearest float64). The result may be a view
 * of `bytes`.
 */
export function toNumbers(from: StoredType): (bytes: Uint8Array) => Numbers {
  return (bytes) => {
    const aligned = bytes.byteOffset % STORED_BYTES[from] === 0 ? bytes : bytes.slice();
    const numbers = numbersOf(aligned, from, bytes.length / STORED_BYTES[from]);
    return isBig(numbers) ? Float64Array.from(numbers as unknown as ArrayLike<number>, Number) : numbers;
  };
}
