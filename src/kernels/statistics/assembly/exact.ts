/**
 * Exact sums. A sum is a pair of 64-bit integers, high·2⁻⁴ + low·2⁻⁵⁵; two neighbouring sums lie in 32 bytes:
 * [high, high, low, low]. A float64 is split by adding 1.5·2⁵² times the grid: the lowest bits of that sum are
 * the number rounded to the grid, as an integer. Integers add up to the same in any order.
 */

// Mutable and exported, so that no optimiser makes constants of them: V8 builds a constant vector anew at each use.
/** 1.5·2⁴⁸ splits off the high word. */
export let highSplitter: f64 = 422212465065984;
/** 1.5·2⁻³ splits off the low word. */
export let lowSplitter: f64 = 0.1875;

/** Bits of a low word; what is above them belongs to the high one. */
const LOW_BITS = 51;

/** Adds two integers to those in memory. */
@inline
export function addTo(sums: usize, integers: v128): void {
  v128.store(sums, i64x2.add(v128.load(sums), integers));
}

/** What `value` leaves when its high word, which is in `split`, is taken off; ready to be read as the low word. */
@inline
export function lowPart(value: v128, split: v128, high: v128, low: v128): v128 {
  return f64x2.add(f64x2.sub(value, f64x2.sub(split, high)), low);
}

/** Adds two numbers to the exact sums at `sums`; `high` and `low` hold the two splitters. */
@inline
export function addExactly(value: v128, sums: usize, high: v128, low: v128): void {
  const split = f64x2.add(value, high);
  addTo(sums, i64x2.sub(split, high));
  addTo(sums + 16, i64x2.sub(lowPart(value, split, high, low), low));
}

/** Adds `count` float64 numbers to the exact sums at `sums`; `count` is even. */
export function addExact(values: usize, sums: usize, count: u32): void {
  const high = f64x2.splat(highSplitter);
  const low = f64x2.splat(lowSplitter);
  for (let i: u32 = 0; i < count; i += 2) {
    addExactly(v128.load(values), sums, high, low);
    values += 16;
    sums += 32;
  }
}

/** Adds `bytes` bytes of exact sums to others. */
export function addIntegers(sums: usize, from: usize, bytes: u32): void {
  for (let offset: u32 = 0; offset < bytes; offset += 16) addTo(sums + offset, v128.load(from + offset));
}

/** Moves what is above 51 bits of the low words into the high ones: the same number in its only normal form. */
export function carry(sums: usize, bytes: u32): void {
  const end = sums + bytes;
  for (; sums < end; sums += 32) {
    const over = i64x2.shr_s(v128.load(sums, 16), LOW_BITS);
    addTo(sums, over);
    v128.store(sums, i64x2.sub(v128.load(sums, 16), i64x2.shl(over, LOW_BITS)), 16);
  }
}
