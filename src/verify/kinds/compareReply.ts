import { Float, packMessage, unpackMessage } from '../../wire/index.ts';

export type Pair = { what: string; got: unknown; expected: unknown };

/**
 * A binary frame against the recorded one, byte for byte, after the times in it have been replaced by the recorded
 * ones.
 */
export function compareReply(got: Uint8Array, expected: Uint8Array, what: string): Pair[] {
  if (Buffer.compare(got, expected) === 0) return [{ what, got: 'the same bytes', expected: 'the same bytes' }];
  const now = unpackMessage(got, { exactFloats: true });
  const recorded = unpackMessage(expected, { exactFloats: true });
  const timing = recorded instanceof Map ? recorded.get('server_timing') : undefined;
  if (!(now instanceof Map) || !(timing instanceof Map)) return [differing(what, got, expected)];
  const times = now.get('server_timing');
  const missing = [...timing].filter(([key, value]) => {
    const time = times instanceof Map ? times.get(key) : undefined;
    return !(time instanceof Float && value instanceof Float && time.value >= 0);
  });
  const names = missing.map(([key]) => String(key));
  now.set('server_timing', timing);
  return [
    { what: `${what}, times that are missing`, got: names, expected: [] },
    differing(what, packMessage(now), expected),
  ];
}

/** Both, from the first byte at which they differ. */
function differing(what: string, got: Uint8Array, expected: Uint8Array): Pair {
  const at = expected.findIndex((byte, i) => byte !== got[i]);
  const from = at < 0 ? expected.length : at;
  const part = (bytes: Uint8Array) =>
    `${bytes.length} bytes, from byte ${from} ${Buffer.from(bytes.subarray(from, from + 16)).toString('hex')}`;
  return { what, got: part(got), expected: part(expected) };
}
