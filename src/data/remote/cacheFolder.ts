import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { threadId } from 'node:worker_threads';
import { type FolderLock, InputError, isAlive, LockedError, lockFolder, makeFolder } from '../../base/index.ts';

/** So many threads, of all processes together, may add files at once without passing the limit. */
const THREADS = 32;
/** Shares of the limit: from here on files are removed, down to there. */
const FULL = 0.95;
const CLEARED = 0.75;

/**
 * A folder of files that may be removed, the least recently used first, so that all together stay within a limit. What
 * is in use, by any thread of any process of this machine, stays. The times of use are the files' times of access.
 */
export class CacheFolder {
  private uses = 0;
  /** What this thread may add before it looks again. */
  private room = 0;

  /** @param dir its files lie in `dir/sets` @param limit bytes @param option how a person allows more */
  constructor(
    readonly dir: string,
    readonly limit: number,
    private readonly option: string,
  ) {}

  /** Keeps files until the returned function is called; they need not be there yet. */
  async use(paths: readonly string[]): Promise<() => Promise<void>> {
    const uses = join(this.dir, 'uses');
    await makeFolder(uses);
    const mark = join(uses, `${process.pid}-${threadId}-${this.uses++}`);
    await writeFile(mark, paths.map((path) => `${relative(this.dir, path)}\n`).join(''));
    // Who is removing files now may have looked before the mark was there.
    if (existsSync(join(this.dir, '.sets.lock'))) await (await lockWhenFree(join(this.dir, 'sets'))).release();
    return () => rm(mark, { force: true });
  }

  /**
   * Removes what is used least, until so many bytes more fit. Where all else is in use, the limit is passed.
   * @throws InputError for more than the limit
   */
  async makeRoom(bytes: number, what: string): Promise<void> {
    if (bytes > this.limit)
      throw new InputError(
        what,
        `has ${bytes} bytes, the cache ${this.dir} may take ${this.limit}. Allow more (${this.option}).`,
      );
    if (bytes <= this.room) {
      this.room -= bytes;
      return;
    }
    const lock = await lockWhenFree(join(this.dir, 'sets'));
    try {
      const files = await this.files();
      let sum = files.reduce((all, { size }) => all + size, 0);
      if (sum + bytes > FULL * this.limit) {
        const used = await this.inUse();
        // More than is needed at once, or every file would ask for another look.
        const goal = Math.min(this.limit - bytes, CLEARED * this.limit);
        for (const { path, size } of files.sort((a, b) => a.used - b.used)) {
          if (sum <= goal) break;
          if (used.has(relative(this.dir, path))) continue;
          await rm(path, { force: true });
          sum -= size;
        }
      }
      this.room = Math.max(0, (this.limit - sum - bytes) / THREADS);
    } finally {
      await lock.release();
    }
  }

  private async files(): Promise<{ path: string; size: number; used: number }[]> {
    const sets = join(this.dir, 'sets');
    await makeFolder(sets);
    const entries = await readdir(sets, { withFileTypes: true, recursive: true });
    const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.lock'));
    const found = [];
    for (const entry of files) {
      const path = join(entry.parentPath, entry.name);
      const its = await stat(path).catch(() => undefined);
      // Notes on files are small, and few of them are left without their file.
      if (its && !/[/\\]state[/\\]/.test(relative(sets, path))) found.push({ path, size: its.size, used: its.atimeMs });
    }
    return found;
  }

  /** The marks of processes that are gone are removed. */
  private async inUse(): Promise<Set<string>> {
    const uses = join(this.dir, 'uses');
    const used = new Set<string>();
    for (const name of await readdir(uses).catch(() => [])) {
      if (!isAlive(Number(name.split('-')[0]))) await rm(join(uses, name), { force: true });
      else for (const path of (await readFile(join(uses, name), 'utf8').catch(() => '')).split('\n')) used.add(path);
    }
    return used;
  }
}

/** Waits until nobody else holds a lock, or whoever does seems to be gone. @param isMoving whether there is progress */
export async function lockWhenFree(path: string, isMoving: () => Promise<boolean> = async () => true) {
  for (let ms = 5; ; ms = Math.min(200, 2 * ms)) {
    try {
      return (await lockFolder(path, 'valet')) satisfies FolderLock;
    } catch (error) {
      if (!(error instanceof LockedError) || !(await isMoving())) throw error;
    }
    await new Promise((wake) => setTimeout(wake, ms));
  }
}
