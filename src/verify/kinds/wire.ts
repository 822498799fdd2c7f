import { createHash } from 'node:crypto';
import { InputError } from '../../base/index.ts';
import { describeValue, NumpyArray, NumpyScalar, type Packable, packMessage, unpackMessage } from '../../wire/index.ts';
import { compareExactly, UnknownQuantity } from '../compare.ts';
import type { GoldenCase } from '../goldenCase.ts';
import type { Check } from '../kind.ts';
import { replayRecordedSession } from './wireSession.ts';

interface Message {
  readonly name: string;
  readonly file: string;
  readonly nbytes?: number;
  readonly sha256?: string;
  readonly decoded?: unknown;
  readonly encoding_the_decoded_value_gives_the_same_bytes?: boolean;
  readonly recommendation?: string;
}

/** Messages in both directions, what must be refused, and recorded sessions (a quantity whose file is `….jsonl`). */
export function wire(golden: GoldenCase): Check {
  return async (quantity) => {
    switch (quantity.name) {
      case 'messages':
        return messages(golden, quantity.file);
      case 'reject':
        return rejects(golden, quantity.file);
      case 'packer_refuses':
        return packerRefuses(golden, quantity.file);
      default:
        if (quantity.file?.endsWith('.jsonl')) return replayRecordedSession(golden, quantity.file);
        throw new UnknownQuantity('wire', `${quantity.name} is no quantity that is known here.`);
    }
  };
}

/** Every message decodes to the described value, and encodes to the same bytes where it should. */
async function messages(golden: GoldenCase, file: string) {
  const pairs: { what: string; got: unknown; expected: unknown }[] = [];
  for (const message of await golden.json<Message[]>(file)) {
    const bytes = await golden.bytes(message.file);
    const { name, sha256, decoded } = message;
    if (sha256) pairs.push({ what: `${name}: file`, got: checksum(bytes), expected: sha256 });
    try {
      const value = unpackMessage(bytes, { exactFloats: true });
      if (decoded) pairs.push({ what: name, got: plain(describeValue(value)), expected: plain(decoded) });
      if (message.encoding_the_decoded_value_gives_the_same_bytes)
        pairs.push({ what: `${name}: bytes`, got: checksum(packMessage(value)), expected: checksum(bytes) });
    } catch (error) {
      pairs.push({ what: name, got: (error as Error).message, expected: 'a value' });
    }
  }
  return compareExactly(pairs);
}

function checksum(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * A description with its keys in order, without the numbers of arrays, which the checksum of their bytes stands for.
 */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(
    ([key]) => !(key === 'values' && (value as { t?: string }).t === 'ndarray'),
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, plain(item)]));
}

/** Bad input is refused with an error of its own. What the case leaves open (`may_reject`) is left out. */
async function rejects(golden: GoldenCase, file: string) {
  const pairs: { what: string; got: unknown; expected: unknown }[] = [];
  for (const { name, file: path, recommendation } of await golden.json<Message[]>(file)) {
    if (recommendation === 'may_reject') continue;
    const bytes = await golden.bytes(path);
    pairs.push({ what: name, got: refused(() => unpackMessage(bytes)), expected: true });
  }
  return compareExactly(pairs);
}

/** Values that must not be written, by the names that the case gives them. */
const UNWRITABLE: Readonly<Record<string, () => unknown>> = {
  object_array: () => new NumpyArray('|O', [1], new Uint8Array(8)),
  complex_array: () => new NumpyArray('<c16', [1], new Uint8Array(16)),
  complex_scalar: () => new NumpyScalar('<c8', 1),
  structured_array: () => new NumpyArray('<f4,<f4', [1], new Uint8Array(8)),
  void_scalar: () => new NumpyScalar('|V2', 1),
  python_set: () => new Set([1]),
  python_complex: () => Symbol('a value that has no form on the wire'),
  python_object: () => new (class Z {})(),
  integer_too_large: () => 2n ** 64n,
  integer_too_small: () => -(2n ** 63n) - 1n,
  lone_surrogate_text: () => '\ud800',
};

async function packerRefuses(golden: GoldenCase, file: string) {
  const rows = await golden.json<{ value: string; refused: boolean }[]>(file);
  return compareExactly(
    rows.map(({ value, refused: expected }) => {
      const make = Object.hasOwn(UNWRITABLE, value) ? UNWRITABLE[value]! : undefined;
      if (!make) throw new UnknownQuantity('wire', `no value is known by the name ${value}.`);
      return { what: value, got: refused(() => packMessage({ x: make() as Packable })), expected };
    }),
  );
}

function refused(call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch (error) {
    if (error instanceof InputError) return true;
    throw error;
  }
}
