import { type FileHandle, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InputError, makeFolder, systemError, ValetError } from '../../base/index.ts';
import {
  type Answer,
  type FileVersion,
  isSameVersion,
  PassingError,
  refusal,
  repeated,
  request,
  versionOf,
} from './request.ts';
import type { RemoteSettings } from './settings.ts';

/** A file that is to be fetched, and where. */
export interface Download {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Where it grows; a `.json` beside it says what version it is of. */
  readonly part: string;
  readonly settings: RemoteSettings;
  /** Called once with the length, when it is known and before anything is written. */
  readonly makeRoom: (bytes: number) => Promise<void>;
}

/** A file that keeps changing is given up after so many beginnings. */
const CHANGES = 4;

/**
 * Fetches a file in ranges into `part`. What another run left there is gone on with, if it is of the version that the
 * server has now; a server without ranges sends it whole.
 * @returns its version, or undefined where the server has no such file
 * @throws InputError where it is refused, ValetError when it changes all the time, UnreachableError when the server
 * does not answer
 */
export async function download(work: Download): Promise<FileVersion | undefined> {
  const { url, settings, part } = work;
  await makeFolder(dirname(part));
  const handle = await open(part, 'a+');
  const growing = new GrowingFile(work, handle);
  try {
    await growing.begin();
    const found = await repeated(url, settings.retryMs, async (progress) => {
      while (!growing.isWhole) {
        if ((await growing.more(progress)) === false) return false;
      }
      return true;
    });
    if (found) await handle.sync();
    return found ? growing.finished() : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') await removePart(part);
    throw systemError(error, { where: part }) ?? error;
  } finally {
    await handle.close();
  }
}

/** Removes what `download` leaves beside the file, and the file itself if it is still there. */
export async function removePart(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(`${part}.json`, { force: true });
}

class GrowingFile {
  private size = 0;
  private version: FileVersion | undefined;
  private ended = false;
  private changes = 0;

  constructor(
    private readonly work: Download,
    private readonly handle: FileHandle,
  ) {}

  get isWhole(): boolean {
    return this.ended || (this.version !== undefined && this.size === this.version.length);
  }

  finished(): FileVersion {
    const { etag = null, lastModified = null } = this.version ?? {};
    return { etag, lastModified, length: this.size };
  }

  /** Takes over what is there, where it can be told what it is of. */
  async begin(): Promise<void> {
    const { size } = await this.handle.stat();
    const text = await readFile(`${this.work.part}.json`, 'utf8').catch(() => '');
    try {
      this.version = JSON.parse(text) as FileVersion;
    } catch {
      this.version = undefined;
    }
    const known = this.version !== undefined && (this.version.etag ?? this.version.lastModified) !== null;
    if (known && size <= (this.version?.length ?? 0)) this.size = size;
    else {
      this.version = undefined;
      await this.cutTo(0);
    }
    // What is whole already may be of an older version than the server's.
    if (this.size > 0 && this.size === this.version?.length) await this.cutTo(this.size - 1);
  }

  /** Asks for the next range. @returns false where there is no such file */
  async more(progress: () => void): Promise<boolean> {
    const { url, headers, settings } = this.work;
    const last = this.size + settings.rangeBytes - 1;
    const answer = await request(
      url,
      { ...headers, range: `bytes=${this.size}-${last}`, ...this.condition() },
      settings.timeoutMs,
    );
    try {
      if (answer.status === 206) return await this.takeRange(answer, progress);
      if (answer.status === 200) return await this.takeWhole(answer);
      if (answer.status === 416) return await this.beyondEnd(answer);
    } finally {
      answer.end();
    }
    return refusal(url, answer);
  }

  /** Only a strong tag, or a time, may be asked for. */
  private condition(): { 'if-range'?: string } {
    if (this.size === 0 || !this.version) return {};
    const { etag, lastModified } = this.version;
    const strong = etag !== null && !etag.startsWith('W/') ? etag : lastModified;
    return strong === null ? {} : { 'if-range': strong };
  }

  private async takeRange(answer: Answer, progress: () => void): Promise<boolean> {
    const { url } = this.work;
    const said = answer.headers.get('content-range');
    const [, from, to, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(said ?? '') ?? [];
    if (total === undefined || (answer.headers.get('content-encoding') ?? 'identity') !== 'identity')
      throw new InputError(url, `the server sends a range that cannot be used (content-range ${said}).`);
    const version = versionOf(answer);
    if (!(await this.isStill(version))) return true;
    if (Number(from) !== this.size) throw new PassingError(`bytes from ${from} on (expected from ${this.size} on)`);
    await this.write(answer, Number(to) - Number(from) + 1, progress);
    return true;
  }

  private async takeWhole(answer: Answer): Promise<boolean> {
    const version = versionOf(answer);
    if (await this.isStill(version)) await this.cutTo(0);
    await this.write(answer, version.length ?? Number.POSITIVE_INFINITY, () => undefined);
    this.ended = true;
    return true;
  }

  /** An empty file has no first byte; of any other, the bytes that were asked for were there before. */
  private async beyondEnd(answer: Answer): Promise<boolean> {
    answer.end();
    const { length } = versionOf(answer);
    if (this.size > 0) await this.beginAnew({ etag: null, lastModified: null, length });
    else if (length !== 0) throw new PassingError('status 416');
    else this.ended = true;
    return true;
  }

  /** Whether an answer is of the version that was begun; if not, it begins anew. @throws ValetError after many */
  private async isStill(version: FileVersion): Promise<boolean> {
    if (this.version && isSameVersion(this.version, version)) return true;
    const hadSome = this.size > 0;
    await this.beginAnew(version);
    if (version.length !== null) await this.work.makeRoom(version.length);
    this.version = version;
    await writeFile(`${this.work.part}.json.tmp`, JSON.stringify(version));
    await rename(`${this.work.part}.json.tmp`, `${this.work.part}.json`);
    return !hadSome;
  }

  private async beginAnew(version: FileVersion): Promise<void> {
    const before = this.version;
    const hadSome = this.size > 0;
    await this.cutTo(0);
    this.version = undefined;
    if (!before || !hadSome || ++this.changes < CHANGES) return;
    throw new ValetError(
      this.work.url,
      `changes while it is read (got version ${nameOf(version)} after ${nameOf(before)}). Give the command again ` +
        'when its upload is over.',
    );
  }

  private async write(answer: Answer, length: number, progress: () => void): Promise<void> {
    let got = 0;
    for await (const bytes of answer.body) {
      const wanted = bytes.subarray(0, Math.min(bytes.length, length - got));
      await this.handle.appendFile(wanted);
      this.size += wanted.length;
      got += wanted.length;
      if (wanted.length > 0) progress();
      if (wanted.length < bytes.length) throw new PassingError('more bytes than announced');
    }
    if (got < length && length !== Number.POSITIVE_INFINITY)
      throw new PassingError(`an end after ${got} of ${length} bytes`);
  }

  private async cutTo(size: number): Promise<void> {
    await this.handle.truncate(size);
    this.size = size;
  }
}

const nameOf = ({ etag, lastModified, length }: FileVersion): string => etag ?? lastModified ?? `of ${length} bytes`;
