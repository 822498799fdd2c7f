import { InputError } from '../../base/index.ts';
import { utf8Length, writeUtf8 } from './byteLevel.ts';
import { splitPieces } from './split.ts';

/** The pieces of a corpus as UTF-8 bytes, each distinct one once with its count. */
export class WordCounter {
  /** All distinct pieces, one after the other; piece w is bytes[starts[w] … starts[w + 1]). */
  bytes = new Uint8Array(1 << 16);
  starts = new Float64Array(1024);
  counts = new Float64Array(1024);
  size = 0;
  private table = new Int32Array(4096).fill(-1);
  private hashes = new Int32Array(1024);
  private ends = new Int32Array(1024);

  /**
   * Splits a string of code points and counts its pieces. @throws InputError for a code point that UTF-8 cannot hold
   */
  addText(codePoints: Int32Array, length = codePoints.length): void {
    if (this.ends.length < length) this.ends = new Int32Array(2 * length);
    const pieces = splitPieces(codePoints, length, this.ends);
    let from = 0;
    for (let p = 0; p < pieces; p++) {
      const to = this.ends[p]!;
      this.addPiece(codePoints, from, to);
      from = to;
    }
  }

  private addPiece(points: Int32Array, from: number, to: number): void {
    const start = this.starts[this.size]!;
    if (start + 4 * (to - from) > this.bytes.length)
      this.bytes = grown(this.bytes, 2 * this.bytes.length + 4 * (to - from));
    let end = start;
    for (let i = from; i < to; i++) {
      const point = points[i]!;
      if (point < 0x80) this.bytes[end++] = point;
      else {
        if (utf8Length(point) === undefined)
          throw new InputError(
            'fast',
            `symbol ${point} is no Unicode character (the range of coefficients is too wide). Use a smaller scale.`,
          );
        end = writeUtf8(point, this.bytes, end);
      }
    }
    // The piece stands behind the others already; it stays there if it is new.
    const { bytes } = this;
    let hash = 0x811c9dc5;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    hash ^= hash >>> 15;
    let mask = this.table.length - 1;
    let at = hash & mask;
    for (let word = this.table[at]!; word !== -1; word = this.table[at]!) {
      if (this.hashes[word] === hash && this.same(word, start, end)) {
        this.counts[word]!++;
        return;
      }
      at = (at + 1) & mask;
    }
    const word = this.size++;
    if (this.size + 1 >= this.starts.length) {
      this.starts = grown(this.starts, 2 * this.starts.length);
      this.counts = grown(this.counts, 2 * this.counts.length);
      this.hashes = grown(this.hashes, 2 * this.hashes.length);
    }
    this.hashes[word] = hash;
    this.counts[word] = 1;
    this.starts[word + 1] = end;
    this.table[at] = word;
    if (2 * this.size > this.table.length) {
      this.table = new Int32Array(4 * this.table.length).fill(-1);
      mask = this.table.length - 1;
      for (let w = 0; w < this.size; w++) {
        let place = this.hashes[w]! & mask;
        while (this.table[place] !== -1) place = (place + 1) & mask;
        this.table[place] = w;
      }
    }
  }

  private same(word: number, start: number, end: number): boolean {
    const { bytes, starts } = this;
    const at = starts[word]!;
    if (starts[word + 1]! - at !== end - start) return false;
    for (let i = start, j = at; i < end; i++, j++) if (bytes[i] !== bytes[j]) return false;
    return true;
  }
}

function grown<A extends Uint8Array | Float64Array | Int32Array>(array: A, length: number): A {
  const next = new (array.constructor as new (n: number) => A)(length);
  next.set(array as never);
  return next;
}
