import { InputError, ValetError } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import type { ChunkStatistics, QuantileMethod } from './chunkStatistics.ts';
import { ChunkSums, type ChunkSumsState } from './chunkSums.ts';
import { conclude, correlate, type Seen } from './conclude.ts';
import { exactQuantiles, exactQuantilesHere, type FrameSource, sampleChunks } from './exactQuantiles.ts';
import { arrange, type PickRows, pickStates } from './pickRows.ts';
import { type CountState, countedQuantiles, QuantileTables } from './quantileTables.ts';
import { RowStore } from './rowStore.ts';
import { type ChunkShape, type EpisodeRows, RowLayout } from './shape.ts';
import { findTails, type TailBounds, type Tails } from './tails.ts';

/** What `finish` is doing, 0…1 of the whole. */
export type StatisticsProgress = (part: number, doing: string) => void;

/** Larger numbers are no joint angles, and would leave the range in which sums are exact. */
export const LARGEST_NUMBER = 4096;

export interface StatisticsOptions {
  /** Whose chunks they are: rate, deltas, padding, and how its state follows from proprioception. */
  readonly robot: Robot;
  /** Actions per chunk; the robot's when left out. */
  readonly horizon?: number;
  /** [D] which dimensions are relative to the state; the robot's when left out. */
  readonly deltaMask?: readonly boolean[];
  /** Dimensions in the result, the rest zeros; the robot's when left out. */
  readonly paddedWidth?: number;
  /** The D numbers of the state from a row of another width; by default as the robot's layouts say. */
  readonly stateOf?: (row: Float32Array) => Float32Array;
  /**
   * Bytes that the frames may take (8 a frame and dimension, dimensions rounded up to a multiple of 8); beyond,
   * quantiles come from counts. Default 4 GiB.
   */
  readonly memory?: number;
  /**
   * Deviation below which a flat dimension is constant (1e-6), and what is added to the correlation's diagonal
   * (1e-6).
   */
  readonly constantBelow?: number;
  /** Leave out episodes with numbers that are not finite or too large, in place of refusing them. */
  readonly skipWrong?: boolean;
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
 * Statistics of a data set's chunks over every frame and every chunk, in one pass. The result is the same to the last
 * bit in whatever order episodes are
 * added and accumulators merged (statistics/chunkSums.ts). Quantiles are exact while the frames fit into `memory`,
 * else read from counts: then each is within 2⁻⁷ of its value, and memory no longer grows. Definitions as in the
 * original (golden case
 * statistics-small): an episode of T frames has T − horizon + 1 chunks, each relative to the state at its start in
 * float32.
 */
export class StatisticsAccumulator {
  readonly shape: ChunkShape;
  readonly paddedWidth: number;
  private readonly width: number;
  private readonly memory: number;
  private readonly robot: Robot;
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
  /**
   * Frames of the episodes that end now are kept for quantiles and nothing else: their sums are known from a run
   * before, and merged.
   */
  keepsFramesOnly = false;
  /** How rows of a width become rows in the layout, for the width that came last. */
  private pick: { readonly width: number; readonly rows: PickRows } | undefined;

  constructor(private readonly options: StatisticsOptions) {
    const { robot } = options;
    this.shape = { horizon: options.horizon ?? robot.horizon, relative: options.deltaMask ?? robot.deltaMask };
    this.width = this.shape.relative.length;
    this.paddedWidth = Math.max(options.paddedWidth ?? robot.paddedWidth, this.width);
    if (!(Number.isInteger(this.shape.horizon) && this.shape.horizon >= 1))
      throw new InputError(
        'StatisticsAccumulator',
        `horizon must be a whole number above 0 (got ${this.shape.horizon}).`,
      );
    this.memory = options.memory ?? 4 * 2 ** 30;
    this.robot = robot;
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
   * Adds an episode of T frames. @param state [T, S] proprioception (S as one of the robot's layouts) or the state
   * itself [T, D]; actions [T, D]
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

  /**
   * Begins an episode whose rows come piece by piece: `addStates` and `addActions`, then `end`. What was begun
   * before and not ended is forgotten.
   */
  begin(): void {
    this.states.begin();
    this.actions.begin();
  }

  /**
   * @param rows `count` rows of `width` numbers from index `start`: proprioception (as long as one of the robot's
   * layouts) or the state itself (D)
   */
  addStates(rows: Float32Array, start: number, count: number, width: number): void {
    if (this.pick?.width !== width)
      this.pick = { width, rows: pickStates(width, this.layout, this.robot, this.options.stateOf) };
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
   * Adds the episode that was begun; with `length`, the first so many of its frames are an episode, and what remains
   * is the beginning of the next.
   * @throws InputError when a number is not finite
   */
  end(length = this.begun.states): void {
    const { layout } = this;
    const { states, actions } = this.begun;
    if (states !== actions || length > states || length === 0)
      throw new InputError('StatisticsAccumulator', `got ${states} states and ${actions} actions (expected as many).`);
    const episode = { length, actions: this.actions.end(length), states: this.states.end(length) };
    const extremes = this.sums.extremes(episode);
    const wrong = !extremes || extremes.some((x) => !(Math.abs(x) <= LARGEST_NUMBER));
    if (wrong && !this.options.skipWrong) throw wrongNumber(episode, layout);
    if (extremes && !wrong) {
      this.episodes?.push(episode);
      if (!this.keepsFramesOnly) {
        widen(this.extremes, extremes);
        this.sums.add(episode);
        this.tables?.add(episode);
        this.limit();
      }
    }
    // What is not kept leaves its room to the next.
    if (!this.episodes) for (const store of [this.states, this.actions]) store.clear();
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

  /** An empty one of the same shape. */
  fresh(): StatisticsAccumulator {
    return new StatisticsAccumulator(this.options);
  }

  /** Adds all that another accumulator holds (of the same shape). */
  merge(other: StatisticsAccumulator): void {
    this.mergeState(other.state());
  }

  mergeState({ sums, counts, extremes, episodes }: StatisticsState): void {
    this.sums.merge(sums);
    widen(this.extremes, extremes);
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
    requireChunks(this);
    progress(0, 'quantiles');
    const found = this.episodes
      ? exactQuantilesHere(this.episodes, this.shape, this.chunks)
      : countedQuantiles(this.count(), this.shape, this.chunks);
    const statistics = conclude(this.seen, found, this.correlated(progress));
    progress(1, 'correlation');
    return statistics;
  }

  /** `finish`, with the frames spread over other accumulators (workers); undefined where they have counted. */
  async finishWith(
    others: readonly FrameSource[] | undefined,
    progress: StatisticsProgress = () => {},
  ): Promise<ChunkStatistics> {
    requireChunks(this);
    progress(0, 'quantiles');
    const found = others
      ? exactQuantiles(others, this.shape, this.chunks)
      : countedQuantiles(this.count(), this.shape, this.chunks);
    // While the others look.
    const correlated = this.correlated(progress);
    progress(0.5, 'quantiles');
    const statistics = conclude(this.seen, await found, correlated);
    progress(1, 'quantiles');
    return statistics;
  }

  private get seen(): Seen {
    return { shape: this.shape, paddedWidth: this.paddedWidth, extremes: this.extremes };
  }

  private correlated(progress: StatisticsProgress) {
    const { constantBelow, jitter } = this.options;
    return correlate(this.seen, this.sums.moments(), { constantBelow, jitter, progress });
  }
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
        if (Math.abs(value) <= LARGEST_NUMBER) continue;
        const what = Number.isFinite(value) ? `is far too large (expected at most ${LARGEST_NUMBER})` : 'is not finite';
        return new InputError(
          'StatisticsAccumulator',
          `an ${name} ${what} (got ${value} at frame ${i}, dimension ${dim}).`,
        );
      }
  throw new ValetError('StatisticsAccumulator', 'no wrong number was found. This is a mistake in Valet.');
}

/** Makes extremes [4, D] (minimum and maximum of states, of actions) hold others too. */
function widen(extremes: Float64Array, others: Float64Array): void {
  const d = extremes.length / 4;
  for (const [i, other] of others.entries())
    extremes[i] = (Math.floor(i / d) % 2 === 0 ? Math.min : Math.max)(extremes[i] ?? other, other);
}

/** @throws InputError when there are fewer than two chunks */
function requireChunks({ chunks, frames, horizon }: StatisticsAccumulator): void {
  if (chunks < 2)
    throw new InputError(
      'StatisticsAccumulator',
      `too few chunks (got ${chunks} from ${frames} frames, expected at least 2). ` +
        `Episodes must be longer than ${horizon} frames.`,
    );
}
