import { InputError } from '../../base/index.ts';
import { BYTE_CHARACTERS, bytesOfSymbol, utf8Length, writeUtf8 } from './byteLevel.ts';
import { MergeBuckets } from './mergeBuckets.ts';
import { PairTable } from './pairTable.ts';
import { isWhiteSpace, splitPieces } from './split.ts';

/** A vocabulary and how text becomes its ids: what a byte-level `tokenizer.json` says. */
export interface BpeDefinition {
  /** Symbols by id; an id may be free. */
  readonly vocab: readonly (string | undefined)[];
  readonly merges: readonly (readonly [left: string, right: string])[];
  /** Text that is taken as one id before anything is split. */
  readonly addedTokens?: readonly { readonly id: number; readonly content: string; readonly special: boolean }[];
  /** What stands for bytes without a symbol; without it they are left out. */
  readonly unknown?: string | undefined;
  /** One unknown id for neighbouring unknown bytes. */
  readonly fuseUnknown?: boolean;
  /** A piece that is a symbol is taken as it is. */
  readonly ignoreMerges?: boolean;
  readonly addPrefixSpace?: boolean;
  /** Whether merges stay inside the pieces of GPT-2's pattern. */
  readonly useRegex?: boolean;
}

/**
 * Byte-level BPE: strings of code points to ids, and ids to bytes. Not to be shared between threads: it keeps work
 * space.
 */
export class ByteLevelBpe {
  /** Ids lie in [0, size). */
  readonly size: number;
  private readonly byteIds = new Int32Array(256).fill(-1);
  private readonly pairs: PairTable;
  private readonly results: Int32Array;
  private readonly buckets: MergeBuckets;
  /** [256, 256] ranks of pairs of single bytes. */
  private readonly byteRanks = new Int32Array(65536).fill(-1);
  private readonly symbolBytes: (Uint8Array | undefined)[];
  private readonly special = new Map<number, string>();
  private readonly added: { readonly id: number; readonly points: number[] }[];
  private readonly unknownId: number;
  private readonly whole: Map<string, number> | undefined;
  /** Bytes without a symbol in the last `encode`. */
  unknown = 0;

  private ids = new Int32Array(0);
  private next = new Int32Array(0);
  private previous = new Int32Array(0);
  private ends = new Int32Array(0);
  private bytes = new Uint8Array(0);
  /** Rank of the pair that begins at a place; -1 where none is merged. */
  private ranks = new Int32Array(0);
  private out = new Int32Array(1024);
  private count = 0;

  /** @throws InputError when a merge speaks of a symbol that the vocabulary lacks */
  constructor(readonly definition: BpeDefinition) {
    const { vocab, merges, addedTokens = [], unknown } = definition;
    const idOf = new Map<string, number>();
    for (const [id, text] of vocab.entries()) if (text !== undefined) idOf.set(text, id);
    for (const [byte, text] of BYTE_CHARACTERS.entries()) this.byteIds[byte] = idOf.get(text) ?? -1;
    this.pairs = new PairTable(merges.length);
    const results: number[] = [];
    for (const [rank, [left, right]] of merges.entries()) {
      const [a, b, ab] = [idOf.get(left), idOf.get(right), idOf.get(left + right)];
      if (a === undefined || b === undefined || ab === undefined) {
        const missing = [left, right, left + right].find((text) => !idOf.has(text));
        throw new InputError(
          'fast',
          `merge ${rank} needs a symbol that the vocabulary lacks (${JSON.stringify(missing)}).`,
        );
      }
      results[this.pairs.add(a, b)] = ab;
    }
    this.results = Int32Array.from(results);
    this.buckets = new MergeBuckets(merges.length);
    for (let a = 0; a < 256; a++)
      for (let b = 0; b < 256; b++)
        if (this.byteIds[a]! >= 0 && this.byteIds[b]! >= 0)
          this.byteRanks[256 * a + b] = this.pairs.get(this.byteIds[a]!, this.byteIds[b]!);
    this.symbolBytes = vocab.map((text) => (text === undefined ? undefined : bytesOfSymbol(text)));
    for (const { id, content, special } of addedTokens) {
      this.symbolBytes[id] = bytesOfSymbol(content);
      if (special) this.special.set(id, content);
    }
    this.size = this.symbolBytes.length;
    // The longest first: of several that begin at one place it is taken.
    this.added = addedTokens
      .map(({ id, content }) => ({ id, points: [...content].map((c) => c.codePointAt(0)!) }))
      .filter(({ points }) => points.length > 0)
      .sort((a, b) => b.points.length - a.points.length);
    this.unknownId = unknown === undefined ? -1 : (idOf.get(unknown) ?? -1);
    this.whole = definition.ignoreMerges ? idOf : undefined;
  }

  /** The bytes that an id stands for; undefined for an id that the vocabulary lacks. */
  bytesOf(id: number): Uint8Array | undefined {
    return this.symbolBytes[id];
  }

  /** The text of a special token, for ids that are one. */
  specialOf(id: number): string | undefined {
    return this.special.get(id);
  }

  /**
   * Ids of a string of code points; `unknown` then tells how many bytes had no symbol. The answer is valid until the
   * next call.
   */
  encode(points: Int32Array, length = points.length): Int32Array {
    this.count = 0;
    this.unknown = 0;
    if (this.added.length === 0) this.encodeText(points, 0, length);
    else {
      let from = 0;
      for (let at = 0; at < length; ) {
        const token = this.added.find(
          ({ points: own }) => at + own.length <= length && own.every((p, i) => points[at + i] === p),
        );
        if (!token) {
          at++;
          continue;
        }
        this.encodeText(points, from, at);
        this.emit(token.id);
        at += token.points.length;
        from = at;
      }
      this.encodeText(points, from, length);
    }
    return this.out.subarray(0, this.count);
  }

  private encodeText(all: Int32Array, start: number, end: number): void {
    if (end <= start) return;
    let points = start === 0 ? all : all.subarray(start, end);
    let length = end - start;
    if (this.definition.addPrefixSpace && !isWhiteSpace(points[0]!)) {
      points = Int32Array.of(32, ...points.subarray(0, length));
      length++;
    }
    this.reserve(length);
    if (this.definition.useRegex === false) {
      this.encodePiece(points, 0, length);
      return;
    }
    const pieces = splitPieces(points, length, this.ends);
    let from = 0;
    for (let p = 0; p < pieces; p++) {
      const to = this.ends[p]!;
      this.encodePiece(points, from, to);
      from = to;
    }
  }

  private reserve(length: number): void {
    if (this.ends.length >= length) return;
    this.ends = new Int32Array(2 * length);
    this.ids = new Int32Array(8 * length);
    this.next = new Int32Array(8 * length);
    this.previous = new Int32Array(8 * length);
    this.bytes = new Uint8Array(8 * length);
    this.ranks = new Int32Array(8 * length);
  }

  private emit(id: number): void {
    if (this.count === this.out.length) {
      const more = new Int32Array(2 * this.count);
      more.set(this.out);
      this.out = more;
    }
    this.out[this.count++] = id;
  }

  /** Merges the pair of lowest rank, of equal ranks the leftmost, until none is left. */
  private encodePiece(points: Int32Array, from: number, to: number): void {
    const { bytes, byteIds } = this;
    let size = 0;
    for (let i = from; i < to; i++) {
      const point = points[i]!;
      if (point < 0x80) bytes[size++] = point;
      else {
        if (utf8Length(point) === undefined)
          throw new InputError('fast', `code point ${point} is no Unicode character.`);
        size = writeUtf8(point, bytes, size);
      }
    }
    if (this.whole) {
      const id = this.whole.get(Array.from(bytes.subarray(0, size), (byte) => BYTE_CHARACTERS[byte]!).join(''));
      if (id !== undefined) {
        this.emit(id);
        return;
      }
    }
    const { ids, ranks } = this;
    let known = true;
    for (let i = 0; i < size; i++) {
      const id = byteIds[bytes[i]!]!;
      ids[i] = id;
      if (id < 0) known = false;
    }
    let count = size;
    let some = false;
    if (known)
      for (let i = 0; i + 1 < size; i++) {
        const rank = this.byteRanks[256 * bytes[i]! + bytes[i + 1]!]!;
        ranks[i] = rank;
        if (rank >= 0) some = true;
      }
    else {
      count = this.replaceUnknown(size);
      for (let i = 0; i + 1 < count; i++) {
        const rank = this.pairs.get(ids[i]!, ids[i + 1]!);
        ranks[i] = rank;
        if (rank >= 0) some = true;
      }
    }
    if (some) this.merge(count);
    else for (let i = 0; i < count; i++) this.emit(ids[i]!);
  }

  /** Puts the unknown id, or nothing, in place of bytes without a symbol; the new number of ids. */
  private replaceUnknown(size: number): number {
    const { ids } = this;
    let count = 0;
    let lastUnknown = false;
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      if (id >= 0) ids[count++] = id;
      else {
        this.unknown++;
        if (this.unknownId >= 0 && !(lastUnknown && this.definition.fuseUnknown)) ids[count++] = this.unknownId;
      }
      lastUnknown = id < 0;
    }
    return count;
  }

  /** Merges the first `count` ids by the ranks of their pairs and emits what is left. */
  private merge(count: number): void {
    const { ids, next, previous, ranks, pairs, results, buckets } = this;
    buckets.begin(3 * count);
    for (let i = 0; i < count; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
      if (i + 1 < count && ranks[i]! >= 0) buckets.push(ranks[i]!, i);
    }
    ranks[count - 1] = -1;
    for (let rank = buckets.lowestRank(); rank >= 0; rank = buckets.lowestRank()) {
      const places = buckets.take(rank);
      const merged = results[rank]!;
      for (let p = 0; p < places.length; p++) {
        const at = places[p]!;
        if (ranks[at] !== rank) continue; // merged away meanwhile
        const right = next[at]!;
        const after = next[right]!;
        let lower = false;
        ids[at] = merged;
        ranks[right] = -1;
        next[at] = after;
        if (after < count) {
          previous[after] = at;
          const own = pairs.get(merged, ids[after]!);
          ranks[at] = own;
          if (own >= 0) {
            buckets.push(own, at);
            lower = own < rank;
          }
        } else ranks[at] = -1;
        const before = previous[at]!;
        if (before >= 0) {
          const own = pairs.get(ids[before]!, merged);
          ranks[before] = own;
          if (own >= 0) {
            buckets.push(own, before);
            lower ||= own < rank;
          }
        }
        if (!lower) continue;
        // A symbol that came about in two ways: the new pair goes first.
        for (let rest = p + 1; rest < places.length; rest++)
          if (ranks[places[rest]!] === rank) buckets.push(rank, places[rest]!);
        break;
      }
    }
    for (let i = 0; i < count; i = next[i]!) this.emit(ids[i]!);
  }
}
