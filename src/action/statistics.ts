import { InputError, ValetError } from '../base/index.ts';
import type { ChunkStatistics, Moments, QuantileMethod } from './chunkStatistics.ts';
import { correlationOf } from './correlation.ts';
import { proprioceptionLayout, STATE_FIELDS, stateFromProprioception } from './proprioception.ts';
import { R1PRO } from './space.ts';
import { type ChunkMoments, ChunkSums, type ChunkSumsState } from './statistics/chunkSums.ts';
import { exactQuantiles, exactQuantilesHere, type FrameSource, sampleChunks } from './statistics/exactQuantiles.ts';
import { type ChunkQuantiles, type CountState, countedQuantiles, QuantileTables } from './statistics/quantileTables.ts';
import { RowStore } from './statistics/rowStore.ts';
import { type ChunkShape, type EpisodeRows, RowLayout } from './statistics/shape.ts';
import { findTails, type TailBounds, type Tails } from './statistics/tails.ts';

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
  /** Bytes that the frames may take (8 a frame and dimension, dimensions rounded up to a multiple of 8); beyond, quantiles come from counts. Default 4 GiB. */
  readonly memory?: number;
  /** Deviation below which a flat dimension is constant (1e-6), and what is added to the correlation's diagonal (1e-6). */
  readonly constantBelow?: number;
  readonly jitter?: number;
}

/** What an accumulator holds, as plain data. */
export interface StatisticsState {
  readonly sums: ChunkSumsState;
  /** Counts of the numbers, where the frames themselves did not fit. */
  readonly counts: CountState;
  /** [4, D] minimum and maximum of states, of actions. */
  readonly extremes: Float64Array;
  /** The frames; undefined when they did not fit. */
  readonly episodes: readonly EpisodeRows[] | undefined;
}

/**
 * Statistics of a data set's chunks over every frame and every chunk, in one pass. The result is the same to the last bit in whatever order episodes are
 * added and accumulators merged (statistics/chunkSums.ts). Quantiles are exact while the frames fit into `memory` (192 bytes a frame
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
  /** Made when frames no longer fit. */
  private tables: QuantileTables | undefined;
  private readonly layout: RowLayout;
  /** [4, D] */
  private readonly extremes: Float64Array;
  private episodes: EpisodeRows[] | undefined = [];
  /** Rows of the episode that is being put together, and of those before it. */
  private readonly states: RowStore;
  private readonly actions: RowStore;
  /** How rows of a width become rows in the layout, for the width that came last. */
  private pick: { readonly width: number; readonly rows: PickRows } | undefined;

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
    this.layout = new RowLayout(this.shape);
    this.states = new RowStore(this.layout.columns);
    this.actions = new RowStore(this.layout.columns);
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
    this.begin();
    this.addStates(state, 0, length, size);
    this.addActions(actions, 0, length);
    this.end();
  }

  /** Begins an episode whose rows come piece by piece: `addStates` and `addActions`, then `end`. What was begun before and not ended is forgotten. */
  begin(): void {
    this.states.begin();
    this.actions.begin();
  }

  /** @param rows `count` rows of `width` numbers from index `start`: proprioception (256 or 61) or the state itself (D) */
  addStates(rows: Float32Array, start: number, count: number, width: number): void {
    if (this.pick?.width !== width) this.pick = { width, rows: this.pickStates(width) };
    const { data, at } = this.states.room(count);
    this.pick.rows(rows, start, count, data, at);
  }

  /** @param rows `count` rows [count, D] from index `start` */
  addActions(rows: Float32Array, start: number, count: number): void {
    const { data, at } = this.actions.room(count);
    arrange(rows, start, count, this.layout, data, at);
  }

  /** Frames of the episode that was begun: of as many there must be states and actions. */
  get begun(): { readonly states: number; readonly actions: number } {
    return { states: this.states.rows, actions: this.actions.rows };
  }

  /**
   * Adds the episode that was begun; with `length`, the first so many of its frames are an episode, and what remains is the beginning of the next.
   * @throws InputError when a number is not finite
   */
  end(length = this.begun.states): void {
    const { layout } = this;
    const { states, actions } = this.begun;
    if (states !== actions || length > states || length === 0)
      throw new InputError('StatisticsAccumulator', `got ${states} states and ${actions} actions (expected as many).`);
    const episode = { length, actions: this.actions.end(length), states: this.states.end(length) };
    const extremes = this.sums.extremes(episode);
    if (!extremes || extremes.some((x) => !(Math.abs(x) <= LARGEST))) throw wrongNumber(episode, layout);
    this.widen(extremes);
    this.sums.add(episode);
    this.episodes?.push(episode);
    this.tables?.add(episode);
    this.limit();
    // What is not kept leaves its room to the next.
    if (!this.episodes) for (const store of [this.states, this.actions]) store.clear();
  }

  private pickStates(width: number): PickRows {
    const { layout } = this;
    const d = this.width;
    if (width === d) return (rows, start, count, out, to) => arrange(rows, start, count, layout, out, to);
    if (d === R1PRO.width && this.stateOf === stateFromProprioception) return pickProprioception(width, layout);
    return (rows, start, count, out, to) => {
      const states = rowByRow(rows.subarray(start, start + count * width), width, d, this.stateOf);
      arrange(states, 0, count, layout, out, to);
    };
  }

  private widen(extremes: Float64Array): void {
    for (let i = 0; i < extremes.length; i++)
      this.extremes[i] = (Math.floor(i / this.width) % 2 === 0 ? Math.min : Math.max)(this.extremes[i]!, extremes[i]!);
  }

  /** Counts the frames and lets go of them when they have become too many. */
  private limit(): void {
    if (this.episodes && this.frames * this.layout.columns * 8 > this.memory) this.count();
  }

  private count(): QuantileTables {
    this.tables ??= new QuantileTables(this.shape);
    for (const episode of this.episodes ?? []) this.tables.add(episode);
    this.episodes = undefined;
    return this.tables;
  }

  /** Adds all that another accumulator holds (of the same shape). */
  merge(other: StatisticsAccumulator): void {
    this.mergeState(other.state());
  }

  mergeState({ sums, counts, extremes, episodes }: StatisticsState): void {
    this.sums.merge(sums);
    this.widen(extremes);
    if (!episodes) this.count().merge(counts);
    else if (this.episodes) for (const episode of episodes) this.episodes.push(episode);
    else for (const episode of episodes) this.count().add(episode);
    this.limit();
  }

  /** What this accumulator holds; the frames themselves are shared, not copied. */
  state(): StatisticsState {
    return {
      sums: this.sums.state(),
      counts: this.tables?.state() ?? new Uint32Array(0),
      extremes: this.extremes.slice(),
      episodes: this.episodes,
    };
  }

  /** For `finishWith`: the frames held here. */
  sample(stride: number): Float32Array<ArrayBuffer> {
    return sampleChunks(this.episodes ?? [], this.shape, stride);
  }
  tails(bounds: TailBounds): Tails {
    return findTails(this.episodes ?? [], this.shape, bounds);
  }

  /** @throws InputError when there are fewer than two chunks */
  finish(progress: StatisticsProgress = () => {}): ChunkStatistics {
    this.beginFinish(progress);
    const found = this.episodes
      ? exactQuantilesHere(this.episodes, this.shape, this.chunks)
      : countedQuantiles(this.count(), this.shape, this.chunks);
    const statistics = this.conclude(found, this.correlate(progress));
    progress(1, 'correlation');
    return statistics;
  }

  /** `finish`, with the frames spread over other accumulators (workers); undefined where they have counted. */
  async finishWith(
    others: readonly FrameSource[] | undefined,
    progress: StatisticsProgress = () => {},
  ): Promise<ChunkStatistics> {
    this.beginFinish(progress);
    const found = others
      ? exactQuantiles(others, this.shape, this.chunks)
      : countedQuantiles(this.count(), this.shape, this.chunks);
    // While the others look.
    const correlated = this.correlate(progress);
    progress(0.5, 'quantiles');
    const statistics = this.conclude(await found, correlated);
    progress(1, 'quantiles');
    return statistics;
  }

  private beginFinish(progress: StatisticsProgress): void {
    if (this.chunks < 2)
      throw new InputError(
        'StatisticsAccumulator',
        `too few chunks (got ${this.chunks} from ${this.frames} frames, expected at least 2). Episodes must be longer than ${this.horizon} frames.`,
      );
    progress(0, 'quantiles');
  }

  /** All that does not need the quantiles. */
  private correlate(progress: StatisticsProgress) {
    const { horizon } = this;
    const d = this.width;
    const moments = this.sums.moments();
    progress(0.2, 'correlation');
    const still = this.still();
    const deviations = Float64Array.from({ length: horizon * d }, (_, i) =>
      still[i % d] === undefined ? Math.sqrt(Math.max(0, moments.covariance[i * horizon * d + i]!)) : 0,
    );
    const correlation = correlationOf(moments.covariance, deviations, {
      horizon,
      width: d,
      paddedWidth: this.paddedWidth,
      constantBelow: this.options.constantBelow,
      jitter: this.options.jitter,
    });
    progress(0.5, 'correlation');
    return { moments, still, deviations, correlation };
  }

  private conclude(
    found: ChunkQuantiles,
    { moments, still, deviations, correlation }: ReturnType<StatisticsAccumulator['correlate']>,
  ): ChunkStatistics {
    const { horizon } = this;
    const [d, w] = [this.width, this.paddedWidth];
    const perTimestep = emptyMoments(horizon * w);
    const clamp = this.clamp();
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
      state: this.stateMoments(moments),
      actions: this.actionMoments(moments, found, still, clamp),
      perTimestep,
      correlation,
    };
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

/** Puts `count` rows from index `start` as rows in the layout into `out` from index `to`. */
type PickRows = (rows: Float32Array, start: number, count: number, out: Float32Array, to: number) => void;

/** Rows [count, D]. */
function arrange(
  rows: Float32Array,
  start: number,
  count: number,
  { d, columns, order }: RowLayout,
  out: Float32Array,
  to: number,
): void {
  for (let row = 0; row < count; row++)
    for (let c = 0; c < d; c++) out[to + row * columns + c] = rows[start + row * d + order[c]!]!;
}

function rowByRow(rows: Float32Array, size: number, width: number, of: (row: Float32Array) => Float32Array) {
  const out = new Float32Array((rows.length / size) * width);
  for (let i = 0; i * size < rows.length; i++) out.set(of(rows.subarray(i * size, (i + 1) * size)), i * width);
  return out;
}

/** `stateFromProprioception` of rows of `size` numbers. */
function pickProprioception(size: number, { columns, order, position }: RowLayout): PickRows {
  const { fields } = proprioceptionLayout(size);
  const bySpace = STATE_FIELDS.flatMap((field) => {
    const [start, end] = fields[field]!;
    return field.startsWith('gripper') ? [start] : Array.from({ length: end - start }, (_, i) => start + i);
  });
  const sources = Int32Array.from(order, (dim) => bySpace[dim]!);
  const grippers = R1PRO.gripperColumns.map((dim) => position[dim]!);
  const opening = Math.fround(0.1);
  return (rows, start, count, out, to) => {
    for (let row = 0, from = start; row < count; row++, from += size, to += columns) {
      for (let c = 0; c < sources.length; c++) out[to + c] = rows[from + sources[c]!]!;
      for (const c of grippers) {
        const at = from + sources[c]!;
        out[to + c] = Math.fround(2 * Math.fround(Math.fround(rows[at]! + rows[at + 1]!) / opening)) - 1;
      }
    }
  };
}

/** The first number that cannot be added. */
function wrongNumber({ length, actions, states }: EpisodeRows, { d, columns, position }: RowLayout): InputError {
  for (const [name, values] of [
    ['episode state', states],
    ['action', actions],
  ] as const)
    for (let dim = 0; dim < d; dim++)
      for (let i = 0; i < length; i++) {
        const value = values[i * columns + position[dim]!]!;
        if (Math.abs(value) <= LARGEST) continue;
        const what = Number.isFinite(value) ? `is far too large (expected at most ${LARGEST})` : 'is not finite';
        return new InputError(
          'StatisticsAccumulator',
          `an ${name} ${what} (got ${value} at frame ${i}, dimension ${dim}).`,
        );
      }
  throw new ValetError('StatisticsAccumulator', 'no wrong number was found. This is a mistake in Valet.');
}

function emptyMoments(size: number): Moments {
  const zeros = () => new Float64Array(size);
  return { mean: zeros(), std: zeros(), q01: zeros(), q99: zeros() };
}
