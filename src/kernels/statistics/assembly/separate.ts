/** `separate` for two of the eight series at one frequency; a mirrored frequency and imaginary parts lie elsewhere. */
@inline
function separateTwo(
  real: usize,
  imaginary: usize,
  mirroredReal: usize,
  mirroredImaginary: usize,
  first: usize,
  firstImaginary: usize,
  second: usize,
  secondImaginary: usize,
  offset: usize,
): void {
  const nearReal = v128.load(real + offset);
  const nearImaginary = v128.load(imaginary + offset);
  const farReal = v128.load(mirroredReal + offset);
  const farImaginary = v128.load(mirroredImaginary + offset);
  v128.store(first + offset, f64x2.add(nearReal, farReal));
  v128.store(firstImaginary + offset, f64x2.sub(nearImaginary, farImaginary));
  v128.store(second + offset, f64x2.add(nearImaginary, farImaginary));
  v128.store(secondImaginary + offset, f64x2.sub(farReal, nearReal));
}

/**
 * Twice the spectra of the real and of the imaginary parts of the eight series just transformed, for frequencies
 * 0…length/2. Each goes to rows of its own: the real part at `first`, the imaginary part `firstImaginary` bytes
 * after it, the next frequency `firstNext` bytes after; the same for `second`.
 */
export function separate(
  real: usize,
  imaginary: usize,
  length: u32,
  first: usize,
  firstImaginary: usize,
  firstNext: usize,
  second: usize,
  secondImaginary: usize,
  secondNext: usize,
): void {
  const frequencies = (length >> 1) + 1;
  for (let frequency: u32 = 0; frequency < frequencies; frequency++) {
    const near = frequency << 6;
    const far = ((length - frequency) & (length - 1)) << 6;
    const nearReal = real + near;
    const nearImaginary = imaginary + near;
    const farReal = real + far;
    const farImaginary = imaginary + far;
    const firstOther = first + firstImaginary;
    const secondOther = second + secondImaginary;
    separateTwo(nearReal, nearImaginary, farReal, farImaginary, first, firstOther, second, secondOther, 0);
    separateTwo(nearReal, nearImaginary, farReal, farImaginary, first, firstOther, second, secondOther, 16);
    separateTwo(nearReal, nearImaginary, farReal, farImaginary, first, firstOther, second, secondOther, 32);
    separateTwo(nearReal, nearImaginary, farReal, farImaginary, first, firstOther, second, secondOther, 48);
    first += firstNext;
    second += secondNext;
  }
}
