import { InputError } from '../base/index.ts';
import { ByteWriter } from './byteWriter.ts';
import { dtypeOf, NumpyArray, NumpyScalar } from './numpy.ts';
import { Extension, Float, type Packable } from './value.ts';

const utf8 = new TextEncoder();
const key = (text: string) => Uint8Array.from([0xc4, text.length, ...utf8.encode(text)]);
const NDARRAY = Uint8Array.from([0x84, ...key('__ndarray__'), 0xc3]);
const NPGENERIC = Uint8Array.from([0x83, ...key('__npgeneric__'), 0xc3]);
const DATA = key('data');
const DTYPE = key('dtype');
const SHAPE = key('shape');
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * One value as the official Python clients and servers write it: msgpack in its shortest form, numpy arrays as maps
 * with binary keys (`__ndarray__`, `data`, `dtype`, `shape`), typed scalars as `__npgeneric__`. A whole number is
 * written as an integer, any other as a 64-bit float; wrap it in `Float` to force the latter.
 * @throws InputError for what the reference refuses too: functions, class instances, sets, integers beyond 64 bits,
 * lone surrogates, deep nesting
 */
export function packMessage(value: Packable, { maxDepth = 1024 }: { maxDepth?: number } = {}): Uint8Array {
  const writer = new Writer(maxDepth);
  writer.value(value, 0);
  return writer.finish();
}

class Writer extends ByteWriter {
  constructor(private readonly maxDepth: number) {
    super();
  }

  value(value: Packable, depth: number): void {
    if (depth > this.maxDepth) throw new InputError('packMessage', `the value is nested deeper than ${this.maxDepth}.`);
    if (value === null) this.byte(0xc0);
    else if (value === true) this.byte(0xc3);
    else if (value === false) this.byte(0xc2);
    else if (typeof value === 'number') this.number(value);
    else if (typeof value === 'bigint') this.integer(value);
    else if (typeof value === 'string') this.text(value);
    else if (typeof value !== 'object')
      throw new InputError('packMessage', `cannot write a value of type ${typeof value}.`);
    else if (value instanceof Float) this.float(value.value);
    else if (value instanceof Uint8Array) this.binary(value);
    else if (value instanceof NumpyArray) this.array(value.dtype, value.shape, value.bytes);
    else if (value instanceof NumpyScalar && value.dtype === '<f8') this.float(value.value as number);
    else if (value instanceof NumpyScalar) this.scalar(value);
    else if (value instanceof Extension) this.extension(value);
    else if (ArrayBuffer.isView(value))
      this.array(
        dtypeOf(value),
        [(value as Float32Array).length],
        new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
      );
    else if (Array.isArray(value)) {
      this.header(value.length, 0x90, 15, 0xdc, 0xdd);
      for (const item of value as readonly Packable[]) this.value(item, depth + 1);
    } else this.map(value as Exclude<typeof value, readonly Packable[]>, depth);
  }

  private map(
    map: ReadonlyMap<string | Uint8Array, Packable> | { readonly [key: string]: Packable },
    depth: number,
  ): void {
    const plain = Object.getPrototypeOf(map);
    if (!(map instanceof Map) && plain !== Object.prototype && plain !== null)
      throw new InputError(
        'packMessage',
        `cannot write a ${plain?.constructor?.name ?? 'class instance'} (expected plain data).`,
      );
    const entries = map instanceof Map ? [...map.entries()] : Object.entries(map);
    this.header(entries.length, 0x80, 15, 0xde, 0xdf);
    for (const [name, item] of entries) {
      if (typeof name === 'string') this.text(name);
      else if (name instanceof Uint8Array) this.binary(name);
      else throw new InputError('packMessage', `a map key must be text or bytes (got ${typeof name}).`);
      this.value(item, depth + 1);
    }
  }

  private array(dtype: string, shape: readonly number[], bytes: Uint8Array): void {
    this.raw(NDARRAY);
    this.raw(DATA);
    this.binary(bytes);
    this.raw(DTYPE);
    this.text(dtype);
    this.raw(SHAPE);
    this.header(shape.length, 0x90, 15, 0xdc, 0xdd);
    for (const extent of shape) this.integer(BigInt(extent));
  }

  private scalar({ dtype, value }: NumpyScalar): void {
    this.raw(NPGENERIC);
    this.raw(DATA);
    if (typeof value === 'boolean') this.byte(value ? 0xc3 : 0xc2);
    else if (dtype[1] === 'f') this.float(value as number);
    else this.integer(BigInt(value));
    this.raw(DTYPE);
    this.text(dtype);
  }

  private number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) this.float(value);
    else if (value >= 0 && value < 128) this.byte(value);
    else this.integer(BigInt(value));
  }

  private integer(value: bigint): void {
    if (value >= 0n) {
      if (value < 0x80n) this.byte(Number(value));
      else if (value < 0x100n) this.wide(0xcc, 1, value);
      else if (value < 0x10000n) this.wide(0xcd, 2, value);
      else if (value < 0x100000000n) this.wide(0xce, 4, value);
      else if (value < 2n ** 64n) this.wide(0xcf, 8, value);
      else throw new InputError('packMessage', `an integer does not fit 64 bits (got ${value}).`);
    } else if (value >= -32n) this.byte(Number(value) & 0xff);
    else if (value >= -0x80n) this.wide(0xd0, 1, value);
    else if (value >= -0x8000n) this.wide(0xd1, 2, value);
    else if (value >= -0x80000000n) this.wide(0xd2, 4, value);
    else if (value >= -(2n ** 63n)) this.wide(0xd3, 8, value);
    else throw new InputError('packMessage', `an integer does not fit 64 bits (got ${value}).`);
  }

  private text(text: string): void {
    if (LONE_SURROGATE.test(text))
      throw new InputError('packMessage', 'text holds half of a surrogate pair, which UTF-8 cannot carry.');
    const bytes = utf8.encode(text);
    if (bytes.length >= 32 && bytes.length < 256) this.wide(0xd9, 1, BigInt(bytes.length));
    else this.header(bytes.length, 0xa0, 31, 0xda, 0xdb);
    this.raw(bytes);
  }

  private binary(bytes: Uint8Array): void {
    if (bytes.length < 256) this.wide(0xc4, 1, BigInt(bytes.length));
    else this.wide(bytes.length < 65536 ? 0xc5 : 0xc6, bytes.length < 65536 ? 2 : 4, BigInt(bytes.length));
    this.raw(bytes);
  }

  private extension({ type, data }: Extension): void {
    const fixed = [1, 2, 4, 8, 16].indexOf(data.length);
    if (fixed >= 0) this.byte(0xd4 + fixed);
    else if (data.length < 256) this.wide(0xc7, 1, BigInt(data.length));
    else this.wide(data.length < 65536 ? 0xc8 : 0xc9, data.length < 65536 ? 2 : 4, BigInt(data.length));
    this.byte(type & 0xff);
    this.raw(data);
  }
}
