import type { ChunkStatistics, Moments } from './chunkStatistics.ts';
import type { ChunkMoments } from './chunkSums.ts';
import { correlationOf } from './correlation.ts';
import type { ChunkQuantiles } from './quantileTables.ts';
import type { ChunkShape } from './shape.ts';

/** What was seen of a data set's numbers, besides their sums. */
export interface Seen {
  readonly shape: ChunkShape;
  /** Dimensions in the result, the rest zeros. */
  readonly paddedWidth: number;
  /** [4, D] minimum and maximum of states, of actions. */
  readonly extremes: Float64Array;
}

/** All that does not need the quantiles. */
export function correlate(
  seen: Seen,
  moments: ChunkMoments,
  {
    progress,
    ...options
  }: {
    constantBelow?: number | undefined;
    jitter?: number | undefined;
    progress: (part: number, doing: string) => void;
  },
) {
  const { horizon, relative } = seen.shape;
  const d = relative.length;
  progress(0.2, 'correlation');
  const still = onlyValues(seen);
  const deviations = Float64Array.from({ length: horizon * d }, (_, i) =>
    still[i % d] === undefined ? Math.sqrt(Math.max(0, moments.covariance[i * horizon * d + i]!)) : 0,
  );
  const correlation = correlationOf(moments.covariance, deviations, {
    horizon,
    width: d,
    paddedWidth: seen.paddedWidth,
    constantBelow: options.constantBelow,
    jitter: options.jitter,
  });
  progress(0.5, 'correlation');
  return { moments, still, deviations, correlation };
}

/** Statistics of the data set. */
export function conclude(
  seen: Seen,
  found: ChunkQuantiles,
  { moments, still, deviations, correlation }: ReturnType<typeof correlate>,
): ChunkStatistics {
  const { horizon, relative } = seen.shape;
  const [d, w] = [relative.length, seen.paddedWidth];
  const perTimestep = emptyMoments(horizon * w);
  const clamp = clampOf(seen);
  for (let t = 0; t < horizon; t++)
    for (let dim = 0; dim < d; dim++) {
      const [i, to] = [t * d + dim, t * w + dim];
      perTimestep.mean[to] = still[dim] ?? moments.mean[i]!;
      perTimestep.std[to] = deviations[i]!;
      perTimestep.q01[to] = clamp(found.q01[i]!, dim);
      perTimestep.q99[to] = clamp(found.q99[i]!, dim);
    }
  return {
    horizon,
    width: w,
    state: stateMoments(seen, moments),
    actions: actionMoments(seen, moments, found, still, clamp),
    perTimestep,
    correlation,
  };
}

/** The only value that each dimension of a chunk ever has, where there is one. */
function onlyValues({ shape, extremes }: Seen): (number | undefined)[] {
  const d = shape.relative.length;
  const [low, high, actionLow, actionHigh] = [0, 1, 2, 3].map((k) => extremes.subarray(k * d, (k + 1) * d)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  return Array.from({ length: d }, (_, dim) => {
    const relative = shape.relative[dim]!;
    if (actionLow[dim] !== actionHigh[dim] || (relative && low[dim] !== high[dim])) return undefined;
    return relative ? Math.fround(actionLow[dim]! - low[dim]!) : actionLow[dim]!;
  });
}

/** Quantiles from counts never leave what absolute dimensions have been seen to be. */
function clampOf({ shape, extremes }: Seen): (x: number, dim: number) => number {
  const d = shape.relative.length;
  return (x, dim) => (shape.relative[dim] ? x : Math.min(Math.max(x, extremes[2 * d + dim]!), extremes[3 * d + dim]!));
}

function stateMoments({ shape, paddedWidth, extremes }: Seen, { state }: ChunkMoments): Moments {
  const d = shape.relative.length;
  const out = emptyMoments(paddedWidth);
  for (let dim = 0; dim < d; dim++) {
    const [low, high] = [extremes[dim]!, extremes[d + dim]!];
    out.mean[dim] = low === high ? low : state.mean[dim]!;
    out.std[dim] = low === high ? 0 : state.std[dim]!;
    [out.q01[dim], out.q99[dim]] = [low, high];
  }
  return out;
}

function actionMoments(
  { shape, paddedWidth }: Seen,
  { actions }: ChunkMoments,
  found: ChunkQuantiles,
  still: readonly (number | undefined)[],
  clamp: (x: number, dim: number) => number,
): Moments {
  const out = emptyMoments(paddedWidth);
  for (let dim = 0; dim < shape.relative.length; dim++) {
    out.mean[dim] = still[dim] ?? actions.mean[dim]!;
    out.std[dim] = still[dim] === undefined ? actions.std[dim]! : 0;
    [out.q01[dim], out.q99[dim]] = [clamp(found.rowsQ01[dim]!, dim), clamp(found.rowsQ99[dim]!, dim)];
  }
  return out;
}

function emptyMoments(size: number): Moments {
  const zeros = () => new Float64Array(size);
  return { mean: zeros(), std: zeros(), q01: zeros(), q99: zeros() };
}
