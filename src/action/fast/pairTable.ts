/**
 * Numbers by pairs of ids: open addressing in typed arrays. Slots never move out of existence, so `slot` can index
 * columns beside it.
 */
export class PairTable {
  private left = new Int32Array(0);
  private right = new Int32Array(0);
  private slots = new Int32Array(0);
  private mask = 0;
  size = 0;

  constructor(expected = 64) {
    this.resize(4 * expected);
  }

  private resize(least: number): void {
    let capacity = 64;
    while (capacity < least) capacity *= 2;
    const [left, right, slots] = [this.left, this.right, this.slots];
    this.left = new Int32Array(capacity).fill(-1);
    this.right = new Int32Array(capacity);
    this.slots = new Int32Array(capacity);
    this.mask = capacity - 1;
    for (let i = 0; i < left.length; i++)
      if (left[i] !== -1) {
        const at = this.find(left[i]!, right[i]!);
        this.left[at] = left[i]!;
        this.right[at] = right[i]!;
        this.slots[at] = slots[i]!;
      }
  }

  /** Where the pair stands, or the free place where it would. */
  private find(a: number, b: number): number {
    let at = (Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)) >>> 0;
    at = (at ^ (at >>> 15)) & this.mask;
    while (this.left[at] !== -1 && (this.left[at] !== a || this.right[at] !== b)) at = (at + 1) & this.mask;
    return at;
  }

  /** The pair's number 0, 1, 2, … in order of first use, or -1. */
  get(a: number, b: number): number {
    const at = this.find(a, b);
    return this.left[at] === -1 ? -1 : this.slots[at]!;
  }

  /** The pair's number, given now if it has none. */
  add(a: number, b: number): number {
    let at = this.find(a, b);
    if (this.left[at] !== -1) return this.slots[at]!;
    if (3 * this.size >= this.mask) {
      this.resize(2 * (this.mask + 1));
      at = this.find(a, b);
    }
    this.left[at] = a;
    this.right[at] = b;
    this.slots[at] = this.size;
    return this.size++;
  }
}
