import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { InputError, makeFolder, writeFileAside } from '../../base/index.ts';
import { addressOf, parseAddress } from './address.ts';
import { CacheFolder, lockWhenFree } from './cacheFolder.ts';
import { download, removePart } from './download.ts';
import { type FileVersion, isSameVersion, refusal, repeated, request, versionOf } from './request.ts';
import { authorization, type RemoteSettings, remoteSettings } from './settings.ts';
import { showAs } from './shownPlaces.ts';

/** What is known of a file of a server: its version, or that there is none. */
interface Known {
  readonly version: FileVersion | null;
  /** When that was so. */
  readonly comparedMs: number;
}

/** Files fetched at once, for each thread. */
const AT_ONCE = 8;
/** A lock whose file has not grown for so long is left to a person. */
const STUCK_MS = 5 * 60_000;
const PROCESS_START = Math.floor(Date.now() - 1000 * process.uptime());

/**
 * A folder on a server, of which files are fetched when they are needed and kept in a cache on disk. Each is compared
 * with the server's once a run, and fetched anew where that has another version.
 */
export class RemoteFolder {
  /** Where its files lie on this machine, under their own names. */
  readonly root: string;
  private readonly base: string;
  private readonly cache: CacheFolder;
  private readonly running = new Map<string, Promise<boolean>>();
  /** A file is of another version than in the run before. */
  private changed = false;
  private free = AT_ONCE;
  private readonly waiting: (() => void)[] = [];

  private constructor(
    readonly address: string,
    private readonly settings: RemoteSettings,
    private readonly headers: Readonly<Record<string, string>>,
    /** Files that were compared before this moment are compared again; milliseconds. */
    private compareSince: number,
  ) {
    const digest = createHash('sha256').update(address).digest('hex').slice(0, 16);
    this.base = join(settings.cacheDir, 'sets', digest);
    // Its last folder is called as at the server: maps of tasks may name it.
    this.root = join(this.base, basename(address) || 'set');
    this.cache = new CacheFolder(settings.cacheDir, settings.cacheBytes, 'VALET_DATA_CACHE=DIR:SIZE');
    showAs(this.root, address);
  }

  /** @throws InputError when the address, the environment or the token is wrong */
  static async open(
    text: string,
    { since = PROCESS_START, ...changes }: { readonly since?: number } & Partial<RemoteSettings> = {},
  ): Promise<RemoteFolder> {
    const address = parseAddress(text);
    const word = await authorization(address);
    const headers: Record<string, string> = word === undefined ? {} : { authorization: word };
    return new RemoteFolder(address, { ...remoteSettings(), ...changes }, headers, since);
  }

  /** Where it keeps files, in words. */
  get place(): string {
    return `${this.settings.cacheDir} (at most ${(this.settings.cacheBytes / 2 ** 30).toPrecision(3)} GiB)`;
  }

  /**
   * Has files here while `work` runs. @param paths below `root` @param options.optional those that the server lacks are
   * left out @throws InputError when the server has no such file, or UnreachableError
   */
  async using<T>(
    paths: readonly string[],
    work: () => Promise<T>,
    { optional = false }: { readonly optional?: boolean } = {},
  ): Promise<T> {
    const done = await this.use(paths, optional);
    try {
      return await work();
    } finally {
      await done();
    }
  }

  /** Files that were compared before this moment are compared again; milliseconds. */
  get since(): number {
    return this.compareSince;
  }

  /** Has those of the files that the server has here until the process ends. */
  async hold(paths: readonly string[]): Promise<void> {
    await this.use(paths, true);
  }

  /**
   * The same, compared now, also in a process that did so before; where one of them changed, so are all other files.
   */
  async holdNow(paths: readonly string[]): Promise<void> {
    const [now, before] = [Date.now(), this.compareSince];
    this.compareSince = now;
    await this.hold(paths);
    if (!this.changed) this.compareSince = before;
  }

  /** Those of the files that the server has; none is fetched. */
  async there(paths: readonly string[]): Promise<Set<string>> {
    const found = new Set<string>();
    await Promise.all(
      paths.map(async (path) => {
        if (await this.limited(() => this.isThere(this.name(path)))) found.add(path);
      }),
    );
    return found;
  }

  private async use(paths: readonly string[], optional: boolean): Promise<() => Promise<void>> {
    const unique = [...new Set(paths)];
    const done = await this.cache.use([...unique, ...unique.map((path) => this.partOf(this.name(path)))]);
    try {
      await Promise.all(
        unique.map(async (path) => {
          if ((await this.fetched(this.name(path))) || optional) return;
          throw new InputError(
            addressOf(this.address, this.name(path)),
            'the server has no such file (status 404). Choose what is there with --tasks or --episodes, or add ' +
              '--available to leave out what is missing.',
          );
        }),
      );
      return done;
    } catch (error) {
      await done();
      throw error;
    }
  }

  private name(path: string): string {
    return relative(this.root, path).split(sep).join('/');
  }

  private readonly fileOf = (name: string) => join(this.root, name);
  private readonly partOf = (name: string) => join(this.base, 'parts', name);
  private readonly stateOf = (name: string) => join(this.base, 'state', `${name}.json`);

  /** Has a file here; false where the server has none. Several that ask at the same time share one request. */
  private fetched(name: string): Promise<boolean> {
    const running = this.running.get(name);
    if (running) return running;
    const promise = this.limited(() => this.fetch(name)).finally(() => this.running.delete(name));
    this.running.set(name, promise);
    return promise;
  }

  private async limited<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((wake) => this.waiting.push(wake));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    }
  }

  private async fetch(name: string): Promise<boolean> {
    const fresh = await this.checked(name);
    if (fresh !== undefined) return fresh;
    const part = this.partOf(name);
    await makeFolder(dirname(part));
    const lock = await lockWhenFree(part, watchOf(part));
    try {
      // Another thread may have fetched it meanwhile.
      const now = await this.checked(name);
      if (now !== undefined) return now;
      const before = (await this.known(name))?.version;
      if (before && (await this.isWhole(name, before)) && (await this.isCurrent(name, before))) {
        await this.remember(name, before);
        return true;
      }
      const url = addressOf(this.address, name);
      const makeRoom = (bytes: number) => this.cache.makeRoom(bytes, url);
      const version = (await download({ url, headers: this.headers, part, settings: this.settings, makeRoom })) ?? null;
      if (before !== undefined && !(before && version && isSameVersion(before, version))) this.changed = true;
      if (version) {
        await makeFolder(dirname(this.fileOf(name)));
        // Fetched again, the same version has the same time.
        if (version.lastModified !== null) await utimes(part, new Date(), new Date(version.lastModified));
        await rename(part, this.fileOf(name));
      } else await rm(this.fileOf(name), { force: true });
      await removePart(part);
      await this.remember(name, version);
      return version !== null;
    } finally {
      await lock.release();
    }
  }

  /** Whether a file is there, of those that were compared in this run; undefined for others. */
  private async checked(name: string): Promise<boolean | undefined> {
    const known = await this.known(name);
    if (!known || known.comparedMs < this.compareSince) return undefined;
    if (!known.version) return false;
    if (!(await this.isWhole(name, known.version))) return undefined;
    const { mtime } = await stat(this.fileOf(name));
    await utimes(this.fileOf(name), new Date(), mtime);
    return true;
  }

  private async known(name: string): Promise<Known | undefined> {
    try {
      return JSON.parse(await readFile(this.stateOf(name), 'utf8')) as Known;
    } catch {
      return undefined;
    }
  }

  private async remember(name: string, version: FileVersion | null): Promise<void> {
    await writeFileAside(this.stateOf(name), JSON.stringify({ version, comparedMs: Date.now() } satisfies Known));
  }

  private async isWhole(name: string, { length }: FileVersion): Promise<boolean> {
    return (await stat(this.fileOf(name)).catch(() => undefined))?.size === length;
  }

  /** Whether the server still has the version that is here. */
  private async isCurrent(name: string, known: FileVersion): Promise<boolean> {
    const now = await this.ask(name, known);
    return now === 'same' || (now !== undefined && isSameVersion(known, now));
  }

  private async isThere(name: string): Promise<boolean> {
    const known = await this.known(name);
    if (known && known.comparedMs >= this.compareSince) return known.version !== null;
    if ((await this.ask(name)) !== undefined) return true;
    await rm(this.fileOf(name), { force: true });
    await this.remember(name, null);
    return false;
  }

  /** The version that the server has; undefined for none. No more than a byte is fetched. */
  private ask(name: string, known?: FileVersion): Promise<FileVersion | 'same' | undefined> {
    const url = addressOf(this.address, name);
    const { timeoutMs, retryMs } = this.settings;
    const condition = {
      ...(known?.etag && { 'if-none-match': known.etag }),
      ...(known?.lastModified && { 'if-modified-since': known.lastModified }),
    };
    return repeated(url, retryMs, async () => {
      const answer = await request(url, { ...this.headers, range: 'bytes=0-0', ...condition }, timeoutMs);
      answer.end();
      const { status } = answer;
      if (status === 304) return 'same';
      if (status === 206 || status === 200) return versionOf(answer);
      if (status === 416) return { ...versionOf(answer), length: versionOf(answer).length ?? 0 };
      refusal(url, answer);
      return undefined;
    });
  }
}

/** Whether a file grew or changed within the last minutes; asked again and again. */
function watchOf(path: string): () => Promise<boolean> {
  let [last, since] = ['', Date.now()];
  return async () => {
    const its = existsSync(path) ? await stat(path).catch(() => undefined) : undefined;
    const now = `${its?.size} ${its?.mtimeMs}`;
    if (now !== last) [last, since] = [now, Date.now()];
    return Date.now() - since < STUCK_MS;
  };
}
