import type { FastTokenizer } from '../../action/index.ts';
import { present } from '../../base/index.ts';

/** What becomes of chunks that are encoded and decoded. */
export interface RoundTripReport {
  readonly chunks: number;
  readonly tokens: {
    readonly mean: number;
    readonly median: number;
    readonly p99: number;
    readonly min: number;
    readonly max: number;
  };
  /** Numbers of a chunk per id. */
  readonly compression: number;
  /** Chunks of more ids than `maxTokens`, as a share: training cuts them. */
  readonly cut: { readonly maxTokens: number; readonly share: number };
  /** Chunks that do not decode, and the first reason. */
  readonly failed: { readonly count: number; readonly reason: string | null };
  /** Chunks with a coefficient beyond what was fitted. */
  readonly outside: number;
  /** Absolute, in the units of the encoded chunk ([-1, 1] between the quantiles), of each dimension. */
  readonly error: {
    readonly mean: number;
    readonly max: number;
    readonly dimensions: readonly { readonly mean: number; readonly max: number }[];
  };
  /** Chunks by number of ids: `counts[i]` of them in [from + i·step, from + (i + 1)·step). */
  readonly histogram: { readonly from: number; readonly step: number; readonly counts: readonly number[] };
}

const BARS = 16;

/** Encodes and decodes chunks one by one. */
export class RoundTrip {
  private readonly lengths: number[] = [];
  private readonly sums: Float64Array;
  private readonly largest: Float64Array;
  private compared = 0;
  private failed = 0;
  private outside = 0;
  private reason: string | null = null;

  constructor(
    private readonly tokenizer: FastTokenizer,
    private readonly horizon: number,
    private readonly width: number,
  ) {
    this.sums = new Float64Array(width);
    this.largest = new Float64Array(width);
  }

  add(chunk: Float32Array | Float64Array): void {
    const { tokenizer, horizon, width } = this;
    const { ids, unknown } = tokenizer.encodeChunk(chunk, horizon, width);
    this.lengths.push(ids.length);
    if (unknown > 0) this.outside++;
    const decoded = tokenizer.decode(ids, horizon, width);
    if (!decoded.ok) {
      this.failed++;
      this.reason ??= unknown > 0 ? `a coefficient lies beyond what was fitted: ${decoded.reason}` : decoded.reason;
      return;
    }
    this.compared++;
    for (let i = 0; i < chunk.length; i++) {
      const error = Math.abs(present(chunk[i], 'chunk[i]') - present(decoded.chunk[i], 'decoded.chunk[i]'));
      this.sums[i % width]! += error;
      if (error > present(this.largest[i % width], 'this.largest[i % width]')) this.largest[i % width] = error;
    }
  }

  finish(maxTokens: number): RoundTripReport {
    const lengths = this.lengths.sort((a, b) => a - b);
    const count = lengths.length;
    const at = (q: number) => lengths[Math.min(count - 1, Math.floor(q * count))] ?? 0;
    const mean = lengths.reduce((a, b) => a + b, 0) / Math.max(count, 1);
    const per = Math.max(1, this.compared * this.horizon);
    const dimensions = Array.from(this.sums, (sum, d) => ({
      mean: sum / per,
      max: present(this.largest[d], 'this.largest[d]'),
    }));
    const [from, to] = [lengths[0] ?? 0, lengths[count - 1] ?? 0];
    const step = Math.max(1, Math.ceil((to - from + 1) / BARS));
    const counts = new Array<number>(Math.ceil((to - from + 1) / step)).fill(0);
    for (const length of lengths) counts[Math.floor((length - from) / step)]!++;
    return {
      chunks: count,
      tokens: { mean, median: at(0.5), p99: at(0.99), min: from, max: to },
      compression: (this.horizon * this.width) / Math.max(mean, 1e-9),
      cut: { maxTokens, share: lengths.filter((length) => length > maxTokens).length / Math.max(count, 1) },
      failed: { count: this.failed, reason: this.reason },
      outside: this.outside,
      error: {
        mean: dimensions.reduce((sum, d) => sum + d.mean, 0) / this.width,
        max: dimensions.reduce((most, d) => Math.max(most, d.max), 0),
        dimensions,
      },
      histogram: { from, step, counts },
    };
  }
}
