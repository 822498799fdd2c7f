import { BYTE_CHARACTERS } from './byteLevel.ts';
import { MergeQueue } from './mergeQueue.ts';
import { PairTable } from './pairTable.ts';
import type { WordCounter } from './wordCounter.ts';

export interface BpeTraining {
  /** Symbols of the vocabulary at most; the alphabet may exceed it. */
  readonly vocabSize: number;
  /** Pairs that are rarer are not merged. */
  readonly minFrequency?: number;
  /** Pairs whose bytes together are not fewer than this are not queued again after a merge. */
  readonly maxTokenLength?: number;
  /** Symbols that belong to the vocabulary whether they occur or not. */
  readonly alphabet?: Iterable<string>;
  /** They take the first ids and are never merged. */
  readonly specialTokens?: readonly string[];
  /** Told after every merge how large the vocabulary is. */
  readonly progress?: (symbols: number) => void;
}

export interface TrainedBpe {
  /** Symbols in the order of their ids. */
  readonly vocab: string[];
  /** In order of rank; no pair twice. */
  readonly merges: [left: string, right: string][];
}

/**
 * Learns byte-pair merges as Hugging Face's BpeTrainer does, to the same vocabulary and merges (rules: golden case
 * `fast`): counts over every adjacent
 * window; ties by the smaller ids; a symbol whose text exists keeps its id; each queued pair is merged in the words
 * it was queued with.
 */
export function trainBpe(words: WordCounter, options: BpeTraining): TrainedBpe {
  const { vocabSize, minFrequency = 2, maxTokenLength = 10000, progress } = options;
  const vocab: string[] = [];
  const ids = new Map<string, number>();
  const lengths: number[] = [];
  const add = (text: string, length: number): number => {
    const known = ids.get(text);
    if (known !== undefined) return known;
    ids.set(text, vocab.length);
    lengths.push(length);
    return vocab.push(text) - 1;
  };
  for (const token of options.specialTokens ?? []) add(token, 1);
  const corpus = new Corpus(words);
  for (const text of alphabetOf(corpus.bytesThatOccur(), options.alphabet ?? [])) add(text, 1);
  corpus.toIds((byte) => ids.get(BYTE_CHARACTERS[byte]!)!);

  const pairs = new PairTable(4096);
  let counts = new Float64Array(8192);
  const slotOf = (a: number, b: number): number => {
    const slot = pairs.add(a, b);
    if (slot >= counts.length) {
      const more = new Float64Array(2 * slot);
      more.set(counts);
      counts = more;
    }
    return slot;
  };
  const queue = new MergeQueue();
  for (const [left, right, count, where] of corpus.adjacentPairs()) {
    counts[slotOf(left, right)] = count;
    queue.push({ left, right, count: orderKey(count), words: where });
  }
  const merges: [number, number][] = [];
  while (ids.size < vocabSize) {
    const top = queue.pop();
    if (!top) break;
    const { left, right } = top;
    const current = orderKey(counts[pairs.get(left, right)]!);
    if (top.count !== current) {
      top.count = current;
      queue.push(top);
      continue;
    }
    if (current < 1 || current < minFrequency) break;
    const merged = add(vocab[left]! + vocab[right]!, lengths[left]! + lengths[right]!);
    merges.push([left, right]);
    const changes = corpus.merge(top, merged, lengths, maxTokenLength);
    const formed = new Map<number, { left: number; right: number; words: number[] }>();
    for (const { pair, by, words: where } of changes) {
      const slot = slotOf(...pair);
      counts[slot]! += by;
      if (!where) continue;
      const known = formed.get(slot);
      if (known) for (const word of where) known.words.push(word);
      else formed.set(slot, { left: pair[0], right: pair[1], words: where });
    }
    for (const [slot, entry] of formed) if (counts[slot]! > 0) queue.push({ ...entry, count: counts[slot]! });
    progress?.(ids.size);
  }
  return { vocab, merges: withoutRepeats(merges).map(([a, b]) => [vocab[a]!, vocab[b]!]) };
}

/**
 * The trainer there compares counts as unsigned numbers: a negative one (over-long pairs can get it) is larger than
 * any other.
 */
function orderKey(count: number): number {
  return count < 0 ? Number.MAX_SAFE_INTEGER + count : count;
}

/** Byte symbols that occur and the given characters, by code point. */
function alphabetOf(bytes: Iterable<number>, given: Iterable<string>): string[] {
  const points = new Set<number>();
  for (const byte of bytes) points.add(BYTE_CHARACTERS[byte]!.codePointAt(0)!);
  for (const text of given) if (text.length > 0) points.add(text.codePointAt(0)!);
  return [...points].sort((a, b) => a - b).map((point) => String.fromCodePoint(point));
}

/** Where a pair was merged twice (its parts came about in two ways), only the later rank counts. */
function withoutRepeats(merges: readonly [number, number][]): [number, number][] {
  const last = new Map(merges.map(([a, b], i) => [`${a} ${b}`, i]));
  return merges.filter(([a, b], i) => last.get(`${a} ${b}`) === i);
}

interface PairChange {
  readonly pair: readonly [number, number];
  /** What its count grows by. */
  readonly by: number;
  /** Words in which it came about. */
  readonly words?: number[];
}

/** The words as ids, shrinking in place as pairs are merged. */
class Corpus {
  private readonly symbols: Int32Array;
  private readonly lengths: Int32Array;
  private readonly neighbours = [0, 1, 2, 3].map(() => new Neighbours());

  constructor(private readonly words: WordCounter) {
    this.symbols = Int32Array.from(words.bytes.subarray(0, words.starts[words.size]!));
    this.lengths = Int32Array.from({ length: words.size }, (_, w) => words.starts[w + 1]! - words.starts[w]!);
  }

  bytesThatOccur(): number[] {
    const seen = new Uint8Array(256);
    for (let i = 0; i < this.symbols.length; i++) seen[this.symbols[i]!] = 1;
    return [...seen.keys()].filter((byte) => seen[byte]);
  }

  toIds(idOf: (byte: number) => number): void {
    const ids = Int32Array.from(this.bytesSeen(idOf));
    for (let i = 0; i < this.symbols.length; i++) this.symbols[i] = ids[this.symbols[i]!]!;
  }

  private bytesSeen(idOf: (byte: number) => number): number[] {
    const seen = new Set(this.bytesThatOccur());
    return Array.from({ length: 256 }, (_, byte) => (seen.has(byte) ? idOf(byte) : -1));
  }

  /** Every pair of neighbours with its count and the words that hold it. */
  adjacentPairs(): [left: number, right: number, count: number, words: number[]][] {
    const table = new PairTable(4096);
    const found: [number, number, number, number[]][] = [];
    const { symbols, lengths, words } = this;
    for (let w = 0; w < lengths.length; w++) {
      const count = words.counts[w]!;
      const end = words.starts[w]! + lengths[w]! - 1;
      for (let i = words.starts[w]!; i < end; i++) {
        const slot = table.add(symbols[i]!, symbols[i + 1]!);
        const entry = (found[slot] ??= [symbols[i]!, symbols[i + 1]!, 0, []]);
        entry[2] += count;
        const where = entry[3];
        if (where.length === 0 || where[where.length - 1] !== w) where.push(w);
      }
    }
    return found;
  }

  /**
   * Merges the pair from left to right in each of its words. Of every hit between `p` and `n`: (p, left) −1, (p,
   * merged) +1, (right, n) −1,
   * (merged, n) +1, times the word's count; the merged pair's own count stays.
   */
  merge(
    { left, right, words: where }: { left: number; right: number; words: readonly number[] | Int32Array },
    merged: number,
    symbolLengths: readonly number[],
    maxTokenLength: number,
  ): PairChange[] {
    const { symbols, lengths, words } = this;
    const [lostBefore, newBefore, lostAfter, newAfter] = this.neighbours as [
      Neighbours,
      Neighbours,
      Neighbours,
      Neighbours,
    ];
    for (const family of this.neighbours) family.begin(symbolLengths.length);
    const room = maxTokenLength - symbolLengths[merged]!;
    for (let k = 0; k < where.length; k++) {
      const w = where[k]!;
      const start = words.starts[w]!;
      const end = start + lengths[w]!;
      const last = end - 1;
      let read = start;
      while (read < last && (symbols[read] !== left || symbols[read + 1] !== right)) read++;
      if (read >= last) continue;
      const count = words.counts[w]!;
      let write = read;
      while (read < end) {
        const symbol = symbols[read]!;
        if (symbol !== left || read >= last || symbols[read + 1] !== right) {
          symbols[write++] = symbol;
          read++;
          continue;
        }
        if (write > start) {
          const p = symbols[write - 1]!;
          lostBefore.count(p, -count);
          if (symbolLengths[p]! < room) newBefore.found(p, count, w);
        }
        symbols[write++] = merged;
        read += 2;
        if (read < end) {
          const n = symbols[read]!;
          lostAfter.count(n, -count);
          if (symbolLengths[n]! < room) newAfter.found(n, count, w);
        }
      }
      lengths[w] = write - start;
    }
    const changes: PairChange[] = [];
    lostBefore.each((p, by) => changes.push({ pair: [p, left], by }));
    newBefore.each((p, by, list) => changes.push({ pair: [p, merged], by, words: list }));
    lostAfter.each((n, by) => changes.push({ pair: [right, n], by }));
    newAfter.each((n, by, list) => changes.push({ pair: [merged, n], by, words: list }));
    return changes;
  }
}

/** Sums and word lists by the neighbour of a merged pair. */
class Neighbours {
  private sums = new Float64Array(0);
  private seen = new Uint8Array(0);
  private lists: (number[] | undefined)[] = [];
  private readonly touched: number[] = [];

  begin(symbols: number): void {
    if (this.sums.length < symbols) {
      this.sums = new Float64Array(2 * symbols);
      this.seen = new Uint8Array(2 * symbols);
    }
    for (const symbol of this.touched) {
      this.sums[symbol] = 0;
      this.seen[symbol] = 0;
      this.lists[symbol] = undefined;
    }
    this.touched.length = 0;
  }

  count(symbol: number, by: number): void {
    if (this.seen[symbol] === 0) {
      this.seen[symbol] = 1;
      this.touched.push(symbol);
    }
    this.sums[symbol]! += by;
  }

  found(symbol: number, by: number, word: number): void {
    this.count(symbol, by);
    const list = (this.lists[symbol] ??= []);
    if (list.length === 0 || list[list.length - 1] !== word) list.push(word);
  }

  each(visit: (symbol: number, sum: number, words: number[] | undefined) => void): void {
    for (const symbol of this.touched) visit(symbol, this.sums[symbol]!, this.lists[symbol]);
  }
}
