import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, ValetError } from '../../base/index.ts';
import type { PlanRequest, Prediction } from '../../robot/index.ts';
import type { Logger } from '../log.ts';
import type { Urgency, UrgentPlanner } from './batch.ts';

/** A checkpoint in memory. */
export interface LoadedCheckpoint {
  readonly planner: UrgentPlanner;
  /** What it takes in memory, estimated. */
  readonly bytes: number;
  /** Whether it can make plans now. */
  readonly isUp: boolean;
}

/** Opens a checkpoint folder; calls `admit` with its size before it takes the memory, and goes on when that resolves. */
export type LoadCheckpoint = (folder: string, admit: (bytes: number) => Promise<void>) => Promise<LoadedCheckpoint>;

export interface CheckpointPoolOptions {
  /** Bytes that all checkpoints together may take. */
  readonly memoryBytes?: number;
  /** How often folders are looked at for a change; 0 = never. */
  readonly reloadMs?: number;
  /** Tries a newly loaded checkpoint before it takes over. */
  readonly trial?: (planner: UrgentPlanner, folder: string) => Promise<void>;
  readonly logger?: Logger;
  readonly onChange?: (pool: { readonly count: number; readonly bytes: number }) => void;
  readonly onLoad?: (how: 'first' | 'again' | 'failed') => void;
}

interface Entry {
  readonly folder: string;
  readonly loaded: LoadedCheckpoint;
  /** What the folder looked like when it was loaded. */
  readonly fingerprint: string | undefined;
  lastUse: number;
  /** Plans under way or waiting. */
  busy: number;
  leaving: boolean;
}

/**
 * The checkpoints that are in memory, up to a number of bytes: one that is asked for is loaded, and the least recently used ones make room, each when
 * its plans are finished. A folder that changes is loaded again beside the old one, which serves on until the new one can plan; a folder that is deleted
 * or spoilt serves on as it was loaded.
 */
export class CheckpointPool {
  private readonly entries = new Map<string, Entry>();
  private readonly loading = new Map<string, Promise<Entry>>();
  /** Loads and reloads, one at a time: what fits is decided by one at a time. */
  private turn: Promise<unknown> = Promise.resolve();
  private readonly closings = new Set<Promise<void>>();
  /** Entries that finish their last plans or are being closed; their memory is still taken. */
  private readonly departing = new Set<Entry>();
  /** What a folder looked like in the last look, and at the last failure. */
  private readonly seen = new Map<string, string>();
  private readonly failed = new Map<string, string>();
  private clock = 0;
  private readonly timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private closed = false;
  private freed: (() => void)[] = [];

  constructor(
    private readonly load: LoadCheckpoint,
    private readonly options: CheckpointPoolOptions = {},
  ) {
    const { reloadMs = 0 } = options;
    if (reloadMs <= 0) return;
    this.timer = setInterval(() => void this.look(), reloadMs);
    this.timer.unref();
  }

  /** Bytes of what is in memory, what is leaving included. */
  get bytes(): number {
    return this.held;
  }
  private held = 0;

  get folders(): string[] {
    return [...this.entries.keys()];
  }

  /** Whether plans can be made now: by some checkpoint, because one that is spoilt must not keep the robots of the others out. */
  get isUp(): boolean {
    return !this.closed && [...this.entries.values()].some(({ loaded }) => loaded.isUp);
  }

  /** Brings a folder into memory. @throws what is wrong with it, InputError for a folder that is no checkpoint */
  async open(folder: string): Promise<void> {
    await this.entry(folder);
  }

  /**
   * The planner of a folder, loaded when this resolves. It stays good for ever: should the checkpoint have to leave, its next plan loads it again.
   * @throws ValetError when it cannot be loaded
   */
  async planner(folder: string): Promise<UrgentPlanner> {
    const { loaded } = await this.served(folder);
    const { imageSize, robot } = loaded.planner;
    return {
      imageSize,
      robot,
      plan: (requests, urgency) => this.plan(folder, requests, urgency),
      close: async () => undefined,
    };
  }

  /** Loads folders until the memory is full. Returns those that did not fit. */
  async preload(folders: Iterable<string>): Promise<string[]> {
    const left: string[] = [];
    for (const folder of new Set(folders)) {
      if (this.entries.has(folder)) continue;
      try {
        await this.enter(folder, false);
      } catch (error) {
        if (!(error instanceof NoRoom)) throw error;
        left.push(folder);
      }
    }
    return left;
  }

  /** Finishes the plans under way and frees everything. */
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.turn.catch(() => undefined);
    for (const entry of this.entries.values()) this.leave(entry);
    await Promise.all(this.closings);
  }

  private async plan(
    folder: string,
    requests: readonly PlanRequest[],
    urgency: Urgency | undefined,
  ): Promise<Prediction[]> {
    const entry = await this.served(folder);
    entry.busy++;
    entry.lastUse = ++this.clock;
    try {
      return await entry.loaded.planner.plan(requests, urgency);
    } finally {
      entry.busy--;
      if (entry.busy === 0) {
        if (entry.leaving) this.free(entry);
        for (const wake of this.freed.splice(0)) wake();
      }
    }
  }

  private async entry(folder: string): Promise<Entry> {
    return this.entries.get(folder) ?? this.enter(folder, true);
  }

  /** The entry for a client, who did nothing wrong when it cannot be had. */
  private served(folder: string): Promise<Entry> {
    return this.entry(folder).catch((error: Error) => {
      throw new ValetError('checkpoint', `cannot be loaded (${error.message})`, 'failure', { cause: error });
    });
  }

  private enter(folder: string, makeRoom: boolean): Promise<Entry> {
    let loading = this.loading.get(folder);
    if (!loading) {
      loading = this.inTurn(() => this.bring(folder, makeRoom)).finally(() => this.loading.delete(folder));
      this.loading.set(folder, loading);
    }
    return loading;
  }

  private inTurn<T>(what: () => Promise<T>): Promise<T> {
    const result = this.turn.then(what);
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async bring(folder: string, makeRoom: boolean, replaced?: Entry): Promise<Entry> {
    const { logger, onLoad } = this.options;
    if (this.closed) throw new ValetError('checkpoints', 'the server shuts down.');
    const started = performance.now();
    const fingerprint = await fingerprintOf(folder);
    let reserved = 0;
    let loaded: LoadedCheckpoint | undefined;
    try {
      loaded = await this.load(folder, async (bytes) => {
        await this.room(bytes, makeRoom, replaced, folder);
        reserved = bytes;
        this.held += bytes;
      });
      this.held += loaded.bytes - reserved;
      reserved = loaded.bytes;
      if (replaced) await this.options.trial?.(loaded.planner, folder);
      const entry: Entry = { folder, loaded, fingerprint, lastUse: ++this.clock, busy: 0, leaving: false };
      const old = this.entries.get(folder);
      this.entries.set(folder, entry);
      if (old) this.leave(old);
      onLoad?.(replaced ? 'again' : 'first');
      this.changed();
      logger?.info(
        { folder, bytes: loaded.bytes, ms: Math.round(performance.now() - started), again: !!replaced },
        'checkpoint loaded',
      );
      return entry;
    } catch (error) {
      await loaded?.planner.close();
      this.held -= reserved;
      if (!(error instanceof NoRoom)) onLoad?.('failed');
      throw error;
    }
  }

  /** Waits until `bytes` more fit, sending away what was not used for longest. */
  private async room(bytes: number, makeRoom: boolean, replaced: Entry | undefined, folder: string): Promise<void> {
    const { memoryBytes = Number.POSITIVE_INFINITY } = this.options;
    if (bytes > memoryBytes)
      throw new NoRoom(
        folder,
        `takes about ${gigabytes(bytes)} of memory (allowed: ${gigabytes(memoryBytes)}). Raise --memory, lower --batch or --workers, or import it as int8.`,
      );
    while (this.held + bytes > memoryBytes) {
      if (!makeRoom) throw new NoRoom(folder, 'does not fit beside the others.');
      const leaving = [...this.departing].reduce((sum, { loaded }) => sum + loaded.bytes, 0);
      if (this.held - leaving + bytes <= memoryBytes) {
        await this.oneLess();
        continue;
      }
      const oldest = [...this.entries.values()]
        .filter((entry) => entry !== replaced)
        .sort((a, b) => Number(a.busy > 0) - Number(b.busy > 0) || a.lastUse - b.lastUse)[0];
      if (oldest) {
        this.entries.delete(oldest.folder);
        this.options.logger?.info({ folder: oldest.folder, for: folder }, 'checkpoint makes room');
        this.leave(oldest);
      } else if (replaced && this.entries.get(folder) === replaced) {
        // There is no room for both: plans wait until the new one is there.
        this.entries.delete(folder);
        this.leave(replaced);
      } else await this.oneLess();
    }
  }

  /** Settles when something that leaves has gone, or finished a plan. */
  private async oneLess(): Promise<void> {
    if (this.closings.size > 0) await Promise.race(this.closings);
    else await new Promise<void>((resolve) => this.freed.push(resolve));
  }

  /** Ends an entry as soon as its plans are finished. */
  private leave(entry: Entry): void {
    if (entry.leaving) return;
    entry.leaving = true;
    this.departing.add(entry);
    if (entry.busy === 0) this.free(entry);
  }

  private free(entry: Entry): void {
    if (this.entries.get(entry.folder) === entry) this.entries.delete(entry.folder);
    const closing = entry.loaded.planner
      .close()
      .catch((error: Error) => this.options.logger?.warn({ err: error }, 'checkpoint did not close'))
      .then(() => {
        this.held -= entry.loaded.bytes;
        this.departing.delete(entry);
        this.closings.delete(closing);
        this.changed();
      });
    this.closings.add(closing);
  }

  private changed(): void {
    this.options.onChange?.({ count: this.entries.size, bytes: this.held });
  }

  /** Looks for folders that changed since they were loaded and have come to rest. */
  look(): Promise<void> {
    this.looking ??= this.lookOnce().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private async lookOnce(): Promise<void> {
    for (const entry of [...this.entries.values()]) {
      const now = await fingerprintOf(entry.folder);
      if (now === undefined || now === entry.fingerprint || now === this.failed.get(entry.folder)) continue;
      const atRest = this.seen.get(entry.folder) === now;
      this.seen.set(entry.folder, now);
      if (!atRest || this.closed) continue;
      try {
        await this.inTurn(async () => {
          if (this.entries.get(entry.folder) === entry) await this.bring(entry.folder, true, entry);
        });
      } catch (error) {
        this.failed.set(entry.folder, now);
        this.options.logger?.error({ err: error, folder: entry.folder }, 'the changed checkpoint is not used');
      }
    }
  }
}

/** A checkpoint for which there is no memory. */
class NoRoom extends InputError {}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e9 ? 3 : 1)} GB`;
}

/** Names, sizes and times of all files of a folder; undefined when it cannot be read. */
async function fingerprintOf(folder: string): Promise<string | undefined> {
  try {
    const root = await realpath(folder);
    const names = (await readdir(root, { recursive: true })).sort();
    const parts = await Promise.all(
      names.slice(0, 1000).map(async (name) => {
        const { size, mtimeMs, ino } = await stat(join(root, name));
        return `${name}:${size}:${mtimeMs}:${ino}`;
      }),
    );
    return parts.some((part) => part.startsWith('config.json:')) ? [root, ...parts].join('\n') : undefined;
  } catch {
    return undefined;
  }
}
