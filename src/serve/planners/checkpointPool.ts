import { ValetError } from '../../base/index.ts';
import type { Logger } from '../log.ts';
import { ChangedFolders } from './changedFolders.ts';
import { CheckpointMemory, NoRoomError } from './checkpointMemory.ts';
import { folderFingerprint } from './folderFingerprint.ts';
import type { LoadCheckpoint, LoadedCheckpoint, PoolEntry } from './loadedCheckpoint.ts';
import type { UrgentPlanner } from './urgentPlanner.ts';

export interface CheckpointPoolOptions {
  /** Bytes that all checkpoints together may take. */
  readonly memoryBytes?: number | undefined;
  /** How often folders are looked at for a change; 0 = never. */
  readonly reloadMs?: number | undefined;
  /** Tries a newly loaded checkpoint before it takes over; the signal gives it up. */
  readonly trial?: (planner: UrgentPlanner, folder: string, signal: AbortSignal) => Promise<void>;
  readonly logger?: Logger | undefined;
  readonly onChange?: (pool: { readonly count: number; readonly bytes: number }) => void;
  readonly onLoad?: (how: 'first' | 'again' | 'failed') => void;
  /** Hears what a folder looked like when it was loaded (`folderFingerprint`). */
  readonly onEntry?: (folder: string, fingerprint: string | undefined) => void;
}

/**
 * The checkpoints that are in memory, up to a number of bytes: one that is asked for is loaded, and the least recently
 * used ones make room, each when its plans are finished. A folder that changes is loaded again beside the old one,
 * which serves on until the new one can plan; a folder that is deleted or spoilt serves on as it was loaded.
 */
export class CheckpointPool {
  private readonly memory: CheckpointMemory;
  private readonly changes: ChangedFolders;
  private readonly loading = new Map<string, Promise<PoolEntry>>();
  /** Loads and reloads, one at a time: what fits is decided by one at a time. */
  private turn: Promise<unknown> = Promise.resolve();
  /** Aborted when the pool is closed: what is being loaded is given up. */
  private readonly closing = new AbortController();

  constructor(
    private readonly load: LoadCheckpoint,
    private readonly options: CheckpointPoolOptions = {},
  ) {
    const { reloadMs = 0, memoryBytes, logger, onChange } = options;
    const changed = () => onChange?.({ count: this.memory.entries.size, bytes: this.memory.bytes });
    this.memory = new CheckpointMemory({ memoryBytes, logger, onChange: changed });
    this.changes = new ChangedFolders({
      everyMs: reloadMs,
      logger,
      entries: () => [...this.memory.entries.values()],
      reload: (entry) =>
        this.inTurn(async () => {
          if (this.memory.entries.get(entry.folder) === entry) await this.bring(entry.folder, true, entry);
        }),
    });
  }

  /** Bytes of what is in memory, what is leaving included. */
  get bytes(): number {
    return this.memory.bytes;
  }

  private get closed(): boolean {
    return this.closing.signal.aborted;
  }

  get folders(): string[] {
    return [...this.memory.entries.keys()];
  }

  /**
   * Whether plans can be made now: by some checkpoint, because one that is spoilt must not keep the robots of the
   * others out.
   */
  get isUp(): boolean {
    return !this.closed && [...this.memory.entries.values()].some(({ loaded }) => loaded.isUp);
  }

  /** Brings a folder into memory. @throws what is wrong with it, InputError for a folder that is no checkpoint */
  async open(folder: string): Promise<void> {
    await this.entry(folder);
  }

  /**
   * The planner of a folder, loaded when this resolves. It stays good for ever: should the checkpoint have to leave,
   * its next plan loads it again.
   * @throws ValetError when it cannot be loaded
   */
  async planner(folder: string): Promise<UrgentPlanner> {
    const { loaded } = await this.served(folder);
    const { imageSize, robot } = loaded.planner;
    return {
      imageSize,
      robot,
      plan: async (requests, urgency) => {
        const entry = await this.served(folder);
        return this.memory.use(entry, () => entry.loaded.planner.plan(requests, urgency));
      },
      close: async () => undefined,
    };
  }

  /** Loads folders until the memory is full. Returns those that did not fit. */
  async preload(folders: Iterable<string>): Promise<string[]> {
    const left: string[] = [];
    for (const folder of new Set(folders)) {
      if (this.memory.entries.has(folder)) continue;
      try {
        await this.enter(folder, false);
      } catch (error) {
        if (!(error instanceof NoRoomError)) throw error;
        left.push(folder);
      }
    }
    return left;
  }

  /** Looks now for folders that changed since they were loaded and have come to rest. */
  look(): Promise<void> {
    return this.changes.look();
  }

  /** Finishes the plans under way, gives up what is being loaded, and frees everything. */
  async close(): Promise<void> {
    this.closing.abort();
    this.changes.close();
    await this.turn.catch(() => undefined);
    await this.memory.close();
  }

  private async entry(folder: string): Promise<PoolEntry> {
    return this.memory.entries.get(folder) ?? this.enter(folder, true);
  }

  /** The entry for a client, who did nothing wrong when it cannot be had. */
  private served(folder: string): Promise<PoolEntry> {
    return this.entry(folder).catch((error: Error) => {
      throw new ValetError('checkpoint', `cannot be loaded (${error.message})`, 'failure', { cause: error });
    });
  }

  private enter(folder: string, makeRoom: boolean): Promise<PoolEntry> {
    let loading = this.loading.get(folder);
    if (!loading) {
      // Until its turn, a reload may have brought it.
      const bring = async () => this.memory.entries.get(folder) ?? this.bring(folder, makeRoom);
      loading = this.inTurn(bring).finally(() => this.loading.delete(folder));
      this.loading.set(folder, loading);
    }
    return loading;
  }

  private inTurn<T>(what: () => Promise<T>): Promise<T> {
    const result = this.turn.then(what);
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async bring(folder: string, makeRoom: boolean, replaced?: PoolEntry): Promise<PoolEntry> {
    const { memory } = this;
    const { logger, onLoad, onEntry, trial } = this.options;
    const { signal } = this.closing;
    if (this.closed) throw new ValetError('checkpoints', 'the server shuts down.');
    const started = performance.now();
    const fingerprint = await folderFingerprint(folder);
    let reserved = 0;
    let loaded: LoadedCheckpoint | undefined;
    try {
      const admit = async (bytes: number) => {
        await memory.room(bytes, folder, makeRoom, replaced);
        reserved = bytes;
        memory.reserve(bytes);
      };
      loaded = await this.load(folder, admit, signal);
      memory.reserve(loaded.bytes - reserved);
      reserved = loaded.bytes;
      if (replaced) await trial?.(loaded.planner, folder, signal);
      const entry: PoolEntry = { folder, loaded, fingerprint, lastUse: memory.now(), busy: 0, leaving: false };
      memory.put(entry);
      onEntry?.(folder, fingerprint);
      onLoad?.(replaced ? 'again' : 'first');
      const ms = Math.round(performance.now() - started);
      logger?.info({ folder, bytes: loaded.bytes, ms, again: !!replaced }, 'checkpoint loaded');
      return entry;
    } catch (error) {
      await loaded?.planner.close();
      memory.reserve(-reserved);
      if (!(error instanceof NoRoomError)) onLoad?.('failed');
      throw error;
    }
  }
}
