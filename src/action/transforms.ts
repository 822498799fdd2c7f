import { InputError } from '../base/index.ts';
import { R1PRO } from '../robot/index.ts';
import type { ChunkStatistics, Moments } from './statistics/index.ts';

/** Added to every standard deviation before dividing, as in the original. */
const STD_FLOOR = 1e-6;
const { width: WIDTH, paddedWidth: PADDED, deltaMask: MASK } = R1PRO;

/**
 * A chunk of absolute actions [rows, 23] relative to `state` [23] on the masked dimensions; float32 chunks in float32 arithmetic (training), float64 chunks
 * in float64 (kept rows of a plan).
 */
export function deltaChunk<A extends Float32Array | Float64Array>(absolute: A, state: ArrayLike<number>): A {
  const delta = absolute.slice() as A;
  for (let at = 0; at < delta.length; at += WIDTH)
    for (let d = 0; d < WIDTH; d++) if (MASK[d]) delta[at + d]! -= state[d]!;
  return delta;
}

/** The inverse: `delta` [rows, 23 or 32], padding dropped, plus `state` on the masked dimensions; float64 [rows, 23]. */
export function absoluteChunk(
  delta: Float32Array | Float64Array,
  state: ArrayLike<number>,
  width: number = delta.length % PADDED === 0 ? PADDED : WIDTH,
): Float64Array {
  const rows = wholeRows('absoluteChunk', delta.length, width);
  const absolute = new Float64Array(rows * WIDTH);
  for (let t = 0; t < rows; t++)
    for (let d = 0; d < WIDTH; d++) absolute[t * WIDTH + d] = delta[t * width + d]! + (MASK[d] ? state[d]! : 0);
  return absolute;
}

/** Delta actions [rows, 23], rows ≤ horizon, as the network sees them: (x − mean[t])/(std[t] + 1e-6), padded; float32 [rows, 32]. */
export function normaliseActions(delta: Float32Array | Float64Array, stats: ChunkStatistics): Float32Array {
  const rows = wholeRows('normaliseActions', delta.length, WIDTH);
  if (rows > stats.horizon)
    throw new InputError('normaliseActions', `too many rows (got ${rows}, expected at most ${stats.horizon}).`);
  const { mean, std } = stats.perTimestep;
  const out = new Float32Array(rows * PADDED);
  for (let t = 0; t < rows; t++)
    for (let d = 0; d < WIDTH; d++) {
      const i = t * PADDED + d;
      out[i] = (delta[t * WIDTH + d]! - mean[i]!) / (std[i]! + STD_FLOOR);
    }
  return out;
}

/** The inverse: x·(std[t] + 1e-6) + mean[t]; [rows, 32] → float64 [rows, 32]. */
export function denormaliseActions(normalised: ArrayLike<number>, stats: ChunkStatistics): Float64Array {
  wholeRows('denormaliseActions', normalised.length, PADDED);
  const { mean, std } = stats.perTimestep;
  return Float64Array.from(normalised, (x, i) => x * (std[i]! + STD_FLOOR) + mean[i]!);
}

/** The 23-number state as the network sees it: (x − mean)/(std + 1e-6), padded; float32 [32]. */
export function normaliseState(state: ArrayLike<number>, stats: { readonly state: Moments }): Float32Array {
  if (state.length !== WIDTH)
    throw new InputError('normaliseState', `wrong length (got ${state.length}, expected ${WIDTH}).`);
  const { mean, std } = stats.state;
  const out = new Float32Array(PADDED);
  for (let d = 0; d < WIDTH; d++) out[d] = (state[d]! - mean[d]!) / (std[d]! + STD_FLOOR);
  return out;
}

/** The inverse: [32] → float64 [32]. The original adds this restored state, not the measured one, to a plan (5e-7 apart). */
export function denormaliseState(normalised: ArrayLike<number>, stats: { readonly state: Moments }): Float64Array {
  const { mean, std } = stats.state;
  return Float64Array.from(normalised, (x, d) => x * (std[d]! + STD_FLOOR) + mean[d]!);
}

/** The network's answer [horizon, 32] as absolute actions, float64 [horizon, 23]; `state` is the normalised state [32] that it was asked with. */
export function actionsFromModel(
  output: ArrayLike<number>,
  state: ArrayLike<number>,
  stats: ChunkStatistics,
): Float64Array {
  return absoluteChunk(denormaliseActions(output, stats), denormaliseState(state, stats), PADDED);
}

/** Rows kept from the last plan, absolute [rows, 23], as the network is given them now: relative to the new `state` [23], normalised, padded [rows, 32]. */
export function prefixForModel(prefix: Float64Array, state: ArrayLike<number>, stats: ChunkStatistics): Float32Array {
  return normaliseActions(deltaChunk(prefix, state), stats);
}

function wholeRows(where: string, length: number, width: number): number {
  if (length % width !== 0)
    throw new InputError(
      where,
      `the chunk is not of whole rows (got ${length} numbers, expected a multiple of ${width}).`,
    );
  return length / width;
}
