import type { ChunkStatistics } from '../../src/action/index.ts';
import { modelConfig } from '../../src/model/index.ts';

/** Largest difference over the elements that count, relative to the largest expected magnitude. */
export function relativeError(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  counts: (i: number) => boolean = () => true,
): { relative: number; absolute: number } {
  if (got.length !== expected.length) throw new Error(`${got.length} numbers, expected ${expected.length}`);
  let error = 0;
  let largest = 0;
  for (let i = 0; i < got.length; i++) {
    if (!counts(i)) continue;
    const [a, b] = [got[i]!, expected[i]!];
    if (b === -Infinity) {
      if (a > -1e29) return { relative: Infinity, absolute: Infinity };
      continue;
    }
    error = Math.max(error, Number.isNaN(a) ? Infinity : Math.abs(a - b));
    largest = Math.max(largest, Math.abs(b));
  }
  return { relative: largest > 0 ? error / largest : error, absolute: error };
}

/** The smallest network that has every part, for tests that need a real policy and not a good one. */
export const tinyNetwork = modelConfig({
  imageSize: 28,
  visionWidth: 16,
  visionLayers: 1,
  visionMlpDim: 16,
  visionHeads: 2,
  vlmWidth: 16,
  vlmMlpDim: 16,
  expertWidth: 16,
  expertMlpDim: 16,
  layers: 1,
  numHeads: 2,
  headDim: 8,
  stateTokens: { kind: 'continuous' },
  useCorrelatedNoise: false,
});

/** Statistics for it, without a correlation: every number between -1 and 1. */
export function tinyStatistics(): ChunkStatistics {
  const moments = (size: number) => ({
    mean: new Float64Array(size),
    std: new Float64Array(size).fill(0.5),
    q01: new Float64Array(size).fill(-1),
    q99: new Float64Array(size).fill(1),
  });
  return { horizon: 30, width: 32, state: moments(32), actions: moments(32), perTimestep: moments(30 * 32) };
}
