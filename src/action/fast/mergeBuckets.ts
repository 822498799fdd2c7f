/**
 * Places where a pair may be merged, by the pair's rank: lists per rank and a bit per rank that has one. Gives the
 * lowest rank first, and of one rank the
 * leftmost place first, as a heap of (rank, place) would, at a constant price.
 */
export class MergeBuckets {
  private readonly heads: Int32Array;
  private readonly tails: Int32Array;
  private readonly bits: Int32Array;
  private places = new Int32Array(0);
  private next = new Int32Array(0);
  private used = 0;
  /** No word below this has a bit. */
  private lowest: number;
  private taken = new Int32Array(0);

  constructor(ranks: number) {
    this.heads = new Int32Array(ranks).fill(-1);
    this.tails = new Int32Array(ranks);
    this.bits = new Int32Array((ranks >> 5) + 1);
    this.lowest = this.bits.length;
  }

  /** Makes room for `pushes` places; more make room for themselves. The buckets must be empty. */
  begin(pushes: number): void {
    this.used = 0;
    if (this.places.length < pushes) this.reserve(2 * pushes);
  }

  private reserve(places: number): void {
    const grown = (old: Int32Array) => {
      const more = new Int32Array(places);
      more.set(old);
      return more;
    };
    this.places = grown(this.places);
    this.next = grown(this.next);
    this.taken = grown(this.taken);
  }

  push(rank: number, place: number): void {
    // merges out of order put places back again and again
    if (this.used === this.places.length) this.reserve(2 * this.used + 16);
    const node = this.used++;
    this.places[node] = place;
    this.next[node] = -1;
    if (this.heads[rank] === -1) {
      this.heads[rank] = node;
      const word = rank >> 5;
      this.bits[word]! |= 1 << (rank & 31);
      if (word < this.lowest) this.lowest = word;
    } else this.next[this.tails[rank]!] = node;
    this.tails[rank] = node;
  }

  /** The lowest rank that has places, or -1. */
  lowestRank(): number {
    const { bits } = this;
    while (this.lowest < bits.length && bits[this.lowest] === 0) this.lowest++;
    if (this.lowest === bits.length) return -1;
    const word = bits[this.lowest]!;
    return 32 * this.lowest + 31 - Math.clz32(word & -word);
  }

  /** Empties a rank: its places in ascending order, valid until the next call. */
  take(rank: number): Int32Array {
    const { taken } = this;
    let [count, sorted] = [0, true];
    for (let node = this.heads[rank]!; node !== -1; node = this.next[node]!) {
      const place = this.places[node]!;
      if (count > 0 && place < taken[count - 1]!) sorted = false;
      taken[count++] = place;
    }
    this.heads[rank] = -1;
    this.bits[rank >> 5]! &= ~(1 << (rank & 31));
    const places = taken.subarray(0, count);
    return sorted ? places : places.sort();
  }
}
