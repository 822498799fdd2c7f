import type { Logger } from '../log.ts';
import { folderFingerprint } from './folderFingerprint.ts';
import type { PoolEntry } from './loadedCheckpoint.ts';

export interface ChangedFoldersOptions {
  /** How often folders are looked at for a change; 0 = only when `look` is called. */
  readonly everyMs: number;
  readonly entries: () => readonly PoolEntry[];
  /** Loads a folder again. */
  readonly reload: (entry: PoolEntry) => Promise<void>;
  readonly logger?: Logger | undefined;
}

/**
 * Looks for checkpoint folders that changed since they were loaded and have come to rest, and has them loaded again.
 */
export class ChangedFolders {
  /** What a folder looked like in the last look, and at the last failure. */
  private readonly seen = new Map<string, string>();
  private readonly failed = new Map<string, string>();
  private readonly timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private closed = false;

  constructor(private readonly options: ChangedFoldersOptions) {
    if (options.everyMs <= 0) return;
    this.timer = setInterval(() => void this.look(), options.everyMs);
    this.timer.unref();
  }

  look(): Promise<void> {
    this.looking ??= this.lookOnce().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  close(): void {
    this.closed = true;
    clearInterval(this.timer);
  }

  private async lookOnce(): Promise<void> {
    const { entries, reload, logger } = this.options;
    for (const entry of entries()) {
      const { folder } = entry;
      const now = await folderFingerprint(folder);
      if (now === undefined || now === entry.fingerprint || now === this.failed.get(folder)) continue;
      const atRest = this.seen.get(folder) === now;
      this.seen.set(folder, now);
      if (!atRest || this.closed) continue;
      try {
        await reload(entry);
      } catch (error) {
        this.failed.set(folder, now);
        logger?.error({ err: error, folder }, 'the changed checkpoint is not used');
      }
    }
  }
}
