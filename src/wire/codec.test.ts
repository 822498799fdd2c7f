import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldenBytes, goldenJson } from '../../test/support/serve.ts';
import { InputError } from '../base/index.ts';
import { describeValue } from './describe.ts';
import { NumpyArray, NumpyScalar } from './numpy.ts';
import { packMessage } from './pack.ts';
import { unpackMessage } from './unpack.ts';
import { Extension, Float, type Packable, type WireMap, type WireValue } from './value.ts';

interface GoldenMessage {
  name: string;
  file: string;
  gzip: boolean;
  decoded: unknown;
  encoding_the_decoded_value_gives_the_same_bytes: boolean;
}
interface GoldenReject {
  name: string;
  file: string;
  gzip: boolean;
  why: string;
  recommendation: 'must_reject' | 'should_reject' | 'may_reject';
}

const messages = goldenJson<GoldenMessage[]>('cases.json');

describe('messages of the official clients and servers', () => {
  it.each(messages.map((message) => [message.name, message] as const))('%s', (_name, message) => {
    const bytes = goldenBytes(message);
    const value = unpackMessage(bytes, { exactFloats: true });
    if (message.decoded) expect(describeValue(value)).toEqual(withoutValues(message.decoded));
    if (message.encoding_the_decoded_value_gives_the_same_bytes)
      expect(Buffer.compare(packMessage(value), bytes), 'the same bytes again').toBe(0);
  });

  it.each(
    messages
      .map(({ name, file, gzip, decoded }) => ({ name, file, gzip, array: firstArray(decoded) }))
      .filter(({ array }) => array !== undefined && !/[USMm]/.test(array.dtype[1]!))
      .map((c) => [c.name, c] as const),
  )('numbers of the array in %s', (_name, message) => {
    const value = unpackMessage(goldenBytes(message));
    const array = (value instanceof NumpyArray ? value : [...(value as WireMap).values()][0]) as NumpyArray;
    const numbers = Array.from({ length: array.size }, (_, i) => array.at(i));
    const written = message.array!.values!.map((v) =>
      typeof v === 'string' ? ({ nan: NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 }[v] ?? BigInt(v)) : v,
    );
    expect(numbers.map((v, i) => (typeof written[i] === 'bigint' ? v : typeof v === 'bigint' ? Number(v) : v))).toEqual(
      written,
    );
  });
});

/** The description without the numbers of arrays, which the checksum of the bytes stands for. */
function withoutValues(decoded: unknown): unknown {
  return JSON.parse(
    JSON.stringify(decoded, (_key, value) => (value?.t === 'ndarray' ? { ...value, values: undefined } : value)),
  );
}

function firstArray(decoded: unknown): { dtype: string; values?: (number | string | boolean)[] } | undefined {
  const node = decoded as { t?: string; values?: unknown; entries?: [unknown, unknown][] } | null;
  if (node?.t === 'ndarray' && node.values) return node as never;
  const only = node?.entries?.length === 1 ? (node.entries[0]![1] as { t: string; values?: unknown }) : undefined;
  return only?.t === 'ndarray' && only.values ? (only as never) : undefined;
}

describe('bad input', () => {
  const rejects = goldenJson<GoldenReject[]>('reject.json').filter(
    ({ recommendation }) => recommendation !== 'may_reject',
  );
  it.each(rejects.map((r) => [r.name, r] as const))('%s is refused', (_name, reject) => {
    const bytes = goldenBytes(reject);
    const started = performance.now();
    expect(() => unpackMessage(bytes), reject.why).toThrow(InputError);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('reads lists as deep as the reference, and no deeper', () => {
    const { nested_lists_decoded } = goldenJson<{ nested_lists_decoded: Record<string, true | string> }>('limits.json');
    const outermost = (depth: number) => unpackMessage(new Uint8Array(depth + 1).fill(0x91, 0, depth));
    for (const [depth, reads] of Object.entries(nested_lists_decoded))
      if (reads === true) expect(outermost(Number(depth))).toHaveLength(1);
      else expect(() => outermost(Number(depth))).toThrow(/nested deeper/);
  });

  it('takes no memory on the word of a length', () => {
    const million = goldenBytes({ file: 'reject/empty_list_bomb.bin.gz', gzip: true });
    expect(() => unpackMessage(million, { maxValues: 10_000 })).toThrow(/more than 10000 values/);
  });
});

describe('what must not be written', () => {
  const wrong: [string, unknown][] = [
    ['a set', new Set([1])],
    ['a function', () => 1],
    ['undefined', undefined],
    ['a class instance', new (class Z {})()],
    ['an integer too large', 2n ** 64n],
    ['an integer too small', -(2n ** 63n) - 1n],
    ['lone surrogate text', '\ud800'],
    ['a number as a map key', new Map([[1, 2]])],
  ];
  it.each(wrong)('%s', (_name, value) => {
    expect(() => packMessage({ x: value } as Packable)).toThrow(InputError);
    expect(() => packMessage([value] as Packable)).toThrow(InputError);
  });

  it.each(['|O', 'object', '|V2', '<c16', 'complex64', '<f4,<f4', '<q9', '|b2', '<f3', '<M8', 'constructor', ''])(
    'an array of %s',
    (dtype) => {
      if (dtype === '<M8') expect(new NumpyArray(dtype, [1], new Uint8Array(8)).dtype).toBe('<M8');
      else expect(() => new NumpyArray(dtype, [1], new Uint8Array(64))).toThrow(InputError);
    },
  );

  it('a numpy scalar that does not fit its type', () => {
    expect(() => new NumpyScalar('|u1', 300)).toThrow(InputError);
    expect(() => new NumpyScalar('<i4', 1.5)).toThrow(InputError);
    expect(() => new NumpyScalar('<f4', true)).toThrow(InputError);
  });
});

describe('arrays', () => {
  it('come as views of the message where type and alignment allow it', () => {
    const bytes = packMessage({ picture: NumpyArray.of(Uint8Array.of(1, 2, 3)) });
    const array = (unpackMessage(bytes) as WireMap).get('picture') as NumpyArray;
    expect(array.uint8().buffer).toBe(bytes.buffer);
    for (let shift = 0; shift < 4; shift++) {
      const message = packMessage(['x'.repeat(shift), Float32Array.of(1.5, -2)]);
      expect([...((unpackMessage(message) as WireValue[])[1] as NumpyArray).float32()]).toEqual([1.5, -2]);
    }
  });
});

const value: fc.Arbitrary<Packable> = fc.letrec<{ node: Packable }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.integer(),
    fc.double().map((number) => new Float(number)),
    fc.string({ unit: 'binary' }),
    fc.uint8Array({ maxLength: 300 }),
    fc.float32Array({ maxLength: 20 }).map((data) => NumpyArray.of(data)),
    fc.double({ noNaN: true }).map((number) => new NumpyScalar('<f4', number)),
    fc
      .tuple(fc.integer({ min: 0, max: 127 }), fc.uint8Array({ maxLength: 20 }))
      .map(([type, data]) => new Extension(type, data)),
    fc.array(tie('node'), { maxLength: 20 }),
    fc
      .array(fc.tuple(fc.string({ unit: 'binary' }), tie('node')), { maxLength: 20 })
      .map((entries) => new Map(entries)),
  ),
})).node;

describe('maps with other keys', () => {
  it('are refused, or lose these entries where that is asked for', () => {
    // {1: 2, "a": 3, nil: 4, true: {-5: 6}, 1.5: 7, b"k": 8}
    const bytes = Uint8Array.from(
      Buffer.from('8601 02 a161 03 c0 04 c3 81fb06 cb3ff8000000000000 07 c4016b 08'.replaceAll(' ', ''), 'hex'),
    );
    expect(() => unpackMessage(bytes)).toThrow(/neither text nor bytes/);
    const read = unpackMessage(bytes, { dropOddKeys: true }) as Map<unknown, unknown>;
    expect([...read].map(([key, item]) => [String(key), item])).toEqual([
      ['a', 3],
      ['107', 8],
    ]);
    expect(() => unpackMessage(Uint8Array.of(0x81, 0x91, 1, 2), { dropOddKeys: true })).toThrow(/neither text nor/);
  });
});

describe('any message', () => {
  it('comes back the same', () => {
    fc.assert(
      fc.property(value, (original) => {
        const bytes = packMessage(original);
        const read = unpackMessage(bytes, { exactFloats: true });
        expect(Buffer.compare(packMessage(read), bytes)).toBe(0);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('with bytes changed, cut or added is read or refused, never worse', () => {
    const originals = messages.filter(({ gzip }) => !gzip).map((message) => goldenBytes(message));
    const mutation = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.constantFrom('set', 'cut', 'insert'));
    fc.assert(
      fc.property(
        fc.constantFrom(...originals),
        fc.array(mutation, { minLength: 1, maxLength: 6 }),
        (original, mutations) => {
          let bytes: number[] = [...original];
          for (const [where, byte, how] of mutations) {
            const at = where % Math.max(1, bytes.length);
            if (how === 'set') bytes[at] = byte;
            else if (how === 'cut') bytes = bytes.slice(0, at);
            else bytes.splice(at, 0, byte);
          }
          try {
            unpackMessage(Uint8Array.from(bytes));
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        },
      ),
      { numRuns: 3000, seed: 2 },
    );
  });
});
