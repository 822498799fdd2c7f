import { NumpyArray, NumpyScalar } from './numpy.ts';
import { Float, type WireValue } from './value.ts';

type Wrong = (what: string) => Error;

/** The array of a map with the key `__ndarray__`. @throws what `wrong` makes, for parts that do not fit */
export function readArray(
  data: WireValue | undefined,
  dtype: WireValue | undefined,
  shape: WireValue | undefined,
  maxBytes: number,
  wrong: Wrong,
): NumpyArray {
  if (!(data instanceof Uint8Array)) throw wrong('an array without bytes as its data');
  if (typeof dtype !== 'string') throw wrong('an array whose dtype is no text');
  const extents = Array.isArray(shape) ? (shape as WireValue[]) : [shape];
  for (const extent of extents)
    if (typeof extent !== 'number') throw wrong('an array whose shape is no list of integers');
  const array = new NumpyArray(dtype, extents as number[], data);
  if (array.bytes.byteLength > maxBytes)
    throw wrong(`an array of ${array.bytes.byteLength} bytes (expected ${maxBytes} at most)`);
  return array;
}

/** The scalar of a map with the key `__npgeneric__`. @throws what `wrong` makes, for parts that do not fit */
export function readScalar(data: WireValue | undefined, dtype: WireValue | undefined, wrong: Wrong): NumpyScalar {
  if (typeof dtype !== 'string') throw wrong('a numpy scalar whose dtype is no text');
  const value = data instanceof Float ? data.value : data;
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'boolean')
    throw wrong('a numpy scalar that is no number');
  return new NumpyScalar(dtype, value);
}
