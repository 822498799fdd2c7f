import { createHash } from 'node:crypto';
import { NumpyArray, NumpyScalar } from './numpy.ts';
import { Extension, Float, type WireValue } from './value.ts';

/**
 * A message's value in plain words (types, numbers, checksums of arrays), as the golden case wire describes it. Floats
 * must have been read as `Float`.
 */
export function describeValue(value: WireValue): unknown {
  if (value === null) return { t: 'nil' };
  if (typeof value === 'boolean') return { t: 'bool', value };
  if (typeof value === 'number' || typeof value === 'bigint') return { t: 'int', value: integer(value) };
  if (typeof value === 'string') return { t: 'str', value };
  if (value instanceof Float) return { t: 'float', value: float(value.value) };
  if (value instanceof Uint8Array) return { t: 'bin', hex: Buffer.from(value).toString('hex') };
  if (value instanceof NumpyScalar) {
    const plain = value.value;
    return {
      t: 'npscalar',
      dtype: value.dtype,
      value: typeof plain === 'boolean' ? plain : value.dtype[1] === 'f' ? float(plain as number) : integer(plain),
    };
  }
  if (value instanceof NumpyArray) {
    const { dtype, shape, bytes } = value;
    const sha = createHash('sha256').update(bytes).digest('hex');
    return { t: 'ndarray', dtype, shape, bytes_sha256: sha, nbytes: bytes.byteLength };
  }
  if (value instanceof Extension) {
    const view = new DataView(value.data.buffer, value.data.byteOffset, value.data.byteLength);
    if (value.type === -1 && value.data.length === 8) {
      const both = view.getBigUint64(0);
      return { t: 'timestamp', seconds: Number(both & 0x3ffffffffn), nanoseconds: Number(both >> 34n) };
    }
    return { t: 'array', items: [describeValue(value.type), describeValue(value.data)] };
  }
  if (value instanceof Map)
    return { t: 'map', entries: [...value].map(([key, item]) => [describeValue(key), describeValue(item)]) };
  return { t: 'array', items: (value as WireValue[]).map(describeValue) };
}

const integer = (value: number | bigint) => (value <= 2 ** 53 && value >= -(2 ** 53) ? Number(value) : String(value));
const float = (value: number) =>
  Number.isNaN(value)
    ? 'nan'
    : value === Infinity
      ? 'inf'
      : value === -Infinity
        ? '-inf'
        : Object.is(value, -0)
          ? '-0'
          : value;
