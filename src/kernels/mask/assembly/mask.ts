/**
 * XOR of bytes with a repeated word of four, sixteen at a time, where they lie. `from` is a byte offset, a multiple of
 * 16; `count` bytes, of which the last sixteen may go beyond the end of the data.
 */
export function mask(from: usize, count: u32, word: u32): void {
  const words = i32x4.splat(word);
  for (let at: u32 = 0; at < count; at += 16) v128.store(from + at, v128.xor(v128.load(from + at), words));
}
