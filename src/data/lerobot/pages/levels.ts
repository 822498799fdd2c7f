/**
 * Levels of a page: runs and packed groups of eight
 * (https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE), here of one or two bits.
 */

/**
 * Calls back for each run (`value`, `length`) or packed byte (`length` 0 says so) until `count` levels were seen;
 * undefined where the data ends before.
 */
function runs(
  bytes: Uint8Array,
  from: number,
  end: number,
  bits: number,
  count: number,
  run: (value: number, length: number) => boolean,
  packed: (from: number, length: number) => boolean,
): boolean {
  let at = from;
  let seen = 0;
  while (seen < count) {
    let head = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      if (at >= end || shift > 28) return false;
      const byte = bytes[at++]!;
      head |= (byte & 127) << shift;
      more = byte > 127;
    }
    const length = head >>> 1;
    if (length === 0) return false;
    if (head & 1) {
      const values = Math.min(8 * length, count - seen);
      // The last group may be cut off where its levels end.
      if (at + Math.ceil((values * bits) / 8) > end || !packed(at, values)) return false;
      at += length * bits;
      seen += values;
    } else {
      if (at >= end || length > count - seen || !run(bytes[at++]!, length)) return false;
      seen += length;
    }
  }
  return true;
}

/** Whether all `count` levels are `value`; with value 0 there are none to look at. */
export function checkConstant(bytes: Uint8Array, from: number, end: number, value: number, count: number): boolean {
  if (value === 0) return from === end;
  const bits = 32 - Math.clz32(value);
  return runs(
    bytes,
    from,
    end,
    bits,
    count,
    (level) => level === value,
    (at, length) => {
      for (let i = 0; i < length; i++) {
        const bit = i * bits;
        const two = bytes[at + (bit >> 3)]! | (bytes[at + (bit >> 3) + 1]! << 8);
        if (((two >> (bit & 7)) & ((1 << bits) - 1)) !== value) return false;
      }
      return true;
    },
  );
}

/**
 * Follows repetition levels through a column's pages, and sees whether a row begins every `width` numbers and
 * nowhere else.
 */
export class RowStarts {
  /** Numbers until the next row begins. */
  private left = 0;

  constructor(private readonly width: number) {}

  /** Goes on at the column's number `seen` without having looked at those before it. */
  skipTo(seen: number): void {
    this.left = (this.width - (seen % this.width)) % this.width;
  }

  check(bytes: Uint8Array, from: number, end: number, count: number): boolean {
    const { width } = this;
    return runs(
      bytes,
      from,
      end,
      1,
      count,
      (value, length) => {
        if (value === 1) {
          this.left -= length;
          return this.left >= 0;
        }
        if (value !== 0 || this.left !== 0 || (length > 1 && width > 1)) return false;
        this.left = width - 1;
        return true;
      },
      (at, values) => {
        for (let i = 0; i < values; i += 8) {
          const n = Math.min(8, values - i);
          let expected = 255;
          while (this.left < n) {
            expected &= ~(1 << this.left);
            this.left += width;
          }
          this.left -= n;
          const mask = (1 << n) - 1;
          if ((bytes[at + (i >> 3)]! & mask) !== (expected & mask)) return false;
        }
        return true;
      },
    );
  }
}
