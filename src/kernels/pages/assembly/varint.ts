/** Where the number read last ended; 0 where it was damaged. */
let end: usize = 0;
export function varintEnd(): usize {
  return end;
}

/** Reads a number of 7 bits a byte at `from`; `varintEnd()` says where it ended, 0 where it did not before `stop`. */
export function varint(from: usize, stop: usize): u32 {
  let value: u32 = 0;
  for (let shift: u32 = 0; shift <= 28; shift += 7) {
    if (from >= stop) break;
    const byte = load<u8>(from++);
    value |= ((byte & 127) as u32) << shift;
    if (byte < 128) {
      end = from;
      return value;
    }
  }
  end = 0;
  return 0;
}
