import { InputError } from '../../base/index.ts';
import type { Logger } from '../log.ts';
import type { PoolEntry } from './loadedCheckpoint.ts';

export interface CheckpointMemoryOptions {
  /** Bytes that all checkpoints together may take. */
  readonly memoryBytes?: number | undefined;
  readonly logger?: Logger | undefined;
  /** What is in memory has changed. */
  readonly onChange: () => void;
}

/** A checkpoint for which there is no memory. */
export class NoRoomError extends InputError {
  override name = 'NoRoomError';
}

/**
 * The checkpoints that are in memory by folder, and the bytes that they take: who must leave to make room for another,
 * each when its plans are finished.
 */
export class CheckpointMemory {
  readonly entries = new Map<string, PoolEntry>();
  private held = 0;
  private readonly closings = new Set<Promise<void>>();
  /** Entries that finish their last plans or are being closed; their memory is still taken. */
  private readonly departing = new Set<PoolEntry>();
  private freed: (() => void)[] = [];
  private clock = 0;

  constructor(private readonly options: CheckpointMemoryOptions) {}

  /** Bytes of what is in memory, what is leaving included. */
  get bytes(): number {
    return this.held;
  }

  /** More, or less, is taken. */
  reserve(bytes: number): void {
    this.held += bytes;
  }

  /** The time of a use. */
  now(): number {
    return ++this.clock;
  }

  /** Takes the place of what was loaded from the same folder before. */
  put(entry: PoolEntry): void {
    const old = this.entries.get(entry.folder);
    this.entries.set(entry.folder, entry);
    if (old) this.leave(old);
    this.options.onChange();
  }

  /** Runs a plan on an entry, which stays in memory until that is over. */
  async use<T>(entry: PoolEntry, plan: () => Promise<T>): Promise<T> {
    entry.busy++;
    entry.lastUse = this.now();
    try {
      return await plan();
    } finally {
      entry.busy--;
      if (entry.busy === 0) {
        if (entry.leaving) this.free(entry);
        for (const wake of this.freed.splice(0)) wake();
      }
    }
  }

  /**
   * Waits until `bytes` more fit for `folder`. With `makeRoom`, what was not used for longest is sent away; `replaced`,
   * an older load of the folder, only when there is no room for both. @throws NoRoomError when they can never fit, or
   * do not fit without sending others away
   */
  async room(bytes: number, folder: string, makeRoom: boolean, replaced: PoolEntry | undefined): Promise<void> {
    const { memoryBytes = Number.POSITIVE_INFINITY, logger } = this.options;
    if (bytes > memoryBytes)
      throw new NoRoomError(
        folder,
        `takes about ${gigabytes(bytes)} of memory (allowed: ${gigabytes(memoryBytes)}). ` +
          'Raise --memory, lower --batch or --workers, or import it as int8.',
      );
    while (this.held + bytes > memoryBytes) {
      if (!makeRoom) throw new NoRoomError(folder, 'does not fit beside the others.');
      const leaving = [...this.departing].reduce((sum, { loaded }) => sum + loaded.bytes, 0);
      const oldest = this.oldestBut(replaced);
      if (this.held - leaving + bytes <= memoryBytes) await this.oneLess();
      else if (oldest) {
        logger?.info({ folder: oldest.folder, for: folder }, 'checkpoint makes room');
        this.sendAway(oldest);
      } else if (replaced && this.entries.get(folder) === replaced)
        this.sendAway(replaced); // plans wait until the new one is there
      else await this.oneLess();
    }
  }

  /** Finishes the plans under way and frees everything. */
  async close(): Promise<void> {
    for (const entry of this.entries.values()) this.leave(entry);
    await Promise.all(this.closings);
  }

  /** Of those that make no plan now, else of all, the one that was not used for longest. */
  private oldestBut(replaced: PoolEntry | undefined): PoolEntry | undefined {
    const [oldest] = [...this.entries.values()]
      .filter((entry) => entry !== replaced)
      .sort((a, b) => Number(a.busy > 0) - Number(b.busy > 0) || a.lastUse - b.lastUse);
    return oldest;
  }

  private sendAway(entry: PoolEntry): void {
    this.entries.delete(entry.folder);
    this.leave(entry);
  }

  /** Settles when something that leaves has gone, or finished a plan. */
  private async oneLess(): Promise<void> {
    if (this.closings.size > 0) await Promise.race(this.closings);
    else await new Promise<void>((resolve) => this.freed.push(resolve));
  }

  /** Ends an entry as soon as its plans are finished. */
  private leave(entry: PoolEntry): void {
    if (entry.leaving) return;
    entry.leaving = true;
    this.departing.add(entry);
    if (entry.busy === 0) this.free(entry);
  }

  private free(entry: PoolEntry): void {
    if (this.entries.get(entry.folder) === entry) this.entries.delete(entry.folder);
    const closing = entry.loaded.planner
      .close()
      .catch((error: Error) => this.options.logger?.warn({ err: error }, 'checkpoint did not close'))
      .then(() => {
        this.held -= entry.loaded.bytes;
        this.departing.delete(entry);
        this.closings.delete(closing);
        this.options.onChange();
      });
    this.closings.add(closing);
  }
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e9 ? 3 : 1)} GB`;
}
