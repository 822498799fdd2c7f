/** Fractional bits of the filter coefficients, as in PIL. */
const BITS = 22;

/**
 * For each output pixel: the first input pixel, and where its coefficients lie in `weights`; one more entry marks the
 * end.
 */
export interface Filter {
  readonly first: Int32Array;
  readonly offsets: Int32Array;
  readonly weights: Int32Array;
}

/** Triangle filter with antialiasing, coefficients normalised in double and rounded to 22 bits (PIL's BILINEAR). */
function triangle(inputSize: number, outputSize: number): Filter {
  const scale = inputSize / outputSize;
  const support = Math.max(scale, 1);
  const perPixel = 1 / support; // multiplied by, as PIL does: a quotient could round the other way
  const first = new Int32Array(outputSize);
  const offsets = new Int32Array(outputSize + 1);
  const weights: number[] = [];
  for (let i = 0; i < outputSize; i++) {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(inputSize, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: end - start }, (_, k) =>
      Math.max(0, 1 - Math.abs((k + start - centre + 0.5) * perPixel)),
    );
    const total = raw.reduce((sum, w) => sum + w, 0);
    first[i] = start;
    for (const w of raw) weights.push(Math.trunc(0.5 + (w / total) * 2 ** BITS));
    offsets[i + 1] = weights.length;
  }
  return { first, offsets, weights: Int32Array.from(weights) };
}

const filters = new Map<string, Filter>();
/** The filter of one side; the last few are kept. */
export function filterFor(inputSize: number, outputSize: number): Filter {
  const key = `${inputSize} ${outputSize}`;
  let filter = filters.get(key);
  if (!filter) {
    if (filters.size > 64) filters.clear();
    filter = triangle(inputSize, outputSize);
    filters.set(key, filter);
  }
  return filter;
}
