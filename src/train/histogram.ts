/** How numbers are spread: `counts[i]` of them lie in (limits[i - 1], limits[i]]. */
export interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly sum: number;
  readonly squares: number;
  readonly limits: readonly number[];
  readonly counts: readonly number[];
}

/** Buckets of each sign; beyond the last one lies everything larger. */
const BUCKETS = 160;
const SMALLEST = 1e-12;
/** Neighbouring limits differ by this factor: 160 of them reach from 1e-12 to 1e12. */
const RATIO = 10 ** (24 / BUCKETS);
/** The place of the bucket around zero. */
const ZERO = BUCKETS;

/**
 * The histogram of all numbers of `arrays`, in buckets that grow from zero by a constant factor, so that gradients of
 * any size show their shape. Numbers that are not finite are left out. Empty buckets at both ends are too.
 */
export function histogram(arrays: Iterable<Float32Array>): Histogram {
  const tally = new Float64Array(2 * BUCKETS + 1);
  const perFactor = 1 / Math.log(RATIO);
  const offset = Math.log(SMALLEST);
  let [min, max, count, sum, squares] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0];
  for (const values of arrays)
    for (let i = 0; i < values.length; i++) {
      const x = values[i] as number;
      if (!Number.isFinite(x)) continue;
      if (x < min) min = x;
      if (x > max) max = x;
      count++;
      sum += x;
      squares += x * x;
      const size = Math.abs(x);
      const far = size < SMALLEST ? 0 : 1 + Math.floor((Math.log(size) - offset) * perFactor);
      const place = ZERO + Math.sign(x) * Math.min(BUCKETS, far);
      tally[place] = (tally[place] as number) + 1;
    }
  if (count === 0) return { min: 0, max: 0, count: 0, sum: 0, squares: 0, limits: [0], counts: [0] };
  const filled = [...tally.keys()].filter((i) => (tally[i] as number) > 0);
  const [first = 0, last = 0] = [filled[0], filled.at(-1)];
  const places = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  return {
    min,
    max,
    count,
    sum,
    squares,
    limits: places.map((place) => (place === 2 * BUCKETS ? max : limit(place))),
    counts: places.map((place) => tally[place] as number),
  };
}

/** The upper end of a bucket. */
function limit(place: number): number {
  const away = place - ZERO;
  if (away >= 0) return SMALLEST * RATIO ** away;
  return -SMALLEST * RATIO ** (-away - 1);
}
