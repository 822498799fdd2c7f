/** Numbers for which memory is taken at once (4 MiB). */
const SLAB = 2 ** 20;

/**
 * Rows of `columns` float32, those of one episode next to each other. Few large pieces: the garbage collector would
 * look after thousands of small ones.
 */
export class RowStore {
  private slab = new Float32Array(0);
  private first = 0;
  private used = 0;

  constructor(private readonly columns: number) {}

  /** Forgets what was begun and not ended. */
  begin(): void {
    this.used = this.first;
  }

  /** Rows of the episode that was begun. */
  get rows(): number {
    return (this.used - this.first) / this.columns;
  }

  /** Room for `count` more rows of the episode, at index `at` of `data`; what is never written is 0. */
  room(count: number): { readonly data: Float32Array; readonly at: number } {
    const size = count * this.columns;
    if (this.used + size > this.slab.length) {
      const begun = this.slab.subarray(this.first, this.used);
      this.slab = new Float32Array(Math.max(2 * (begun.length + size), this.columns * Math.floor(SLAB / this.columns)));
      this.slab.set(begun);
      [this.first, this.used] = [0, begun.length];
    }
    this.used += size;
    return { data: this.slab, at: this.used - size };
  }

  /** [rows, columns]: the first `rows` of those that were begun, which are kept. */
  end(rows: number): Float32Array {
    const end = this.first + rows * this.columns;
    const episode = this.slab.subarray(this.first, end);
    this.first = end;
    return episode;
  }

  /** Nothing that was kept is needed any more: its room is for the next. */
  clear(): void {
    if (this.first === this.used) [this.first, this.used] = [0, 0];
  }
}
