import { InputError } from '../base/index.ts';
import type { ChunkStatistics, Moments, QuantileMethod } from './chunkStatistics.ts';
import { correlationOf } from './correlation.ts';
import { proprioceptionLayout, STATE_FIELDS, stateFromProprioception } from './proprioception.ts';
import { R1PRO } from './space.ts';
import { type ChunkMoments, ChunkSums, type ChunkSumsState } from './statistics/chunkSums.ts';
import {
  type ChunkQuantiles,
  type CountState,
  QuantileSearch,
  QuantileTables,
  type RefineRequest,
  refine,
} from './statistics/quantileTables.ts';
import type { ChunkShape, EpisodeColumns } from './statistics/shape.ts';

/** What `finish` is doing, 0…1 of the whole. */
export type StatisticsProgress = (part: number, doing: string) => void;

/** Larger numbers are no joint angles, and would leave the range in which sums are exact. */
const LARGEST = 4096;

export interface StatisticsOptions {
  /** Actions per chunk (30). */
  readonly horizon?: number;
  /** [D] which dimensions are relative to the state (the R1Pro's 23). */
  readonly deltaMask?: readonly boolean[];
  /** Dimensions in the result, the rest zeros (32). */
  readonly paddedWidth?: number;
  /** The D numbers of the state from a row of another width; by default the R1Pro's from 256 or 61 numbers of proprioception. */
  readonly stateOf?: (row: Float32Array) => Float32Array;
  /** Bytes that the columns may take (8 a frame and dimension); beyond, quantiles come from counts. Default 4 GiB. */
  readonly memory?: number;
  /** Deviation below which a flat dimension is constant (1e-6), and what is added to the correlation's diagonal (1e-6). */
  readonly constantBelow?: number;
  readonly jitter?: number;
}

/** What an accumulator holds, as plain data. */
export interface StatisticsState {
  readonly sums: ChunkSumsState;
  readonly counts: CountState;
  /** [4, D] minimum and maximum of states, of actions. */
  readonly extremes: Float64Array;
  /** Episodes by columns; undefined when they did not fit. */
  readonly episodes: readonly EpisodeColumns[] | undefined;
}

/**
 * Statistics of a data set's chunks over every frame and every chunk, in one pass. The result is the same to the last bit in whatever order episodes are
 * added and accumulators merged (statistics/chunkSums.ts). Quantiles are exact while the episodes' columns fit into `memory` (184 bytes a frame
 * for the R1Pro), else read from counts: then each is within 2⁻⁷ of its value, and memory no longer grows. Definitions as in the original (golden case
 * statistics-small): an episode of T frames has T − 29 chunks, each relative to the state at its start in float32.
 */
export class StatisticsAccumulator {
  readonly shape: ChunkShape;
  readonly paddedWidth: number;
  private readonly width: number;
  private readonly memory: number;
  private readonly stateOf: (row: Float32Array) => Float32Array;
  private readonly sums: ChunkSums;
  private readonly tables: QuantileTables;
  /** [4, D] */
  private readonly extremes: Float64Array;
  private episodes: EpisodeColumns[] | undefined = [];

  constructor(private readonly options: StatisticsOptions = {}) {
    this.shape = { horizon: options.horizon ?? R1PRO.horizon, relative: options.deltaMask ?? R1PRO.deltaMask };
    this.width = this.shape.relative.length;
    this.paddedWidth = Math.max(options.paddedWidth ?? R1PRO.paddedWidth, this.width);
    if (!(Number.isInteger(this.shape.horizon) && this.shape.horizon >= 1))
      throw new InputError(
        'StatisticsAccumulator',
        `horizon must be a whole number above 0 (got ${this.shape.horizon}).`,
      );
    this.memory = options.memory ?? 4 * 2 ** 30;
    this.stateOf = options.stateOf ?? stateFromProprioception;
    this.sums = new ChunkSums(this.shape);
    this.tables = new QuantileTables(this.shape);
    this.extremes = new Float64Array(4 * this.width).map((_, i) =>
      Math.floor(i / this.width) % 2 === 0 ? Infinity : -Infinity,
    );
  }

  get horizon(): number {
    return this.shape.horizon;
  }
  get frames(): number {
    return this.sums.frames;
  }
  get chunks(): number {
    return this.sums.chunks;
  }
  /** How the quantiles will be found. */
  get quantiles(): QuantileMethod {
    return this.episodes ? 'exact' : 'counts';
  }

  /**
   * Adds an episode of T frames. @param state [T, S] proprioception (S 256 or 61) or the state itself [T, D]; actions [T, D]
   * @throws InputError when the shapes do not fit or a number is not finite
   */
  add({ state, actions }: { readonly state: Float32Array; readonly actions: Float32Array }): void {
    const d = this.width;
    const length = actions.length / d;
    const size = state.length / length;
    if (!Number.isInteger(length) || !Number.isInteger(size) || length === 0)
      throw new InputError(
        'StatisticsAccumulator',
        `state and actions do not fit (got ${state.length} and ${actions.length} numbers, expected T×S and T×${d}).`,
      );
    const columns = {
      length,
      actions: transpose(actions, d, d),
      states:
        size === d
          ? transpose(state, d, d)
          : d === R1PRO.width && this.stateOf === stateFromProprioception
            ? stateColumns(state, size)
            : transpose(rowByRow(state, size, d, this.stateOf), d, d),
    };
    this.addColumns(columns);
  }

  /** Adds an episode whose columns are at hand; they are kept, not copied. */
  addColumns(columns: EpisodeColumns): void {
    const d = this.width;
    const { length } = columns;
    const extremes = new Float64Array(4 * d);
    for (const [which, name] of ['state', 'action'].entries()) {
      const values = which === 0 ? columns.states : columns.actions;
      for (let dim = 0; dim < d; dim++) {
        let [low, high, sum] = [Infinity, -Infinity, 0];
        for (let i = dim * length; i < (dim + 1) * length; i++) {
          const x = values[i]!;
          if (x < low) low = x;
          if (x > high) high = x;
          sum += x;
        }
        if (!(low >= -LARGEST && high <= LARGEST && Number.isFinite(sum)))
          throw wrongNumber(name, columns, dim, values);
        extremes[2 * which * d + dim] = low;
        extremes[(2 * which + 1) * d + dim] = high;
      }
    }
    this.widen(extremes);
    this.sums.add(columns);
    this.tables.add(columns);
    this.episodes?.push(columns);
    this.limit();
  }

  private widen(extremes: Float64Array): void {
    for (let i = 0; i < extremes.length; i++)
      this.extremes[i] = (Math.floor(i / this.width) % 2 === 0 ? Math.min : Math.max)(this.extremes[i]!, extremes[i]!);
  }

  private limit(): void {
    if (this.frames * this.width * 8 > this.memory) this.episodes = undefined;
  }

  /** Adds all that another accumulator holds (of the same shape). */
  merge(other: StatisticsAccumulator): void {
    this.mergeState(other.state());
  }

  mergeState({ sums, counts, extremes, episodes }: StatisticsState): void {
    this.sums.merge(sums);
    this.tables.merge(counts);
    this.widen(extremes);
    if (this.episodes && episodes) for (const episode of episodes) this.episodes.push(episode);
    else this.episodes = undefined;
    this.limit();
  }

  /** What this accumulator holds; the columns themselves are shared, not copied. */
  state(): StatisticsState {
    return {
      sums: this.sums.state(),
      counts: this.tables.state(),
      extremes: this.extremes.slice(),
      episodes: this.episodes,
    };
  }

  /** Counts of the bits below the prefixes of `request`, over the episodes held here. */
  refine(request: RefineRequest): Uint32Array<ArrayBuffer> {
    return refine(this.episodes ?? [], this.shape, request);
  }

  /** @throws InputError when there are fewer than two chunks */
  finish(progress: StatisticsProgress = () => {}): ChunkStatistics {
    const search = this.search(progress);
    if (this.episodes)
      for (let request = search.request(), level = 1; request; request = search.request(), level++) {
        search.narrow(this.refine(request));
        progress(0.1 + 0.25 * level, 'quantiles');
      }
    return this.conclude(search, progress);
  }

  /** `finish`, with the columns spread over other accumulators (workers), which answer `refine` for theirs. */
  async finishWith(
    others: readonly ((request: RefineRequest) => Promise<Uint32Array>)[],
    exact: boolean,
    progress: StatisticsProgress = () => {},
  ): Promise<ChunkStatistics> {
    const search = this.search(progress);
    if (!exact) this.episodes = undefined;
    else
      for (let request = search.request(), level = 1; request; request = search.request(), level++) {
        const wanted = request;
        const found = await Promise.all(others.map((other) => other(wanted)));
        const total = found[0]!;
        for (const part of found.slice(1)) for (let i = 0; i < total.length; i++) total[i]! += part[i]!;
        search.narrow(total);
        progress(0.1 + 0.25 * level, 'quantiles');
      }
    return this.conclude(search, progress);
  }

  private search(progress: StatisticsProgress): QuantileSearch {
    if (this.chunks < 2)
      throw new InputError(
        'StatisticsAccumulator',
        `too few chunks (got ${this.chunks} from ${this.frames} frames, expected at least 2). Episodes must be longer than ${this.horizon} frames.`,
      );
    progress(0, 'quantiles');
    return new QuantileSearch(this.tables, this.shape, this.chunks);
  }

  private conclude(search: QuantileSearch, progress: StatisticsProgress): ChunkStatistics {
    const found = search.quantiles();
    progress(0.6, 'correlation');
    const moments = this.sums.moments();
    progress(0.8, 'correlation');
    const { horizon } = this;
    const [d, w] = [this.width, this.paddedWidth];
    const still = this.still();
    const perTimestep = emptyMoments(horizon * w);
    const deviations = new Float64Array(horizon * d);
    const clamp = this.clamp();
    for (let t = 0; t < horizon; t++)
      for (let dim = 0; dim < d; dim++) {
        const [i, to] = [t * d + dim, t * w + dim];
        const value = still[dim];
        perTimestep.mean[to] = value ?? moments.mean[i]!;
        deviations[i] = value === undefined ? Math.sqrt(Math.max(0, moments.covariance[i * horizon * d + i]!)) : 0;
        perTimestep.std[to] = deviations[i]!;
        perTimestep.q01[to] = clamp(found.q01[i]!, dim);
        perTimestep.q99[to] = clamp(found.q99[i]!, dim);
      }
    const statistics: ChunkStatistics = {
      horizon,
      width: w,
      state: this.stateMoments(moments),
      actions: this.actionMoments(moments, found, still, clamp),
      perTimestep,
      correlation: correlationOf(moments.covariance, deviations, {
        horizon,
        width: d,
        paddedWidth: w,
        constantBelow: this.options.constantBelow,
        jitter: this.options.jitter,
      }),
    };
    progress(1, 'correlation');
    return statistics;
  }

  /** The only value that each dimension of a chunk ever has, where there is one. */
  private still(): (number | undefined)[] {
    const d = this.width;
    const [low, high, actionLow, actionHigh] = [0, 1, 2, 3].map((k) => this.extremes.subarray(k * d, (k + 1) * d)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    return Array.from({ length: d }, (_, dim) => {
      const relative = this.shape.relative[dim]!;
      if (actionLow[dim] !== actionHigh[dim] || (relative && low[dim] !== high[dim])) return undefined;
      return relative ? Math.fround(actionLow[dim]! - low[dim]!) : actionLow[dim]!;
    });
  }

  /** Quantiles from counts never leave what absolute dimensions have been seen to be. */
  private clamp(): (x: number, dim: number) => number {
    const d = this.width;
    return (x, dim) =>
      this.shape.relative[dim] ? x : Math.min(Math.max(x, this.extremes[2 * d + dim]!), this.extremes[3 * d + dim]!);
  }

  private stateMoments({ state }: ChunkMoments): Moments {
    const d = this.width;
    const out = emptyMoments(this.paddedWidth);
    for (let dim = 0; dim < d; dim++) {
      const [low, high] = [this.extremes[dim]!, this.extremes[d + dim]!];
      out.mean[dim] = low === high ? low : state.mean[dim]!;
      out.std[dim] = low === high ? 0 : state.std[dim]!;
      [out.q01[dim], out.q99[dim]] = [low, high];
    }
    return out;
  }

  private actionMoments(
    { actions }: ChunkMoments,
    found: ChunkQuantiles,
    still: readonly (number | undefined)[],
    clamp: (x: number, dim: number) => number,
  ): Moments {
    const out = emptyMoments(this.paddedWidth);
    for (let dim = 0; dim < this.width; dim++) {
      out.mean[dim] = still[dim] ?? actions.mean[dim]!;
      out.std[dim] = still[dim] === undefined ? actions.std[dim]! : 0;
      [out.q01[dim], out.q99[dim]] = [clamp(found.rowsQ01[dim]!, dim), clamp(found.rowsQ99[dim]!, dim)];
    }
    return out;
  }
}

/** Rows [T, size] as columns [width, T], the first `width` of each row. */
function transpose(rows: Float32Array, size: number, width: number): Float32Array {
  const length = rows.length / size;
  const out = new Float32Array(length * width);
  // Some rows at a time, so that they stay in the cache while each column passes.
  for (let from = 0; from < length; from += 64) {
    const end = Math.min(length, from + 64);
    for (let dim = 0; dim < width; dim++)
      for (let i = from, at = from * size + dim; i < end; i++, at += size) out[dim * length + i] = rows[at]!;
  }
  return out;
}

function rowByRow(rows: Float32Array, size: number, width: number, of: (row: Float32Array) => Float32Array) {
  const out = new Float32Array((rows.length / size) * width);
  for (let i = 0; i * size < rows.length; i++) out.set(of(rows.subarray(i * size, (i + 1) * size)), i * width);
  return out;
}

/** `stateFromProprioception` of every row [T, size], by columns. */
function stateColumns(rows: Float32Array, size: number): Float32Array {
  const length = rows.length / size;
  const { fields } = proprioceptionLayout(size);
  const sources = STATE_FIELDS.flatMap((field) => {
    const [start, end] = fields[field]!;
    return field.startsWith('gripper') ? [start] : Array.from({ length: end - start }, (_, i) => start + i);
  });
  const out = new Float32Array(length * sources.length);
  const opening = Math.fround(0.1);
  for (let from = 0; from < length; from += 64) {
    const end = Math.min(length, from + 64);
    sources.forEach((source, dim) => {
      const to = dim * length;
      if (R1PRO.gripperColumns.includes(dim))
        for (let i = from, at = from * size + source; i < end; i++, at += size)
          out[to + i] = Math.fround(2 * Math.fround(Math.fround(rows[at]! + rows[at + 1]!) / opening)) - 1;
      else for (let i = from, at = from * size + source; i < end; i++, at += size) out[to + i] = rows[at]!;
    });
  }
  return out;
}

function wrongNumber(name: string, { length }: EpisodeColumns, dim: number, values: Float32Array): InputError {
  const bad = values.subarray(dim * length, (dim + 1) * length).findIndex((x) => !(Math.abs(x) <= LARGEST));
  const value = values[dim * length + bad]!;
  const what = Number.isFinite(value) ? `is far too large (expected at most ${LARGEST})` : 'is not finite';
  return new InputError(
    'StatisticsAccumulator',
    `an ${name === 'action' ? 'action' : 'episode state'} ${what} (got ${value} at frame ${bad}, dimension ${dim}).`,
  );
}

function emptyMoments(size: number): Moments {
  const zeros = () => new Float64Array(size);
  return { mean: zeros(), std: zeros(), q01: zeros(), q99: zeros() };
}
