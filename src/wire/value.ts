import { InputError } from '../base/index.ts';
import type { NumpyArray, NumpyScalar } from './numpy.ts';

/** Anything a message can hold. Text is a string, bytes a Uint8Array; an integer beyond 2^53 is a bigint. */
export type WireValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Float
  | Extension
  | NumpyArray
  | NumpyScalar
  | readonly WireValue[]
  | WireMap;

/** Keys are text or bytes; the order is the order on the wire. */
export type WireMap = Map<string | Uint8Array, WireValue>;

/**
 * What the writer takes besides: plain records, and typed arrays as one-dimensional numpy arrays (a Uint8Array is
 * bytes).
 */
export type Packable =
  | WireValue
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | readonly Packable[]
  | { readonly [key: string]: Packable }
  | ReadonlyMap<string | Uint8Array, Packable>;

/** A number that stays a float on the wire even when it is whole: Python tells 1.0 from 1. */
export class Float {
  constructor(readonly value: number) {}
}

/** A msgpack extension; type -1 is a timestamp. */
export class Extension {
  constructor(
    readonly type: number,
    readonly data: Uint8Array,
  ) {
    if (!Number.isInteger(type) || type < -128 || type > 127)
      throw new InputError('extension', `type ${type} does not fit a byte (expected -128…127).`);
  }
}
