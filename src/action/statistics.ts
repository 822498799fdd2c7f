import { InputError } from '../base/index.ts';
import type { ChunkStatistics, Correlation, Moments } from './chunkStatistics.ts';
import { correlationOf } from './correlation.ts';
import { chunkCovariance, type EpisodeColumns } from './lagCovariance.ts';
import { interpolatePair, OrderStatistics, quantilePair } from './orderStatistics.ts';
import { stateFromProprioception } from './proprioception.ts';
import { R1PRO } from './space.ts';

/** With fewer chunks than this, sorting them is quicker than counting their bits. */
const SORT_BELOW = 10_000;

/** What `finish` is doing, 0…1 of the whole. */
export type StatisticsProgress = (part: number, doing: string) => void;

const { width: D, paddedWidth: PADDED, deltaMask: RELATIVE } = R1PRO;

/**
 * Statistics of a data set's chunks, exact: every frame, every chunk, float64 sums, true order statistics. Episodes are added (or merged from another
 * accumulator) and kept by columns, 184 bytes a frame; `finish` computes. Definitions as in the original (golden case statistics-small): an episode of T
 * frames has T − 29 chunks, each relative to the state at its start in float32.
 */
export class StatisticsAccumulator {
  private readonly episodes: EpisodeColumns[] = [];
  readonly horizon: number;
  frames = 0;
  chunks = 0;

  constructor(options: { readonly horizon?: number } = {}) {
    this.horizon = options.horizon ?? R1PRO.horizon;
  }

  /**
   * Adds an episode of T frames. @param state [T, S] proprioception (S 256 or 61) or the 23-number state
   * @throws InputError when the shapes do not fit or a number is not finite
   */
  add({ state, actions }: { readonly state: Float32Array; readonly actions: Float32Array }): void {
    const length = actions.length / D;
    const size = state.length / length;
    if (!Number.isInteger(length) || !Number.isInteger(size) || length === 0)
      throw new InputError(
        'StatisticsAccumulator',
        `state and actions do not fit (got ${state.length} and ${actions.length} numbers, expected T×S and T×${D}).`,
      );
    const columns = { length, actions: new Float32Array(actions.length), states: new Float32Array(actions.length) };
    for (let i = 0; i < length; i++) {
      const raw = state.subarray(i * size, (i + 1) * size);
      const row = size === D ? raw : stateFromProprioception(raw);
      for (let d = 0; d < D; d++) {
        columns.actions[d * length + i] = actions[i * D + d]!;
        columns.states[d * length + i] = row[d]!;
      }
    }
    for (const [name, values] of [
      ['action', columns.actions],
      ['state', columns.states],
    ] as const) {
      const bad = values.findIndex((x) => !Number.isFinite(x));
      if (bad >= 0)
        throw new InputError(
          'StatisticsAccumulator',
          `an ${name === 'action' ? 'action' : 'episode state'} is not finite (got ${values[bad]} at frame ${bad % length}, dimension ${Math.floor(bad / length)}).`,
        );
    }
    this.push(columns);
  }

  /** Takes over all episodes of another accumulator, after one's own. */
  merge(other: StatisticsAccumulator): void {
    for (const episode of other.episodes) this.push(episode);
  }

  private push(episode: EpisodeColumns): void {
    this.episodes.push(episode);
    this.frames += episode.length;
    this.chunks += Math.max(0, episode.length - this.horizon + 1);
  }

  /** @throws InputError when no episode is as long as a chunk */
  finish(progress: StatisticsProgress = () => {}): ChunkStatistics {
    if (this.chunks < 2)
      throw new InputError(
        'StatisticsAccumulator',
        `too few chunks (got ${this.chunks} from ${this.frames} frames, expected at least 2). Episodes must be longer than ${this.horizon} frames.`,
      );
    const horizon = this.horizon;
    const state = this.frameMoments((e, d, out) => out.set(e.states.subarray(d * e.length, (d + 1) * e.length)), true);
    const actions = this.frameMoments((e, d, out) => {
      for (let i = 0; i < e.length; i++) {
        const at = d * e.length + i;
        out[i] = RELATIVE[d] ? e.actions[at]! - e.states[at]! : e.actions[at]!;
      }
    }, false);
    const perTimestep = this.chunkMoments(actions, (part) => progress(0.5 * part, 'quantiles'));
    return {
      horizon,
      width: PADDED,
      state,
      actions,
      perTimestep,
      correlation: this.correlation(actions, perTimestep, (part) => progress(0.5 + 0.5 * part, 'correlation')),
    };
  }

  /** Moments [32] over all frames of what `column` writes for each episode and dimension. With `extremes`, q01 and q99 are the minimum and maximum. */
  private frameMoments(
    column: (episode: EpisodeColumns, d: number, out: Float32Array) => void,
    extremes: boolean,
  ): Moments {
    const out = emptyMoments(PADDED);
    const values = new Float32Array(this.frames);
    for (let d = 0; d < D; d++) {
      let at = 0;
      for (const episode of this.episodes) {
        column(episode, d, values.subarray(at, at + episode.length));
        at += episode.length;
      }
      [out.mean[d], out.std[d]] = meanAndStd(values);
      if (!extremes) continue;
      let [low, high] = [Infinity, -Infinity];
      for (const x of values) {
        if (x < low) low = x;
        if (x > high) high = x;
      }
      [out.q01[d], out.q99[d]] = [low, high];
    }
    return out;
  }

  /** Moments [H, 32] over the chunks at each step; fills in the quantiles of `actions` over all rows on the way. */
  private chunkMoments(actions: Moments, progress: (part: number) => void): Moments {
    const { horizon, chunks } = this;
    const out = emptyMoments(horizon * PADDED);
    const values = new Float32Array(chunks);
    const bits = new Int32Array(values.buffer);
    const one = new OrderStatistics();
    const all = new OrderStatistics();
    const ofChunks = quantilePair(chunks, 0.01, 0.99);
    const ofRows = quantilePair(chunks * horizon, 0.01, 0.99);
    for (let d = 0; d < D; d++) {
      all.clear();
      for (let t = 0; t < horizon; t++) {
        this.fillChunkColumn(t, d, values);
        const i = t * PADDED + d;
        [out.mean[i], out.std[i]] = meanAndStd(values);
        all.count(bits, chunks);
        if (chunks < SORT_BELOW) {
          values.sort();
          [out.q01[i], out.q99[i]] = interpolatePair(ofChunks, (k) => values[ofChunks.ranks[k]!]!);
        } else {
          one.clear();
          one.count(bits, chunks);
          one.locate(ofChunks.ranks);
          one.refine(bits, chunks);
          [out.q01[i], out.q99[i]] = interpolatePair(ofChunks, (k) => one.value(k));
        }
      }
      all.locate(ofRows.ranks);
      for (let t = 0; t < horizon; t++) {
        this.fillChunkColumn(t, d, values);
        all.refine(bits, chunks);
      }
      [actions.q01[d], actions.q99[d]] = interpolatePair(ofRows, (k) => all.value(k));
      progress((d + 1) / D);
    }
    return out;
  }

  /** Step t, dimension d of every chunk, in float32. */
  private fillChunkColumn(t: number, d: number, out: Float32Array): void {
    let at = 0;
    for (const { length, actions, states } of this.episodes) {
      const chunks = length - this.horizon + 1;
      const from = d * length;
      if (RELATIVE[d]) for (let i = 0; i < chunks; i++) out[at++] = actions[from + i + t]! - states[from + i]!;
      else for (let i = 0; i < chunks; i++) out[at++] = actions[from + i + t]!;
    }
  }

  private correlation(actions: Moments, perTimestep: Moments, progress: (part: number) => void): Correlation {
    const { horizon } = this;
    const compact = (values: Float64Array) =>
      Float64Array.from({ length: horizon * D }, (_, i) => values[Math.floor(i / D) * PADDED + (i % D)]!);
    let done = 0;
    const covariance = chunkCovariance(
      this.episodes,
      RELATIVE,
      horizon,
      actions.mean.subarray(0, D),
      compact(perTimestep.mean),
      (frames) => {
        done += frames;
        progress(done / this.frames);
      },
    );
    return correlationOf(covariance, compact(perTimestep.std), { horizon, width: D, paddedWidth: PADDED });
  }
}

function emptyMoments(size: number): Moments {
  const zeros = () => new Float64Array(size);
  return { mean: zeros(), std: zeros(), q01: zeros(), q99: zeros() };
}

/** Mean and population standard deviation, in two passes. */
function meanAndStd(values: Float32Array): [number, number] {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  const mean = sum / values.length;
  let [squares, rest] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const x = values[i]! - mean;
    squares += x * x;
    rest += x;
  }
  // `rest` would be 0 in exact arithmetic; it corrects the mean's rounding.
  return [mean + rest / values.length, Math.sqrt(Math.max(0, squares - (rest * rest) / values.length) / values.length)];
}
