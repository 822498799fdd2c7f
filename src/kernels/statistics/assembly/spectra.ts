import { addExactly, highSplitter, lowSplitter } from './exact';

/** Real part of conj(first)·second, added to `sum`. */
@inline
function addReal(sum: v128, real: v128, imaginary: v128, secondReal: v128, secondImaginary: v128): v128 {
  return f64x2.add(sum, f64x2.add(f64x2.mul(real, secondReal), f64x2.mul(imaginary, secondImaginary)));
}

/** Imaginary part of conj(first)·second, added to `sum`. */
@inline
function addImaginary(sum: v128, real: v128, imaginary: v128, secondReal: v128, secondImaginary: v128): v128 {
  return f64x2.add(sum, f64x2.sub(f64x2.mul(real, secondImaginary), f64x2.mul(imaginary, secondReal)));
}

/**
 * Σ over each episode's blocks of conj(first)·second at one frequency, added to the exact sums [rows, columns/2]
 * of 64 bytes (two columns' real and imaginary parts). first [blocks, 2, rows] and second [blocks, 2, columns]
 * hold real and imaginary parts; rows are even, columns a multiple of 4. ends [episodes] says where each
 * episode's blocks end.
 */
export function cross(
  first: usize,
  second: usize,
  ends: usize,
  episodes: u32,
  rows: u32,
  columns: u32,
  sums: usize,
): void {
  const high = f64x2.splat(highSplitter);
  const low = f64x2.splat(lowSplitter);
  const firstImaginary: usize = rows << 3;
  const secondImaginary: usize = columns << 3;
  const lastEnd = ends + (episodes << 2);
  for (let row: u32 = 0; row < rows; row += 2) {
    for (let column: u32 = 0; column < columns; column += 4) {
      let across = first + (row << 3);
      let along = second + (column << 3);
      let block: u32 = 0;
      for (let end = ends; end < lastEnd; end += 4) {
        const stop = load<u32>(end);
        // A tile of two rows (top, bottom) and four columns (two left, two right).
        let topLeftReal = f64x2.splat(0);
        let topLeftImaginary = f64x2.splat(0);
        let topRightReal = f64x2.splat(0);
        let topRightImaginary = f64x2.splat(0);
        let bottomLeftReal = f64x2.splat(0);
        let bottomLeftImaginary = f64x2.splat(0);
        let bottomRightReal = f64x2.splat(0);
        let bottomRightImaginary = f64x2.splat(0);
        for (; block < stop; block++) {
          const leftReal = v128.load(along);
          const rightReal = v128.load(along, 16);
          const leftImaginary = v128.load(along + secondImaginary);
          const rightImaginary = v128.load(along + secondImaginary, 16);
          let real = v128.load64_splat(across);
          let imaginary = v128.load64_splat(across + firstImaginary);
          topLeftReal = addReal(topLeftReal, real, imaginary, leftReal, leftImaginary);
          topLeftImaginary = addImaginary(topLeftImaginary, real, imaginary, leftReal, leftImaginary);
          topRightReal = addReal(topRightReal, real, imaginary, rightReal, rightImaginary);
          topRightImaginary = addImaginary(topRightImaginary, real, imaginary, rightReal, rightImaginary);
          real = v128.load64_splat(across, 8);
          imaginary = v128.load64_splat(across + firstImaginary, 8);
          bottomLeftReal = addReal(bottomLeftReal, real, imaginary, leftReal, leftImaginary);
          bottomLeftImaginary = addImaginary(bottomLeftImaginary, real, imaginary, leftReal, leftImaginary);
          bottomRightReal = addReal(bottomRightReal, real, imaginary, rightReal, rightImaginary);
          bottomRightImaginary = addImaginary(bottomRightImaginary, real, imaginary, rightReal, rightImaginary);
          across += firstImaginary << 1;
          along += secondImaginary << 1;
        }
        let at = sums + ((row * columns + column) << 5);
        addExactly(topLeftReal, at, high, low);
        addExactly(topLeftImaginary, at + 32, high, low);
        addExactly(topRightReal, at + 64, high, low);
        addExactly(topRightImaginary, at + 96, high, low);
        at += columns << 5;
        addExactly(bottomLeftReal, at, high, low);
        addExactly(bottomLeftImaginary, at + 32, high, low);
        addExactly(bottomRightReal, at + 64, high, low);
        addExactly(bottomRightImaginary, at + 96, high, low);
      }
    }
  }
}
