/**
 * The byte table of GPT-2: every byte as one printable character, so that a vocabulary of text holds bytes. 33…126,
 * 161…172 and 174…255 stand for
 * themselves, the other 68 for 256…323 in order.
 */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 256;
  const plain = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  return Array.from({ length: 256 }, (_, b) => String.fromCodePoint(plain(b) ? b : next++));
})();

const BYTE_OF = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));
const encoder = new TextEncoder();

/**
 * The bytes that a symbol of the vocabulary stands for; one with any character outside the table stands for its own
 * text.
 */
export function bytesOfSymbol(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const byte = BYTE_OF.get(character);
    if (byte === undefined) return encoder.encode(text);
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** Bytes in UTF-8 that code points take; surrogates have none (undefined). */
export function utf8Length(codePoint: number): 1 | 2 | 3 | 4 | undefined {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return undefined;
  if (codePoint < 0x10000) return 3;
  return codePoint <= 0x10ffff ? 4 : undefined;
}

/** Writes `codePoint` as UTF-8 at `at`; the new position. The code point must have a `utf8Length`. */
export function writeUtf8(codePoint: number, out: Uint8Array, at: number): number {
  let end = at;
  if (codePoint < 0x80) out[end++] = codePoint;
  else if (codePoint < 0x800) {
    out[end++] = 0xc0 | (codePoint >> 6);
    out[end++] = 0x80 | (codePoint & 63);
  } else if (codePoint < 0x10000) {
    out[end++] = 0xe0 | (codePoint >> 12);
    out[end++] = 0x80 | ((codePoint >> 6) & 63);
    out[end++] = 0x80 | (codePoint & 63);
  } else {
    out[end++] = 0xf0 | (codePoint >> 18);
    out[end++] = 0x80 | ((codePoint >> 12) & 63);
    out[end++] = 0x80 | ((codePoint >> 6) & 63);
    out[end++] = 0x80 | (codePoint & 63);
  }
  return end;
}

const lossy = new TextDecoder('utf-8', { ignoreBOM: true });
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** The code points of UTF-8 bytes. What is no UTF-8 becomes U+FFFD, or with `strictly` makes the answer undefined. */
export function codePointsOf(bytes: Uint8Array, strictly = false): Int32Array | undefined {
  const out = new Int32Array(bytes.length);
  let at = 0;
  while (at < bytes.length && bytes[at]! < 0x80) out[at] = bytes[at++]!;
  if (at === bytes.length) return out;
  let text: string;
  try {
    text = (strictly ? strict : lossy).decode(bytes);
  } catch {
    return undefined;
  }
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const codePoint = text.codePointAt(i)!;
    if (codePoint > 0xffff) i++;
    out[count++] = codePoint;
  }
  return out.subarray(0, count);
}
