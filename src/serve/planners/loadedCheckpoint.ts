import type { UrgentPlanner } from './urgentPlanner.ts';

/** A checkpoint in memory. */
export interface LoadedCheckpoint {
  readonly planner: UrgentPlanner;
  /** What it takes in memory, estimated. */
  readonly bytes: number;
  /** Whether it can make plans now. */
  readonly isUp: boolean;
}

/**
 * Opens a checkpoint folder; calls `admit` with its size before it takes the memory, and goes on when that resolves.
 * Fails when the signal is aborted before it is open.
 */
export type LoadCheckpoint = (
  folder: string,
  admit: (bytes: number) => Promise<void>,
  signal?: AbortSignal,
) => Promise<LoadedCheckpoint>;

/** A loaded checkpoint in the pool. */
export interface PoolEntry {
  readonly folder: string;
  readonly loaded: LoadedCheckpoint;
  /** What the folder looked like when it was loaded. */
  readonly fingerprint: string | undefined;
  /** When it was used last, in uses of the pool. */
  lastUse: number;
  /** Plans under way or waiting. */
  busy: number;
  leaving: boolean;
}
