/** Fractional bits of the filter's coefficients, as in PIL; half a level is added before they are shifted out. */
const BITS = 22;
const HALF = 1 << (BITS - 1);

/** Four levels, from the four bytes at `at`. */
@inline
function levels(at: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
}

/** Sums as levels: shifted, and cut to 0…255. The upper 12 bytes repeat. */
@inline
function rounded(sums: v128): v128 {
  const words = i32x4.shr_s(sums, BITS);
  const halves = i16x8.narrow_i32x4_s(words, words);
  return i8x16.narrow_i16x8_u(halves, halves);
}

/**
 * Resamples rows: pixels [height, width, channels] (3 or 4) become out [height, to, 3]; a fourth channel is dropped.
 * Output pixel x is Σ weights[k] · pixel(first[x] + k − offsets[x]) over offsets[x] ≤ k < offsets[x + 1].
 * Reads up to 1 byte beyond the pixels and writes 1 byte beyond the end of out.
 */
export function resampleRows(
  pixels: usize,
  height: u32,
  width: u32,
  channels: u32,
  first: usize,
  offsets: usize,
  weights: usize,
  to: u32,
  out: usize,
): void {
  let row = pixels;
  for (let y: u32 = 0; y < height; y++) {
    for (let x: u32 = 0; x < to; x++) {
      let from = row + load<u32>(first + (x << 2)) * channels;
      let weight = weights + (load<u32>(offsets + (x << 2)) << 2);
      const end = weights + (load<u32>(offsets + (x << 2), 4) << 2);
      let sums = i32x4.splat(HALF);
      for (; weight < end; weight += 4) {
        sums = i32x4.add(sums, i32x4.mul(levels(from), v128.load32_splat(weight)));
        from += channels;
      }
      store<i32>(out, i32x4.extract_lane(rounded(sums), 0));
      out += 3;
    }
    row += width * channels;
  }
}

/**
 * Resamples columns: `values` [height, row] bytes become out [to, row], by the same filter. Reads and writes up to 15
 * bytes beyond the ends.
 */
export function resampleColumns(
  values: usize,
  row: u32,
  first: usize,
  offsets: usize,
  weights: usize,
  to: u32,
  out: usize,
): void {
  for (let y: u32 = 0; y < to; y++) {
    const top = values + load<u32>(first + (y << 2)) * row;
    const begin = weights + (load<u32>(offsets + (y << 2)) << 2);
    const end = weights + (load<u32>(offsets + (y << 2), 4) << 2);
    for (let x: u32 = 0; x < row; x += 16) {
      let from = top + x;
      let a = i32x4.splat(HALF);
      let b = a;
      let c = a;
      let d = a;
      for (let weight = begin; weight < end; weight += 4) {
        const factor = v128.load32_splat(weight);
        const bytes = v128.load(from);
        const low = i16x8.extend_low_i8x16_u(bytes);
        const high = i16x8.extend_high_i8x16_u(bytes);
        a = i32x4.add(a, i32x4.mul(i32x4.extend_low_i16x8_u(low), factor));
        b = i32x4.add(b, i32x4.mul(i32x4.extend_high_i16x8_u(low), factor));
        c = i32x4.add(c, i32x4.mul(i32x4.extend_low_i16x8_u(high), factor));
        d = i32x4.add(d, i32x4.mul(i32x4.extend_high_i16x8_u(high), factor));
        from += row;
      }
      const left = i16x8.narrow_i32x4_s(i32x4.shr_s(a, BITS), i32x4.shr_s(b, BITS));
      const right = i16x8.narrow_i32x4_s(i32x4.shr_s(c, BITS), i32x4.shr_s(d, BITS));
      v128.store(out + x, i8x16.narrow_i16x8_u(left, right));
    }
    out += row;
  }
}
