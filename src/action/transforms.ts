import { InputError } from '../base/index.ts';
import type { Robot } from '../robot/index.ts';
import type { ChunkStatistics, Moments } from './statistics/index.ts';

/** Added to every standard deviation before dividing, as in the original. */
export const STD_FLOOR = 1e-6;

/**
 * A chunk of absolute actions [rows, width] relative to `state` [width] on the robot's delta columns; float32 chunks
 * in float32 arithmetic (training),
 * float64 chunks in float64 (kept rows of a plan).
 */
export function deltaChunk<A extends Float32Array | Float64Array>(
  absolute: A,
  state: ArrayLike<number>,
  { width, deltaMask }: Robot,
): A {
  const delta = absolute.slice() as A;
  for (let at = 0; at < delta.length; at += width)
    for (let d = 0; d < width; d++) if (deltaMask[d]) delta[at + d]! -= state[d]!;
  return delta;
}

/**
 * The inverse: `delta` [rows, rowWidth], padding beyond the robot's width dropped, plus `state` on its delta
 * columns; float64 [rows, width].
 */
export function absoluteChunk(
  delta: Float32Array | Float64Array,
  state: ArrayLike<number>,
  { width, deltaMask }: Robot,
  rowWidth: number = width,
): Float64Array {
  const rows = wholeRows('absoluteChunk', delta.length, rowWidth);
  const absolute = new Float64Array(rows * width);
  for (let t = 0; t < rows; t++)
    for (let d = 0; d < width; d++) absolute[t * width + d] = delta[t * rowWidth + d]! + (deltaMask[d] ? state[d]! : 0);
  return absolute;
}

/**
 * Delta actions [rows, width], rows ≤ horizon, as the network sees them: (x − mean[t])/(std[t] + 1e-6), padded;
 * float32 [rows, stats.width].
 */
export function normaliseActions(
  delta: Float32Array | Float64Array,
  stats: ChunkStatistics,
  { width }: Robot,
): Float32Array {
  const rows = wholeRows('normaliseActions', delta.length, width);
  if (rows > stats.horizon)
    throw new InputError('normaliseActions', `too many rows (got ${rows}, expected at most ${stats.horizon}).`);
  const { mean, std } = stats.perTimestep;
  const out = new Float32Array(rows * stats.width);
  for (let t = 0; t < rows; t++)
    for (let d = 0; d < width; d++) {
      const i = t * stats.width + d;
      out[i] = (delta[t * width + d]! - mean[i]!) / (std[i]! + STD_FLOOR);
    }
  return out;
}

/** The inverse: x·(std[t] + 1e-6) + mean[t]; [rows, stats.width] → float64 [rows, stats.width]. */
export function denormaliseActions(normalised: ArrayLike<number>, stats: ChunkStatistics): Float64Array {
  wholeRows('denormaliseActions', normalised.length, stats.width);
  const { mean, std } = stats.perTimestep;
  return Float64Array.from(normalised, (x, i) => x * (std[i]! + STD_FLOOR) + mean[i]!);
}

/**
 * The state [width] as the network sees it: (x − mean)/(std + 1e-6), padded; float32 [paddedWidth], that of the
 * statistics.
 */
export function normaliseState(
  state: ArrayLike<number>,
  stats: { readonly state: Moments },
  { width }: Robot,
): Float32Array {
  if (state.length !== width)
    throw new InputError('normaliseState', `wrong length (got ${state.length}, expected ${width}).`);
  const { mean, std } = stats.state;
  const out = new Float32Array(mean.length);
  for (let d = 0; d < width; d++) out[d] = (state[d]! - mean[d]!) / (std[d]! + STD_FLOOR);
  return out;
}

/**
 * The inverse: [paddedWidth] → float64 [paddedWidth]. The original adds this restored state, not the measured one,
 * to a plan (5e-7 apart).
 */
export function denormaliseState(normalised: ArrayLike<number>, stats: { readonly state: Moments }): Float64Array {
  const { mean, std } = stats.state;
  return Float64Array.from(normalised, (x, d) => x * (std[d]! + STD_FLOOR) + mean[d]!);
}

/**
 * The network's answer [horizon, paddedWidth] as absolute actions, float64 [horizon, width]; `state` is the
 * normalised state [paddedWidth] that it was
 * asked with.
 */
export function actionsFromModel(
  output: ArrayLike<number>,
  state: ArrayLike<number>,
  stats: ChunkStatistics,
  robot: Robot,
): Float64Array {
  return absoluteChunk(denormaliseActions(output, stats), denormaliseState(state, stats), robot, stats.width);
}

/**
 * Rows kept from the last plan, absolute [rows, width], as the network is given them now: relative to the new `state`
 * [width], normalised, padded
 * [rows, paddedWidth].
 */
export function prefixForModel(
  prefix: Float64Array,
  state: ArrayLike<number>,
  stats: ChunkStatistics,
  robot: Robot,
): Float32Array {
  return normaliseActions(deltaChunk(prefix, state, robot), stats, robot);
}

function wholeRows(where: string, length: number, width: number): number {
  if (length % width !== 0)
    throw new InputError(
      where,
      `the chunk is not of whole rows (got ${length} numbers, expected a multiple of ${width}).`,
    );
  return length / width;
}
