import { varint, varintEnd } from './varint';

/** Copies from `source` up to `stop` of the target in order, 16 bytes at a time; may write up to 15 bytes beyond. */
@inline
function copySixteen(to: usize, stop: usize, source: usize): void {
  do {
    v128.store(to, v128.load(source, 0, 1), 0, 1);
    to += 16;
    source += 16;
  } while (to < stop);
}

/** The same for a source closer than 16 bytes behind its target, whose bytes repeat. */
@inline
function copyNear(to: usize, stop: usize, source: usize): void {
  if (to - source >= 8)
    do {
      store<u64>(to, load<u64>(source, 0, 1), 0, 1);
      to += 8;
      source += 8;
    } while (to < stop);
  else
    do store<u8>(to++, load<u8>(source++));
    while (to < stop);
}

/**
 * Snappy (https://github.com/google/snappy/blob/main/format_description.txt): from…end into out, which must become
 * `size` bytes long; 0 where the data is damaged. Reads and writes up to 64 bytes beyond what it is given.
 */
export function snappy(from: usize, end: usize, out: usize, size: u32): u32 {
  if (varint(from, end) != size) return 0;
  from = varintEnd();
  if (from == 0) return 0;
  let to = out;
  const limit = out + size;
  while (from < end) {
    const tag: u32 = load<u8>(from++);
    const kind = tag & 3;
    let length: usize = (tag >> 2) + 1;
    if (kind) {
      let distance: usize;
      if (kind == 1) {
        length = ((tag >> 2) & 7) + 4;
        distance = ((tag >> 5) << 8) | load<u8>(from);
        from += 1;
      } else if (kind == 2) {
        distance = load<u16>(from, 0, 1);
        from += 2;
      } else {
        distance = load<u32>(from, 0, 1);
        from += 4;
      }
      if (from > end || distance == 0) return 0;
      if (distance > to - out || length > limit - to) return 0;
      if (distance >= 16) copySixteen(to, to + length, to - distance);
      else copyNear(to, to + length, to - distance);
    } else {
      if (length > 60) {
        // The length takes one to four bytes of its own.
        const bits = (length - 60) << 3;
        length = load<u32>(from, 0, 1);
        from += bits >> 3;
        if (bits < 32) length &= ((1 as usize) << bits) - 1;
        length += 1;
      }
      if (from > end || length == 0) return 0;
      if (length > end - from || length > limit - to) return 0;
      if (length > 256) memory.copy(to, from, length);
      else copySixteen(to, to + length, from);
      from += length;
    }
    to += length;
  }
  return to == limit ? 1 : 0;
}
