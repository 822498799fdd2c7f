/** The orthonormal DCT-II over time and its inverse, for chunks [T, D] stored row by row. */
export class Dct {
  /** [T, T] s_k·cos(πk(2t+1)/2T); row k is a frequency. */
  private readonly basis: Float64Array;
  private readonly zero: number;
  private readonly half: number;
  private even = new Float64Array(0);
  private odd = new Float64Array(0);

  constructor(readonly steps: number) {
    const T = steps;
    this.basis = new Float64Array(T * T);
    for (let k = 0; k < T; k++)
      for (let t = 0; t < T; t++)
        this.basis[k * T + t] =
          Math.sqrt((k === 0 ? 1 : 2) / T) * Math.cos((Math.PI * ((k * (2 * t + 1)) % (4 * T))) / (2 * T));
    this.zero = Math.sqrt(1 / (2 * T));
    this.half = T >> 1;
  }

  /**
   * Coefficients [T, D] of `chunk` [T, D]: c[k] = s_k Σ_t x[t]·cos(πk(2t+1)/2T), s_0 = √(1/T), s_k = √(2/T).
   * Frequency 0 is scaled as SciPy scales it
   * (2Σx/√(2T)·√2/2), so that constant chunks round as they do there.
   */
  forward(chunk: ArrayLike<number>, width: number, out: Float64Array): Float64Array {
    const { steps: T, half, basis, zero } = this;
    const [even, odd] = this.folded(chunk, width);
    const rows = T - half;
    for (let d = 0; d < width; d++) {
      let sum = 0;
      for (let t = 0; t < rows; t++) sum += even[t * width + d]!;
      out[d] = 2 * sum * zero * (Math.SQRT2 * 0.5); // in this order, for the last bit
    }
    for (let k = 1; k < T; k++) {
      const row = k * T;
      const source = k & 1 ? odd : even;
      const count = k & 1 ? half : rows;
      const to = k * width;
      let d = 0;
      for (; d + 3 < width; d += 4) {
        let [a, b, c, e] = [0, 0, 0, 0];
        for (let t = 0, from = d; t < count; t++, from += width) {
          const factor = basis[row + t]!;
          a += factor * source[from]!;
          b += factor * source[from + 1]!;
          c += factor * source[from + 2]!;
          e += factor * source[from + 3]!;
        }
        out[to + d] = a;
        out[to + d + 1] = b;
        out[to + d + 2] = c;
        out[to + d + 3] = e;
      }
      for (; d < width; d++) {
        let sum = 0;
        for (let t = 0, from = d; t < count; t++, from += width) sum += basis[row + t]! * source[from]!;
        out[to + d] = sum;
      }
    }
    return out;
  }

  /**
   * x[t] + x[T-1-t] and x[t] − x[T-1-t] of the first half: even frequencies see only the one, odd ones only the
   * other.
   */
  private folded(chunk: ArrayLike<number>, width: number): [Float64Array, Float64Array] {
    const { steps: T, half } = this;
    if (this.even.length !== (T - half) * width) {
      this.even = new Float64Array((T - half) * width);
      this.odd = new Float64Array(half * width);
    }
    const { even, odd } = this;
    for (let t = 0; t < half; t++) {
      const [a, b] = [t * width, (T - 1 - t) * width];
      for (let d = 0; d < width; d++) {
        const [x, y] = [chunk[a + d]!, chunk[b + d]!];
        even[a + d] = x + y;
        odd[a + d] = x - y;
      }
    }
    if (T & 1) for (let d = 0; d < width; d++) even[half * width + d] = chunk[half * width + d]!;
    return [even, odd];
  }

  /** The chunk [T, D] of coefficients [T, D]. */
  inverse(coefficients: ArrayLike<number>, width: number): Float64Array {
    const { steps: T, basis } = this;
    const out = new Float64Array(T * width);
    for (let k = 0; k < T; k++)
      for (let d = 0; d < width; d++) {
        const c = coefficients[k * width + d]!;
        if (c !== 0) for (let t = 0; t < T; t++) out[t * width + d]! += c * basis[k * T + t]!;
      }
    return out;
  }
}

const plans = new Map<number, Dct>();

/** The transform for T steps; the last few are kept. */
export function dctOf(steps: number): Dct {
  let plan = plans.get(steps);
  if (!plan) {
    if (plans.size >= 8) plans.clear();
    plan = new Dct(steps);
    plans.set(steps, plan);
  }
  return plan;
}

/** The nearest integer, halves to the even one, as `numpy.around` rounds. Exact for |x| < 2^51. */
export function roundHalfEven(x: number): number {
  const shifted = x + 6755399441055744; // 1.5·2^52: the sum has no bits below 1
  return shifted - 6755399441055744;
}
