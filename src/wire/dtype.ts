import { InputError } from '../base/index.ts';

/**
 * A numpy element type: `canonical` is numpy's own text for it (`<f4`, `|u1`, `<M8[ns]`), `size` its bytes per element.
 */
export interface Dtype {
  readonly canonical: string;
  readonly kind: 'b' | 'i' | 'u' | 'f' | 'U' | 'S' | 'M' | 'm';
  readonly size: number;
  readonly bigEndian: boolean;
}

const NAMES = new Map(
  Object.entries({
    bool: '?',
    bool_: '?',
    int8: 'i1',
    int16: 'i2',
    int32: 'i4',
    int64: 'i8',
    uint8: 'u1',
    uint16: 'u2',
    uint32: 'u4',
    uint64: 'u8',
    float16: 'f2',
    float32: 'f4',
    float64: 'f8',
  }),
);
const SIZES: Record<string, readonly number[]> = { b: [1], i: [1, 2, 4, 8], u: [1, 2, 4, 8], f: [2, 4, 8] };
const UNITS = /^(\[\d{0,9}(Y|M|W|D|h|m|s|ms|us|μs|ns|ps|fs|as)\])?$/;
const known = new Map<string, Dtype>();

/**
 * Reads numpy's text for a plain element type. Object, void, structured and complex types are refused: the first three
 * can carry code or padding, and the official writer never sends the last.
 * @throws InputError naming the text
 */
export function parseDtype(text: string): Dtype {
  const found = known.get(text);
  if (found) return found;
  const dtype = read(text);
  if (!dtype) {
    const shown = JSON.stringify(text.slice(0, 40));
    throw new InputError(
      'dtype',
      `cannot carry elements of type ${shown} ` +
        '(expected numbers, booleans, text, bytes or times, such as "<f4" or "|u1").',
    );
  }
  if (known.size < 256) known.set(text, dtype);
  return dtype;
}

function read(text: string): Dtype | undefined {
  const match = /^([<>=|]?)([?biufUSMm])(\d{0,9})(\[.*\])?$/.exec(NAMES.get(text) ?? text);
  if (!match) return undefined;
  const [, order, letter, digits, unit = ''] = match as unknown as [string, string, string, string, string?];
  const kind = (letter === '?' ? 'b' : letter) as Dtype['kind'];
  let size: number;
  if (kind === 'M' || kind === 'm') {
    if (digits !== '8' || !UNITS.test(unit)) return undefined;
    size = 8;
  } else {
    if (unit !== '') return undefined;
    if (kind === 'U' || kind === 'S') size = Number(digits || 0) * (kind === 'U' ? 4 : 1);
    else {
      // `b` alone is numpy's int8; only `b1` and `?` are booleans.
      size = letter === '?' && digits === '' ? 1 : Number(digits);
      if (!SIZES[kind]?.includes(size)) return undefined;
    }
  }
  const plain = size === 1 || kind === 'S';
  const wide = kind === 'U' || !plain;
  const bigEndian = wide && order === '>';
  const count = kind === 'U' ? size / 4 : size;
  return { canonical: `${wide ? (bigEndian ? '>' : '<') : '|'}${kind}${count}${unit}`, kind, size, bigEndian };
}
