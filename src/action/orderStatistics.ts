/**
 * Exact order statistics of float32 numbers that are never all held: the numbers are shown twice, first their upper 16 bits are counted (`count`), then, once
 * the wanted ranks are known (`locate`), the lower 16 bits of those in the buckets that hold them (`refine`).
 */
export class OrderStatistics {
  private readonly high = new Uint32Array(65536);
  private readonly low = new Map<number, Uint32Array>();
  private wanted: { readonly bucket: number; readonly rank: number }[] = [];
  private total = 0;

  /** First pass: the bits of `length` finite float32 numbers. */
  count(bits: Int32Array, length: number): void {
    const { high } = this;
    for (let i = 0; i < length; i++) {
      const b = bits[i]!;
      high[((b ^ ((b >> 31) & 0x7fffffff)) >> 16) + 32768]!++;
    }
    this.total += length;
  }

  /** Adds what another one has counted in its first pass. */
  countAll(other: OrderStatistics): void {
    for (let i = 0; i < 65536; i++) this.high[i]! += other.high[i]!;
    this.total += other.total;
  }

  /** Chooses the ranks (0-based, rising order) that `value` will answer for, by position in `ranks`. */
  locate(ranks: readonly number[]): void {
    this.wanted = ranks.map((rank) => {
      let before = 0;
      let bucket = 0;
      while (before + this.high[bucket]! <= rank) before += this.high[bucket++]!;
      if (!this.low.has(bucket)) this.low.set(bucket, new Uint32Array(65536));
      return { bucket, rank: rank - before };
    });
  }

  /** Second pass: the same numbers again. */
  refine(bits: Int32Array, length: number): void {
    for (const [bucket, low] of this.low) {
      const top = bucket - 32768;
      for (let i = 0; i < length; i++) {
        const b = bits[i]!;
        const key = b ^ ((b >> 31) & 0x7fffffff);
        if (key >> 16 === top) low[key & 0xffff]!++;
      }
    }
  }

  /** The number with the i-th wanted rank. */
  value(i: number): number {
    const { bucket, rank } = this.wanted[i]!;
    const low = this.low.get(bucket)!;
    let before = 0;
    let at = 0;
    while (before + low[at]! <= rank) before += low[at++]!;
    const key = ((bucket - 32768) << 16) | at;
    scratch.setInt32(0, key ^ ((key >> 31) & 0x7fffffff));
    return scratch.getFloat32(0);
  }

  clear(): void {
    this.high.fill(0);
    this.low.clear();
    this.wanted = [];
    this.total = 0;
  }

  get length(): number {
    return this.total;
  }
}

const scratch = new DataView(new ArrayBuffer(4));

/** The two ranks around quantile p of n numbers, and how far between them it lies (numpy's `linear`). */
export function quantileRanks(
  n: number,
  p: number,
): { readonly ranks: readonly [number, number]; readonly part: number } {
  const at = (n - 1) * p;
  const low = Math.floor(at);
  return { ranks: [low, Math.min(low + 1, n - 1)], part: at - low };
}
