/**
 * What a code point is to the splitting: letter, number, white space (Unicode's White_Space, unlike JavaScript's
 * \s), other.
 */
const [LETTER, NUMBER, SPACE, OTHER] = [1, 2, 3, 4] as const;
const KNOWN = 0x3000;
const known = new Uint8Array(KNOWN);

function classOf(codePoint: number): number {
  if (codePoint < KNOWN) return (known[codePoint] ||= look(codePoint));
  return look(codePoint);
}

function look(codePoint: number): number {
  if (codePoint > 0x10ffff) return OTHER; // no character; refused where it is written as UTF-8
  const text = String.fromCodePoint(codePoint);
  if (/\p{L}/u.test(text)) return LETTER;
  if (/\p{N}/u.test(text)) return NUMBER;
  return /\p{White_Space}/u.test(text) ? SPACE : OTHER;
}

const APOSTROPHE = 39;
const BLANK = 32;
const [D, E, L, M, R, S, T, V] = [...'delmrstv'].map((c) => c.codePointAt(0)!);

/**
 * Where GPT-2's pattern `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+` cuts the code
 * points [0, length): the ends of the
 * pieces are written to `ends`, their number is returned. Every code point belongs to one piece.
 */
export function splitPieces(codePoints: Int32Array, length: number, ends: Int32Array): number {
  let [at, pieces] = [0, 0];
  while (at < length) {
    at = endOfPiece(codePoints, at, length);
    ends[pieces++] = at;
  }
  return pieces;
}

function endOfPiece(points: Int32Array, start: number, length: number): number {
  const first = points[start]!;
  if (first === APOSTROPHE && start + 1 < length) {
    const [a, b] = [points[start + 1]!, start + 2 < length ? points[start + 2]! : -1];
    if (a === S || a === T || a === M || a === D) return start + 2;
    if ((a === R && b === E) || (a === V && b === E) || (a === L && b === L)) return start + 3;
  }
  let kind = classOf(first);
  let at = start + 1;
  if (first === BLANK && at < length) {
    const next = classOf(points[at]!);
    if (next !== SPACE) kind = next; // one blank goes with what follows
  }
  while (at < length && classOf(points[at]!) === kind) at++;
  // White space before something else leaves its last character to that.
  return kind === SPACE && at < length && at - start > 1 ? at - 1 : at;
}

/** Whether text that begins with this code point gets no prefix space. */
export function isWhiteSpace(codePoint: number): boolean {
  return classOf(codePoint) === SPACE;
}
