/**
 * Exact order statistics of float32 numbers that are never all held: the numbers are shown twice, first their upper 16 bits are counted (`count`), then, once
 * the wanted ranks are known (`locate`), the lower 16 bits of those in the buckets that hold them (`refine`).
 */
export class OrderStatistics {
  private readonly high = new Uint32Array(65536);
  /** One table of lower halves per bucket that holds a wanted rank; at most four. */
  private readonly low: Uint32Array[] = [];
  private buckets: number[] = [];
  private wanted: { readonly bucket: number; readonly rank: number }[] = [];

  /** First pass: the bits of `length` finite float32 numbers. */
  count(bits: Int32Array, length: number): void {
    const { high } = this;
    for (let i = 0; i < length; i++) {
      const b = bits[i]!;
      high[((b ^ ((b >> 31) & 0x7fffffff)) >> 16) + 32768]!++;
    }
  }

  /** Chooses the ranks (0-based, at most four; quickest when rising) that `value` will answer for, by position in `ranks`. */
  locate(ranks: readonly number[]): void {
    let before = 0;
    let bucket = 0;
    this.wanted = ranks.map((rank) => {
      if (rank < before) [before, bucket] = [0, 0];
      while (before + this.high[bucket]! <= rank) before += this.high[bucket++]!;
      return { bucket: bucket - 32768, rank: rank - before };
    });
    this.buckets = [...new Set(this.wanted.map((w) => w.bucket))];
    this.buckets.forEach((_, i) => {
      if (this.low[i]) this.low[i].fill(0);
      else this.low[i] = new Uint32Array(65536);
    });
  }

  /** Second pass: the same numbers again. */
  refine(bits: Int32Array, length: number): void {
    const nowhere = 1 << 20;
    const [b0 = nowhere, b1 = nowhere, b2 = nowhere, b3 = nowhere] = this.buckets;
    const [l0, l1, l2, l3] = this.low as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
    for (let i = 0; i < length; i++) {
      const b = bits[i]!;
      const key = b ^ ((b >> 31) & 0x7fffffff);
      const top = key >> 16;
      if (top === b0) l0[key & 0xffff]!++;
      else if (top === b1) l1[key & 0xffff]!++;
      else if (top === b2) l2[key & 0xffff]!++;
      else if (top === b3) l3[key & 0xffff]!++;
    }
  }

  /** The number with the i-th wanted rank. */
  value(i: number): number {
    const { bucket, rank } = this.wanted[i]!;
    const low = this.low[this.buckets.indexOf(bucket)]!;
    let before = 0;
    let at = 0;
    while (before + low[at]! <= rank) before += low[at++]!;
    const key = (bucket << 16) | at;
    scratch.setInt32(0, key ^ ((key >> 31) & 0x7fffffff));
    return scratch.getFloat32(0);
  }

  clear(): void {
    this.high.fill(0);
  }
}

const scratch = new DataView(new ArrayBuffer(4));

/** Two quantiles as the ranks around them and how far between those they lie (numpy's `linear`). */
export interface QuantilePair {
  readonly ranks: readonly number[];
  readonly parts: readonly [number, number];
}

export function quantilePair(n: number, low: number, high: number): QuantilePair {
  const at = [low, high].map((p) => (n - 1) * p) as [number, number];
  const parts = at.map((x) => x - Math.floor(x)) as [number, number];
  return { ranks: at.flatMap((x) => [Math.floor(x), Math.min(Math.floor(x) + 1, n - 1)]), parts };
}

/** The quantiles from the values at `pair.ranks`. */
export function interpolatePair({ parts }: QuantilePair, value: (i: number) => number): [number, number] {
  const at = (i: 0 | 1) => value(2 * i) + (value(2 * i + 1) - value(2 * i)) * parts[i];
  return [at(0), at(1)];
}
