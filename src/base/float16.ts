/** Largest finite float16. */
export const FLOAT16_MAX = 65504;
/** Smallest float16 with all its 11 bits. */
export const FLOAT16_MIN_NORMAL = 2 ** -14;

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** Bits of the IEEE 754 half-precision numbers nearest to `data` (ties to even; beyond ±65520 infinite). */
export function toFloat16(data: ArrayLike<number>): Uint16Array {
  const out = new Uint16Array(data.length);
  for (let i = 0; i < data.length; i++) {
    single[0] = data[i]!;
    const all = bits[0]!;
    const sign = (all >>> 16) & 0x8000;
    const magnitude = all & 0x7fffffff;
    if (magnitude > 0x7f800000) out[i] = sign | 0x7e00;
    else if (magnitude >= 0x477ff000) out[i] = sign | 0x7c00;
    else if (magnitude < 0x38800000) {
      // Below 2^-14: a multiple of 2^-24. Adding 0.5 makes float32 round to exactly those.
      single[0] = Math.abs(single[0]!) + 0.5;
      out[i] = sign | (bits[0]! - 0x3f000000);
    } else out[i] = sign | ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13);
  }
  return out;
}

/** The numbers that half-precision `data` stand for. */
export function fromFloat16(data: Uint16Array): Float32Array {
  return Float32Array.from(data, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >>> 10) & 31;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}
