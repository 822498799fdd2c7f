/**
 * AdamW, exponential moving average and gradient norm over float32 arrays, four lanes at a time. Pointers are
 * byte offsets, multiples of 16; counts are numbers of elements, multiples of 4.
 */

/** Adds the squares of two float32 numbers, in float64, to the two sums at `sums`. */
@inline
function addSquares(sums: v128, values: v128): v128 {
  const wide = f64x2.promote_low_f32x4(values);
  return f64x2.add(sums, f64x2.mul(wide, wide));
}

/** Adds squares to four float64 sums at `sums`: the one of element i to sum i modulo 4. */
export function sumSquares(values: usize, count: u32, sums: usize): void {
  const bytes = count << 2;
  let low = v128.load(sums);
  let high = v128.load(sums, 16);
  for (let at: u32 = 0; at < bytes; at += 16) {
    const four = v128.load(values + at);
    low = addSquares(low, four);
    high = addSquares(high, i8x16.shuffle(four, four, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  }
  v128.store(sums, low);
  v128.store(sums, high, 16);
}

/**
 * One update (Loshchilov & Hutter 2019, in optax's form):
 *   g = clip·gradient;  m = beta1·m + (1 − beta1)·g;  v = beta2·v + (1 − beta2)·g²
 *   parameter = keep·parameter − rate·m / (√v·root + epsilon)
 * with rest1 = 1 − beta1, rest2 = 1 − beta2, keep = 1 − learningRate·weightDecay,
 * rate = learningRate / (1 − beta1ᵗ) and root = √(1 / (1 − beta2ᵗ)).
 */
export function adamw(
  parameters: usize,
  gradients: usize,
  firstMoments: usize,
  secondMoments: usize,
  count: u32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  rate: f32,
  root: f32,
  keep: f32,
  epsilon: f32,
  clip: f32,
): void {
  const beta1s = f32x4.splat(beta1);
  const rest1s = f32x4.splat(rest1);
  const beta2s = f32x4.splat(beta2);
  const rest2s = f32x4.splat(rest2);
  const rates = f32x4.splat(rate);
  const roots = f32x4.splat(root);
  const keeps = f32x4.splat(keep);
  const epsilons = f32x4.splat(epsilon);
  const clips = f32x4.splat(clip);
  const bytes = count << 2;
  for (let at: u32 = 0; at < bytes; at += 16) {
    const gradient = f32x4.mul(v128.load(gradients + at), clips);
    const first = f32x4.add(f32x4.mul(v128.load(firstMoments + at), beta1s), f32x4.mul(gradient, rest1s));
    const squares = f32x4.mul(f32x4.mul(gradient, gradient), rest2s);
    const second = f32x4.add(f32x4.mul(v128.load(secondMoments + at), beta2s), squares);
    v128.store(firstMoments + at, first);
    v128.store(secondMoments + at, second);
    const divisor = f32x4.add(f32x4.mul(f32x4.sqrt(second), roots), epsilons);
    const update = f32x4.div(f32x4.mul(first, rates), divisor);
    v128.store(parameters + at, f32x4.sub(f32x4.mul(v128.load(parameters + at), keeps), update));
  }
}

/** average = decay·average + rest·parameter, with rest = 1 − decay. */
export function movingAverage(averages: usize, parameters: usize, count: u32, decay: f32, rest: f32): void {
  const decays = f32x4.splat(decay);
  const rests = f32x4.splat(rest);
  const bytes = count << 2;
  for (let at: u32 = 0; at < bytes; at += 16) {
    const kept = f32x4.mul(v128.load(averages + at), decays);
    v128.store(averages + at, f32x4.add(kept, f32x4.mul(v128.load(parameters + at), rests)));
  }
}
