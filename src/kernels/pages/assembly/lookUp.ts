import { varint, varintEnd } from './varint';

/** Groups of eight indices that one packed run may hold. */
const MOST_GROUPS: u32 = 1 << 24;

/** An index of up to 24 bits that begins `bit` bits after `from`. */
@inline
function indexAt(from: usize, bit: u32, mask: u64): u32 {
  return <u32>((load<u64>(from + (bit >> 3), 0, 1) >> (bit & 7)) & mask);
}

/**
 * `count` 32-bit values out of the dictionary at `values` (`size` of them), by indices of `width` bits in runs and
 * packed groups of eight (https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE); 0 where the data
 * is damaged. Reads up to 64 bytes beyond what it is given.
 */
export function lookUp(
  from: usize,
  end: usize,
  width: u32,
  values: usize,
  size: u32,
  out: usize,
  count: u32,
): u32 {
  const stop = out + (count << 2);
  const mask: u64 = ((1 as u64) << width) - 1;
  while (out < stop) {
    const head = varint(from, end);
    from = varintEnd();
    if (from == 0) return 0;
    const length: usize = head >> 1;
    if (head & 1) {
      // Packed: `length` groups of eight, of which the last may be needed in part.
      if (length > MOST_GROUPS || length * width > end - from) return 0;
      const runEnd = min(out + (length << 5), stop);
      let bit: u32 = 0;
      for (; out < runEnd; out += 4) {
        const index = indexAt(from, bit, mask);
        if (index >= size) return 0;
        store<u32>(out, load<u32>(values + (index << 2)));
        bit += width;
      }
      from += length * width;
    } else {
      if (length == 0 || length > (stop - out) >> 2) return 0;
      const index = indexAt(from, 0, mask);
      from += (width + 7) >> 3;
      if (from > end || index >= size) return 0;
      const value = load<u32>(values + (index << 2));
      for (const runEnd = out + (length << 2); out < runEnd; out += 4) store<u32>(out, value);
    }
  }
  return 1;
}
