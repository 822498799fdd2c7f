/** Fourier transforms of eight complex series at once: real and imaginary [length, 8], rows of 64 bytes. */

/** The first two steps of the transform for two of the eight series, which lie `offset` bytes into each row. */
@inline
function firstTwoSteps(
  even: usize,
  evenQuarter: usize,
  odd: usize,
  oddQuarter: usize,
  real: usize,
  imaginary: usize,
  offset: usize,
): void {
  // Bit-reversed: rows 0 and length/2 meet first, then those with length/4 and 3·length/4.
  const real0 = v128.load(even + offset);
  const real1 = v128.load(even + 2 * evenQuarter + offset);
  const real2 = v128.load(even + evenQuarter + offset);
  const real3 = v128.load(even + 3 * evenQuarter + offset);
  const imaginary0 = v128.load(odd + offset);
  const imaginary1 = v128.load(odd + 2 * oddQuarter + offset);
  const imaginary2 = v128.load(odd + oddQuarter + offset);
  const imaginary3 = v128.load(odd + 3 * oddQuarter + offset);
  const realSum = f64x2.add(real0, real1);
  const realDifference = f64x2.sub(real0, real1);
  const realSum2 = f64x2.add(real2, real3);
  const realDifference2 = f64x2.sub(real2, real3);
  const imaginarySum = f64x2.add(imaginary0, imaginary1);
  const imaginaryDifference = f64x2.sub(imaginary0, imaginary1);
  const imaginarySum2 = f64x2.add(imaginary2, imaginary3);
  const imaginaryDifference2 = f64x2.sub(imaginary2, imaginary3);
  v128.store(real + offset, f64x2.add(realSum, realSum2));
  v128.store(real + offset, f64x2.sub(realSum, realSum2), 128);
  v128.store(imaginary + offset, f64x2.add(imaginarySum, imaginarySum2));
  v128.store(imaginary + offset, f64x2.sub(imaginarySum, imaginarySum2), 128);
  v128.store(real + offset, f64x2.add(realDifference, imaginaryDifference2), 64);
  v128.store(real + offset, f64x2.sub(realDifference, imaginaryDifference2), 192);
  v128.store(imaginary + offset, f64x2.sub(imaginaryDifference, realDifference2), 64);
  v128.store(imaginary + offset, f64x2.add(imaginaryDifference, realDifference2), 192);
}

/**
 * Eight complex series into real and imaginary [length, 8] in bit-reversed order, with the first two steps of the
 * transform done. Real parts come from rows at `first`, imaginary parts from rows at `second`; the next row lies
 * `firstNext`, `secondNext` bytes on. order [length/4] holds the first of the four rows, a quarter of `length`
 * apart, that meet.
 */
export function loadSeries(
  first: usize,
  firstNext: usize,
  second: usize,
  secondNext: usize,
  length: u32,
  order: usize,
  real: usize,
  imaginary: usize,
): void {
  const end = order + length;
  const firstQuarter = firstNext * (length >> 2);
  const secondQuarter = secondNext * (length >> 2);
  for (; order < end; order += 4) {
    const row = load<u32>(order);
    const even = first + firstNext * row;
    const odd = second + secondNext * row;
    firstTwoSteps(even, firstQuarter, odd, secondQuarter, real, imaginary, 0);
    firstTwoSteps(even, firstQuarter, odd, secondQuarter, real, imaginary, 16);
    firstTwoSteps(even, firstQuarter, odd, secondQuarter, real, imaginary, 32);
    firstTwoSteps(even, firstQuarter, odd, secondQuarter, real, imaginary, 48);
    real += 256;
    imaginary += 256;
  }
}

/** One butterfly of two series: rows at real, imaginary and `gap` bytes further, times the turn cosine + i·sine. */
@inline
function butterfly(real: usize, imaginary: usize, gap: usize, cosine: v128, sine: v128): void {
  const farReal = v128.load(real + gap);
  const farImaginary = v128.load(imaginary + gap);
  const turnedReal = f64x2.sub(f64x2.mul(farReal, cosine), f64x2.mul(farImaginary, sine));
  const turnedImaginary = f64x2.add(f64x2.mul(farReal, sine), f64x2.mul(farImaginary, cosine));
  const nearReal = v128.load(real);
  const nearImaginary = v128.load(imaginary);
  v128.store(real, f64x2.add(nearReal, turnedReal));
  v128.store(imaginary, f64x2.add(nearImaginary, turnedImaginary));
  v128.store(real + gap, f64x2.sub(nearReal, turnedReal));
  v128.store(imaginary + gap, f64x2.sub(nearImaginary, turnedImaginary));
}

/**
 * Fourier transform of eight complex series in place, from the third step on (`loadSeries` does the first two):
 * real and imaginary [length, 8] with rows in bit-reversed order, twiddles [length/2, 2] = cosine, −sine.
 */
export function fft(real: usize, imaginary: usize, twiddles: usize, length: u32): void {
  const size: usize = length << 6;
  for (let half: u32 = 4; half < length; half <<= 1) {
    const gap: usize = half << 6;
    for (let turn: u32 = 0; turn < half; turn++) {
      const twiddle = twiddles + ((turn * ((length >> 1) / half)) << 4);
      const cosine = v128.load64_splat(twiddle);
      const sine = v128.load64_splat(twiddle, 8);
      for (let at: usize = turn << 6; at < size; at += gap << 1) {
        butterfly(real + at, imaginary + at, gap, cosine, sine);
        butterfly(real + at + 16, imaginary + at + 16, gap, cosine, sine);
        butterfly(real + at + 32, imaginary + at + 32, gap, cosine, sine);
        butterfly(real + at + 48, imaginary + at + 48, gap, cosine, sine);
      }
    }
  }
}
