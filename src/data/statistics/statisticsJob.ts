import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import type { StatisticsState } from '../../action/index.ts';
import { InputError, parse } from '../../base/index.ts';
import type { EpisodeJob, OpenStatistics } from './statistics.worker.ts';

/** The kind of these jobs in a queue. */
export const STATISTICS_JOB = 'statistics';

/** What all jobs of statistics have in common, as workers elsewhere are told. */
export interface StatisticsRun extends Pick<OpenStatistics, 'robot' | 'chunks'> {
  readonly sets: readonly (OpenStatistics['sets'][number] & { readonly fingerprint: string })[];
  readonly versions: Readonly<Record<string, string>>;
}

/** Some episodes, and what is wanted of them. */
export interface StatisticsJob {
  readonly jobs: readonly EpisodeJob[];
  /** Sums; numbers of every so many chunks; what lies beyond bounds (packed). */
  readonly want: 'sums' | { readonly sample: number } | { readonly tails: string };
}

/** Numbers as JSON takes them: their bytes, deflated, in base64. */
export const pack = (numbers: ArrayBufferView): string =>
  deflateRawSync(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), { level: 1 }).toString(
    'base64',
  );

/** @throws InputError for what is none */
export function unpackBytes(where: string, text: string): ArrayBuffer {
  try {
    return new Uint8Array(inflateRawSync(Buffer.from(text, 'base64'))).buffer;
  } catch (error) {
    throw new InputError(where, `holds damaged numbers (${(error as Error).message}).`);
  }
}

/** Sums of some episodes as JSON. */
export const PackedState = z.object({
  words: z.string(),
  frames: z.number().int(),
  chunks: z.number().int(),
  counts: z.string(),
  extremes: z.string(),
  /** The frames were kept, where they were read; nothing was counted. */
  kept: z.boolean(),
});

export const packState = ({ sums, counts, extremes, episodes }: StatisticsState): z.infer<typeof PackedState> => ({
  words: pack(sums.words),
  frames: sums.frames,
  chunks: sums.chunks,
  counts: pack(counts),
  extremes: pack(extremes),
  kept: episodes !== undefined,
});

export function unpackState(where: string, value: unknown): StatisticsState {
  const { words, frames, chunks, counts, extremes, kept } = parse(where, PackedState, value);
  return {
    sums: { words: new Uint8Array(unpackBytes(where, words)), frames, chunks },
    counts: new Uint32Array(unpackBytes(where, counts)),
    extremes: new Float64Array(unpackBytes(where, extremes)),
    episodes: kept ? [] : undefined,
  };
}

/** Tails as JSON. */
export const PackedTails = z.object({ counts: z.string(), sizes: z.string(), values: z.string() });
