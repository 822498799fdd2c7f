import { InputError } from '../base/index.ts';
import { NumpyArray, NumpyScalar } from './numpy.ts';
import { Extension, Float, type WireValue } from './value.ts';

/** How the official client packs an array. */
const EXPECTED = 'a numpy array as openpi-client packs it: a map with the byte keys __ndarray__, data, dtype, shape';

/**
 * The array at a key. @throws InputError for anything else: other packages' arrays, tensors, lists, bytes; it names
 * what came, what is expected, and what to do
 */
export function arrayAt(key: string, value: WireValue | undefined): NumpyArray {
  if (value instanceof NumpyArray) return value;
  throw new InputError(
    'observation',
    `"${key.slice(0, 80)}" is ${formOf(value)} (expected ${EXPECTED}).${adviceFor(value)}`,
  );
}

/**
 * The array at a key, or a plain list of numbers, or of lists of as many each, as float32.
 * @throws InputError for anything else, as `arrayAt`
 */
export function numbersAt(key: string, value: WireValue | undefined): NumpyArray {
  if (!Array.isArray(value)) return arrayAt(key, value);
  const rows = value.every(Array.isArray) ? (value as WireValue[][]) : [value as WireValue[]];
  const [{ length } = []] = rows;
  const numbers = rows.flatMap((row) => (row.length === length ? row.map(numberOf) : [undefined]));
  if (numbers.length === 0 || numbers.includes(undefined)) return arrayAt(key, value);
  const shape = rows[0] === value ? [length ?? 0] : [rows.length, length ?? 0];
  return NumpyArray.of(Float32Array.from(numbers as number[]), shape);
}

function numberOf(value: WireValue): number | undefined {
  const plain = value instanceof Float || value instanceof NumpyScalar ? value.value : value;
  if (typeof plain === 'bigint') return Number(plain);
  return typeof plain === 'number' ? plain : undefined;
}

/** What a value is, in words. */
function formOf(value: WireValue | undefined): string {
  if (value === undefined || value === null) return 'nothing';
  if (value instanceof Map) {
    const keys = keysOf(value);
    if (keys.includes('__torch__')) return 'a PyTorch tensor (a map with the key __torch__)';
    if (keys.includes('nd') && keys.includes('data'))
      return 'an array as the package msgpack-numpy packs it (keys nd, type, shape, data)';
    if (keys.includes('__ndarray__')) return 'a map with the text key __ndarray__ (the key must be bytes)';
    return `a map with the keys ${keys.slice(0, 6).join(', ').slice(0, 80) || '(none)'}`;
  }
  if (Array.isArray(value)) return `a list of ${value.length} values`;
  if (value instanceof Uint8Array) return `${value.length} bytes without type and shape`;
  if (value instanceof Extension) return `a msgpack extension of type ${value.type}`;
  if (typeof value === 'string') return `text of ${value.length} characters`;
  return typeof value === 'boolean' ? 'a truth value' : 'one number';
}

function adviceFor(value: WireValue | undefined): string {
  if (!(value instanceof Map)) return '';
  const keys = keysOf(value);
  if (keys.includes('__torch__')) return ' Send tensor.cpu().numpy().';
  return keys.includes('nd') || keys.includes('__ndarray__') ? ' Pack with openpi_client.msgpack_numpy.' : '';
}

const keysOf = (map: ReadonlyMap<string | Uint8Array, WireValue>): string[] =>
  [...map.keys()].map((key) => (typeof key === 'string' ? key : Buffer.from(key).toString('latin1')));
