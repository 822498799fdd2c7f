import { present } from '../../base/index.ts';

const f32 = Math.fround;

/**
 * 2π/period for the `dimension`/2 periods from `low` to `high`, geometrically spaced, rounded as the original's float32
 * arithmetic rounds them: the stage code's argument reaches 6283 rad, where the last bit of the frequency is visible
 * (golden case `sincos`).
 */
export function sincosFrequencies(dimension: number, low: number, high: number): Float32Array {
  const n = dimension / 2;
  const step = n > 1 ? f32(1 / (n - 1)) : 0;
  const ratio = f32(high / low);
  return Float32Array.from({ length: n }, (_, i) => {
    const fraction = f32(i * step);
    const period = f32(f32(low) * f32(ratio ** fraction));
    return f32(f32(f32(1 / period) * 2) * f32(Math.PI));
  });
}

/** concat(sin, cos)(position · frequency) in float32, [positions, dimension]. */
export function sincos(positions: ArrayLike<number>, dimension: number, low: number, high: number): Float32Array {
  const frequencies = sincosFrequencies(dimension, low, high);
  const n = frequencies.length;
  const out = new Float32Array(positions.length * dimension);
  for (let p = 0; p < positions.length; p++) {
    for (let i = 0; i < n; i++) {
      const angle = f32(f32(present(positions[p], 'positions[p]')) * present(frequencies[i], 'frequencies[i]'));
      out[p * dimension + i] = Math.sin(angle);
      out[p * dimension + n + i] = Math.cos(angle);
    }
  }
  return out;
}

/** Periods of the stage code (positions 0…1) and of the flow time code (docs/facts.md#network). */
export const STAGE_PERIODS = [1e-3, 1] as const;
export const TIME_PERIODS = [4e-3, 4] as const;
