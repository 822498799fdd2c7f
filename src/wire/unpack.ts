import { InputError } from '../base/index.ts';
import { readArray, readScalar } from './numpyForm.ts';
import { Extension, Float, type WireMap, type WireValue } from './value.ts';

export interface UnpackLimits {
  /** Nesting that the reference reads: 1,024 lists. */
  readonly maxDepth: number;
  /** Values in one message; what bounds the memory that a small message can claim. */
  readonly maxValues: number;
  /** Bytes of one array. */
  readonly maxArrayBytes: number;
  /** Leave out entries of maps whose key is a number, nil or a truth value, in place of refusing the message. */
  readonly dropOddKeys: boolean;
  /** Keep every float as a `Float`, so that packing gives the same bytes again. */
  readonly exactFloats: boolean;
}

const DEFAULTS: UnpackLimits = {
  maxDepth: 1024,
  maxValues: 1 << 20,
  maxArrayBytes: Number.POSITIVE_INFINITY,
  dropOddKeys: false,
  exactFloats: false,
};
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads one message: the whole of `bytes`, nothing after it. Arrays and binary values are views of `bytes`, so the
 * caller must not write to it afterwards. Nothing is allocated on the word of a length that the message cannot hold.
 * @throws InputError for anything that is not exactly one well-formed value
 */
export function unpackMessage(bytes: Uint8Array, limits: Partial<UnpackLimits> = {}): WireValue {
  // A plain view, because a Buffer's slices are Buffers.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new Reader(plain, { ...DEFAULTS, ...limits });
  const value = reader.value(0);
  if (reader.at !== bytes.length) throw reader.wrong(`${bytes.length - reader.at} bytes follow the value`);
  return value;
}

class Reader {
  at = 0;
  private values = 0;
  private exactFloats: boolean;
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly limits: UnpackLimits,
  ) {
    this.exactFloats = limits.exactFloats;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  wrong(what: string): InputError {
    return new InputError('message', `${what} (at byte ${this.at} of ${this.bytes.length}).`);
  }

  value(depth: number): WireValue {
    if (depth > this.limits.maxDepth) throw this.wrong(`nested deeper than ${this.limits.maxDepth}`);
    if (++this.values > this.limits.maxValues) throw this.wrong(`holds more than ${this.limits.maxValues} values`);
    const code = this.view.getUint8(this.take(1));
    if (code < 0x80) return code;
    if (code < 0x90) return this.map(code & 15, depth);
    if (code < 0xa0) return this.list(code & 15, depth);
    if (code < 0xc0) return this.text(code & 31);
    if (code >= 0xe0) return code - 256;
    switch (code) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.binary(this.unsigned(1 << (code - 0xc4)));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.extension(this.unsigned(1 << (code - 0xc7)));
      case 0xca:
        return this.float(this.view.getFloat32(this.take(4)));
      case 0xcb:
        return this.float(this.view.getFloat64(this.take(8)));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.unsigned(1 << (code - 0xcc));
      case 0xcf:
        return small(this.view.getBigUint64(this.take(8)));
      case 0xd0:
        return this.view.getInt8(this.take(1));
      case 0xd1:
        return this.view.getInt16(this.take(2));
      case 0xd2:
        return this.view.getInt32(this.take(4));
      case 0xd3:
        return small(this.view.getBigInt64(this.take(8)));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.extension(1 << (code - 0xd4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.text(this.unsigned(1 << (code - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.list(this.unsigned(code === 0xdc ? 2 : 4), depth);
      case 0xde:
      case 0xdf:
        return this.map(this.unsigned(code === 0xde ? 2 : 4), depth);
      default:
        throw this.wrong('the reserved type byte 0xc1');
    }
  }

  /** Advances by `count` bytes that must be there; returns where they begin. */
  private take(count: number): number {
    const at = this.at;
    if (count > this.bytes.length - at)
      throw this.wrong(`cut off: ${count} bytes expected, ${this.bytes.length - at} left`);
    this.at = at + count;
    return at;
  }

  private unsigned(size: number): number {
    const at = this.take(size);
    return size === 1 ? this.view.getUint8(at) : size === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
  }

  private float(value: number): number | Float {
    return this.exactFloats ? new Float(value) : value;
  }

  private binary(length: number): Uint8Array {
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  private text(length: number): string {
    const at = this.take(length);
    try {
      return decoder.decode(this.bytes.subarray(at, at + length));
    } catch {
      throw this.wrong('text is not UTF-8');
    }
  }

  private extension(length: number): Extension {
    const type = this.view.getInt8(this.take(1));
    if (type === -1 && length !== 4 && length !== 8 && length !== 12)
      throw this.wrong(`a timestamp of ${length} bytes (expected 4, 8 or 12)`);
    return new Extension(type, this.binary(length));
  }

  private list(length: number, depth: number): WireValue[] {
    if (length > this.bytes.length - this.at) throw this.wrong(`a list claims ${length} values`);
    const list: WireValue[] = [];
    for (let i = 0; i < length; i++) list.push(this.value(depth + 1));
    return list;
  }

  private map(length: number, depth: number): WireValue {
    if (2 * length > this.bytes.length - this.at) throw this.wrong(`a map claims ${length} entries`);
    const map: WireMap = new Map();
    // Byte keys by their content: two equal ones are one key, and the last value wins.
    let byteKeys: Map<string, { key: Uint8Array; valueAt: number }> | undefined;
    for (let i = 0; i < length; i++) {
      const key = this.value(depth + 1);
      const valueAt = this.at;
      const value = this.value(depth + 1);
      if (typeof key === 'string') map.set(key, value);
      else if (key instanceof Uint8Array) {
        byteKeys ??= new Map();
        const content = latin1(key);
        const first = byteKeys.get(content)?.key ?? key;
        byteKeys.set(content, { key: first, valueAt });
        map.set(first, value);
      } else if (!this.limits.dropOddKeys || (typeof key === 'object' && key !== null && !(key instanceof Float)))
        throw this.wrong('a map key is neither text nor bytes');
    }
    if (!byteKeys) return map;
    const field = (name: string) => {
      const found = byteKeys.get(name);
      return found && map.get(found.key);
    };
    const wrong = (what: string) => this.wrong(what);
    if (byteKeys.has('__ndarray__')) {
      const shapeAt = byteKeys.get('shape')?.valueAt;
      const shape = shapeAt === undefined ? undefined : this.again(shapeAt, depth);
      return readArray(field('data'), field('dtype'), shape, this.limits.maxArrayBytes, wrong);
    }
    if (byteKeys.has('__npgeneric__')) return readScalar(field('data'), field('dtype'), wrong);
    return map;
  }

  /** The value at `at` once more, telling 2.0 from 2: a shape must not hold floats. */
  private again(at: number, depth: number): WireValue {
    const [end, exact] = [this.at, this.exactFloats];
    [this.at, this.exactFloats] = [at, true];
    const value = this.value(depth + 1);
    [this.at, this.exactFloats] = [end, exact];
    return value;
  }
}

function small(value: bigint): number | bigint {
  return value <= 9007199254740991n && value >= -9007199254740991n ? Number(value) : value;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
