import { describeValue, NumpyArray, unpackMessage, type WireMap, type WireValue } from '../../wire/index.ts';

/** A frame of the server: bytes of a message, or the text of an error. */
export interface ReplyFrame {
  readonly bytes: Uint8Array;
  readonly isBinary: boolean;
}

export interface ReplyComparison {
  /** The largest absolute difference of two numbers of the same array; infinite where one is no number. */
  readonly maxDifference: number;
  /** What else differs: a key, a type, a shape, an error; in words. */
  readonly difference?: string;
}

/**
 * Compares two replies to the same message. How long the server took (`server_timing`) is no difference, neither is the
 * id of an error.
 */
export function compareReplies(recorded: ReplyFrame, now: ReplyFrame): ReplyComparison {
  if (!recorded.isBinary || !now.isBinary) {
    const [before, after] = [recorded, now].map((frame) => (frame.isBinary ? 'a reply' : withoutId(frame.bytes)));
    return before === after ? { maxDifference: 0 } : { maxDifference: 0, difference: `${after} (recorded: ${before})` };
  }
  return compareValues(read(recorded.bytes), read(now.bytes));
}

/** Compares two messages of a client. */
export function compareValues(recorded: WireValue, now: WireValue): ReplyComparison {
  if (!(recorded instanceof Map) || !(now instanceof Map)) return compareOne('the message', recorded, now);
  const missing = keysWithout(recorded, now);
  const extra = keysWithout(now, recorded);
  const found: ReplyComparison[] = [];
  if (missing.length > 0) found.push({ maxDifference: 0, difference: `${list(missing)} is missing` });
  if (extra.length > 0) found.push({ maxDifference: 0, difference: `${list(extra)} was not recorded` });
  for (const [key, value] of recorded)
    if (key !== 'server_timing' && now.has(key)) found.push(compareOne(String(key), value, now.get(key)));
  const difference = found.find((one) => one.difference !== undefined)?.difference;
  return {
    maxDifference: Math.max(0, ...found.map((one) => one.maxDifference)),
    ...(difference === undefined ? {} : { difference }),
  };
}

function compareOne(name: string, before: WireValue, after: WireValue | undefined): ReplyComparison {
  const short = name.slice(0, 80);
  if (before instanceof NumpyArray && after instanceof NumpyArray) {
    const [a, b] = [before, after].map((array) => `${array.dtype} [${array.shape}]`);
    if (a !== b) return { maxDifference: 0, difference: `"${short}" is ${b} (recorded: ${a})` };
    if (Buffer.compare(before.bytes, after.bytes) === 0) return { maxDifference: 0 };
    if (!/[fiub]/.test(before.dtype.charAt(1)))
      return { maxDifference: 0, difference: `"${short}" holds other values` };
    let most = 0;
    for (let i = 0; i < before.size; i++) {
      const [x, y] = [Number(before.at(i)), Number(after.at(i))];
      const size = Object.is(x, y) || x === y ? 0 : Math.abs(x - y);
      most = Math.max(most, Number.isNaN(size) ? Infinity : size);
    }
    return { maxDifference: most };
  }
  const same = after !== undefined && JSON.stringify(describeValue(before)) === JSON.stringify(describeValue(after));
  return same ? { maxDifference: 0 } : { maxDifference: 0, difference: `"${short}" has another value` };
}

const read = (bytes: Uint8Array) => unpackMessage(bytes, { exactFloats: true });
const withoutId = (bytes: Uint8Array) =>
  Buffer.from(bytes)
    .toString('utf8')
    .replace(/^error [0-9a-f]+: /, 'error: ');
const keysWithout = (a: WireMap, b: WireMap) => [...a.keys()].filter((key) => !b.has(key) && key !== 'server_timing');
const list = (keys: readonly unknown[]) =>
  keys
    .slice(0, 3)
    .map((key) => `"${String(key).slice(0, 80)}"`)
    .join(', ');
