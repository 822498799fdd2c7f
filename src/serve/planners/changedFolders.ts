import { ValetError } from '../../base/index.ts';
import { UnusablePlanError } from '../../control/index.ts';
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

/** A folder that could not be loaded again. */
interface Failed {
  /** What it looked like. */
  readonly fingerprint: string;
  /** So many looks pass it over before the next try, of so many: twice as many after each failure. */
  left: number;
  readonly of: number;
}

/** Looks between two tries to load a folder with which nothing is wrong; at the usual 2 s, two minutes. */
const LONGEST_PAUSE = 64;

/**
 * Looks for checkpoint folders that changed since they were loaded and have come to rest, and has them loaded again.
 * One that is spoilt is not tried again before it changes; where something else failed, it is, after longer and longer
 * pauses.
 */
export class ChangedFolders {
  /** What a folder looked like in the last look. */
  private readonly seen = new Map<string, string>();
  private readonly failed = new Map<string, Failed>();
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
      if (now === undefined || now === entry.fingerprint || this.passesOver(folder, now)) continue;
      const atRest = this.seen.get(folder) === now;
      this.seen.set(folder, now);
      if (!atRest || this.closed) continue;
      try {
        await reload(entry);
        this.failed.delete(folder);
      } catch (error) {
        if (this.closed) return;
        this.remember(folder, now, error);
        logger?.error({ err: error, folder }, 'the changed checkpoint is not used');
      }
    }
  }

  private passesOver(folder: string, now: string): boolean {
    const failed = this.failed.get(folder);
    return failed?.fingerprint === now && failed.left-- > 0;
  }

  private remember(folder: string, fingerprint: string, error: unknown): void {
    const before = this.failed.get(folder);
    const spoilt = error instanceof UnusablePlanError || (error instanceof ValetError && error.kind === 'input');
    const longer = before?.fingerprint === fingerprint ? Math.min(LONGEST_PAUSE, 2 * before.of) : 1;
    const of = spoilt ? Number.POSITIVE_INFINITY : longer;
    this.failed.set(folder, { fingerprint, left: of, of });
  }
}
