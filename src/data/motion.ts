import { InputError } from '../base/index.ts';
import { type Robot, stateOf } from '../robot/index.ts';
import type { Dataset } from './lerobot/index.ts';

/** Frames that are looked at, at most: whole episodes, evenly spread. */
const MOST_FRAMES = 200_000;

/** How one dimension of the action moves. */
export interface DimensionMotion {
  readonly low: number;
  readonly high: number;
  /** Quantiles 0.01 and 0.99. */
  readonly q01: number;
  readonly q99: number;
  /** Correlation of the action with itself 0, 1, 2, … frames later; NaN where it never moves. */
  readonly auto: readonly number[];
  /** Correlation of the action with the state 0, 1, 2, … frames later; NaN where one never moves. */
  readonly toState: readonly number[];
  /** Frames after which the state is most like the action; undefined where one never moves. */
  readonly lag: number | undefined;
}

export interface ActionMotion {
  readonly episodes: number;
  readonly frames: number;
  readonly dimensions: readonly DimensionMotion[];
  /** [width, width]: correlation of the action's dimensions at one frame; NaN where one never moves. */
  readonly correlation: Float64Array;
}

/**
 * How the actions of a set move: ranges, correlations, and how far the state is behind them. Pearson's correlation over
 * all pairs of frames of one episode, pooled.
 * @param lags frames up to which pairs are compared @throws InputError when no episode is that long
 */
export async function motionOf(dataset: Dataset, robot: Robot, lags: number): Promise<ActionMotion> {
  const long = dataset.episodes.filter(({ length }) => length > lags);
  if (long.length === 0)
    throw new InputError(dataset.root, `no episode is longer than ${lags} frames. Record longer ones.`);
  const total = long.reduce((sum, { length }) => sum + length, 0);
  const every = Math.max(1, Math.ceil(total / MOST_FRAMES));
  const chosen = long.filter((_, i) => i % every === 0);
  const { width } = robot;
  const frames = chosen.reduce((sum, { length }) => sum + length, 0);
  const columns = Array.from({ length: width }, () => new Float64Array(frames));
  const auto = Array.from({ length: width }, () => pairs(lags));
  const toState = Array.from({ length: width }, () => pairs(lags));
  let at = 0;
  for (const episode of chosen) {
    const read = await dataset.columns(episode, ['action', 'observation.state']);
    const { action, 'observation.state': seen } = read;
    const state = Array.from({ length: episode.length }, (_, t) =>
      stateOf(robot, Float32Array.from(seen.data.subarray(t * seen.width, (t + 1) * seen.width))),
    );
    for (let d = 0; d < width; d++) {
      const own = Float64Array.from({ length: episode.length }, (_, t) => action.data[t * action.width + d] as number);
      const its = Float64Array.from(state, (row) => row[d] as number);
      columns[d]?.set(own, at);
      for (let lag = 0; lag <= lags; lag++)
        for (let t = 0; t + lag < own.length; t++) {
          auto[d]?.[lag]?.add(own[t] as number, own[t + lag] as number);
          toState[d]?.[lag]?.add(own[t] as number, its[t + lag] as number);
        }
    }
    at += episode.length;
  }
  const correlation = new Float64Array(width * width);
  for (const [i, one] of columns.entries())
    for (const [j, other] of columns.entries()) {
      const pair = new Pair();
      for (let t = 0; t < frames; t++) pair.add(one[t] as number, other[t] as number);
      correlation[i * width + j] = pair.correlation;
    }
  const dimensions = columns.map((values, d): DimensionMotion => {
    const sorted = values.toSorted();
    const quantile = (share: number) => sorted[Math.round(share * (frames - 1))] as number;
    const reached = (toState[d] ?? []).map(({ correlation: r }) => r);
    const best = Math.max(...reached);
    return {
      ...{ low: quantile(0), high: quantile(1), q01: quantile(0.01), q99: quantile(0.99) },
      auto: (auto[d] ?? []).map(({ correlation: r }) => r),
      toState: reached,
      lag: Number.isFinite(best) ? reached.indexOf(best) : undefined,
    };
  });
  return { episodes: chosen.length, frames, dimensions, correlation };
}

const pairs = (lags: number): Pair[] => Array.from({ length: lags + 1 }, () => new Pair());

/** A sum of squares below this is rounding. */
const STILL = 1e-12;

/** Sums over pairs of numbers, less the first pair, which keeps large means from swallowing small changes. */
class Pair {
  private n = 0;
  private readonly first = { a: 0, b: 0 };
  private readonly sums = { x: 0, y: 0, xx: 0, yy: 0, xy: 0 };

  add(a: number, b: number): void {
    const { first, sums } = this;
    if (this.n === 0) Object.assign(first, { a, b });
    const [x, y] = [a - first.a, b - first.b];
    this.n++;
    sums.x += x;
    sums.y += y;
    sums.xx += x * x;
    sums.yy += y * y;
    sums.xy += x * y;
  }

  /** Pearson's; NaN where one of them never changes. */
  get correlation(): number {
    const { x, y, xx, yy, xy } = this.sums;
    const [varX, varY] = [xx - (x * x) / this.n, yy - (y * y) / this.n];
    if (!(varX > STILL && varY > STILL)) return Number.NaN;
    return (xy - (x * y) / this.n) / Math.sqrt(varX * varY);
  }
}
