import { access, constants, type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, makeFolder } from '../../base/index.ts';
import { createLogger, type Logger } from '../log.ts';
import type { MessageObserver } from '../server/index.ts';
import { EXTENSION, encodeHead, preamble, type RecordKind } from './recordingFormat.ts';

export interface SessionRecorderOptions {
  /** Bytes that may wait for the disk; what comes beyond them is left out, and the recording says so. */
  readonly maxQueuedBytes?: number;
  readonly logger?: Logger;
  /** Something that came is not on the disk: a message, a whole file, or all from now on. */
  readonly onLost?: (what: 'message' | 'file' | 'all') => void;
  /** Opens the file of one session, to append to. */
  readonly openFile?: (path: string) => Promise<FileHandle>;
}

/** One session's file. A session that is resumed goes on in the file where it left off. */
interface SessionFile {
  readonly path: string;
  /** performance.now() when the session first opened. */
  readonly since: number;
  handle: FileHandle | undefined;
  begun: boolean;
  /** Bytes of whole records on the disk. */
  bytes: number;
  /** It has no closing mark yet. */
  open: boolean;
  /** A write failed; nothing more is written, so that what stands there stays readable. */
  broken: boolean;
  /** Left out since the last record, for want of room in the queue. */
  missing: { frames: number; bytes: number };
}

interface Write {
  readonly file: SessionFile;
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  readonly last: boolean;
}

/** Sessions that ended and may still be resumed into the same file. */
const REMEMBERED = 1000;

/**
 * Records what comes and goes, one file per session in `folder`. A message is only put into a queue while the server
 * handles it; one loop writes the queue to the disk. A disk that is full or too slow costs recordings, never the
 * server: the first ends all recording, with whole records and no closing mark; the second shows as a gap.
 */
export class SessionRecorder implements MessageObserver {
  /** Messages left out, and files given up. */
  readonly lost = { frames: 0, files: 0 };
  /** The disk is full. */
  private full = false;
  private readonly onLost: SessionRecorderOptions['onLost'];
  private readonly sessions = new Map<string, SessionFile>();
  private readonly queue: Write[] = [];
  private queuedBytes = 0;
  private writing: Promise<void> | undefined;
  private readonly maxQueuedBytes: number;
  private readonly log: Logger;
  private readonly openFile: (path: string) => Promise<FileHandle>;

  private constructor(
    private readonly folder: string,
    options: SessionRecorderOptions,
  ) {
    this.maxQueuedBytes = options.maxQueuedBytes ?? 256 << 20;
    this.log = options.logger ?? createLogger('silent');
    this.onLost = options.onLost;
    this.openFile = options.openFile ?? ((path) => open(path, 'a'));
  }

  /** @throws InputError for a folder that cannot be made or written to */
  static async open(folder: string, options: SessionRecorderOptions = {}): Promise<SessionRecorder> {
    try {
      await makeFolder(folder);
      await access(folder, constants.W_OK);
    } catch (error) {
      throw new InputError(folder, `no recording can be written there (${(error as NodeJS.ErrnoException).code}).`);
    }
    return new SessionRecorder(folder, options);
  }

  onOpen(sessionId: string, query: Readonly<Record<string, string>> = {}): void {
    if (this.full) return;
    let file = this.sessions.get(sessionId);
    if (!file) {
      const opened = new Date();
      const stamp = opened.toISOString().replace(/[-:.]/g, '');
      const path = join(this.folder, `${stamp}-${sessionId.replace(/[^\w-]/g, '_').slice(0, 80)}${EXTENSION}`);
      const missing = { frames: 0, bytes: 0 };
      const state = { handle: undefined, begun: false, bytes: 0, open: true, broken: false, missing };
      file = { path, since: performance.now(), ...state };
      this.sessions.set(sessionId, file);
      this.forgetOldest();
    }
    file.open = true;
    this.json(file, 'open', { session: sessionId, opened: new Date().toISOString(), query });
  }

  onReceive(sessionId: string, bytes: Uint8Array, timeMs: number, isBinary: boolean): void {
    void timeMs;
    this.message(sessionId, isBinary ? 'received' : 'received text', bytes);
  }

  onSend(sessionId: string, bytes: Uint8Array, timeMs: number, isBinary: boolean): void {
    void timeMs;
    this.message(sessionId, isBinary ? 'sent' : 'sent text', bytes);
  }

  onClose(sessionId: string): void {
    const file = this.sessions.get(sessionId);
    if (file) this.end(file);
  }

  /** Settles when all that came so far is on its way to the disk. */
  async flush(): Promise<void> {
    while (this.writing) await this.writing;
  }

  async close(): Promise<void> {
    for (const file of this.sessions.values()) this.end(file);
    await this.flush();
    for (const file of this.sessions.values()) await release(file);
    this.sessions.clear();
  }

  private end(file: SessionFile): void {
    if (file.open) this.json(file, 'close', {}, true);
    file.open = false;
  }

  private message(sessionId: string, kind: RecordKind, bytes: Uint8Array): void {
    const file = this.sessions.get(sessionId);
    if (!file || file.broken) return;
    if (this.queuedBytes + bytes.byteLength > this.maxQueuedBytes) {
      if (file.missing.frames === 0)
        this.log.warn({ file: file.path }, 'the disk is too slow: messages are left out of the recording');
      file.missing.frames++;
      file.missing.bytes += bytes.byteLength;
      this.lost.frames++;
      this.onLost?.('message');
      return;
    }
    this.put(file, kind, Uint8Array.from(bytes)); // their memory is used again
  }

  private json(file: SessionFile, kind: RecordKind, value: object, last = false): void {
    this.put(file, kind, Buffer.from(JSON.stringify(value)), last);
  }

  private put(file: SessionFile, kind: RecordKind, payload: Uint8Array, last = false): void {
    const ms = performance.now() - file.since;
    const parts: Uint8Array[] = [];
    if (file.missing.frames > 0) {
      const gap = Buffer.from(JSON.stringify(file.missing));
      parts.push(encodeHead('gap', gap, ms), gap);
      file.missing = { frames: 0, bytes: 0 };
    }
    parts.push(encodeHead(kind, payload, ms), payload);
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
    this.queue.push({ file, parts, bytes, last });
    this.queuedBytes += bytes;
    this.writing ??= this.write();
  }

  /** Writes until the queue is empty: all that waits for one file in one call. */
  private async write(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0, 256);
      const byFile = new Map<SessionFile, Write[]>();
      for (const write of batch) byFile.set(write.file, [...(byFile.get(write.file) ?? []), write]);
      for (const [file, writes] of byFile) {
        await this.append(file, writes);
        for (const { bytes } of writes) this.queuedBytes -= bytes;
      }
    }
    this.writing = undefined;
  }

  private async append(file: SessionFile, writes: readonly Write[]): Promise<void> {
    if (file.broken || this.full) return;
    try {
      file.handle ??= await this.openFile(file.path);
      const parts = writes.flatMap((write) => write.parts);
      const all = file.begun ? parts : [preamble(), ...parts];
      await writeAll(file.handle, all);
      file.begun = true;
      file.bytes += all.reduce((sum, { byteLength }) => sum + byteLength, 0);
      if (writes.at(-1)?.last) await release(file);
    } catch (error) {
      await this.giveUp(file, error as NodeJS.ErrnoException);
    }
  }

  /** What stands of the file stays, in whole records; a file with none goes. A full disk ends all recording. */
  private async giveUp(file: SessionFile, error: NodeJS.ErrnoException): Promise<void> {
    file.broken = true;
    this.lost.files++;
    this.onLost?.('file');
    await file.handle?.truncate(file.bytes).catch(() => undefined);
    await release(file);
    if (!file.begun) await rm(file.path, { force: true }).catch(() => undefined);
    if (this.full || !['ENOSPC', 'EDQUOT'].includes(error.code ?? '')) {
      this.log.error({ err: error, file: file.path }, 'the recording of a session ends here: it cannot be written');
      return;
    }
    this.full = true;
    this.onLost?.('all');
    this.log.error(
      { code: error.code, folder: this.folder },
      'the disk is full: nothing more is recorded; serving goes on',
    );
    for (const other of this.sessions.values()) await release(other);
  }

  private forgetOldest(): void {
    if (this.sessions.size <= REMEMBERED) return;
    for (const [id, file] of this.sessions)
      if (!file.handle && file.begun) {
        this.sessions.delete(id);
        return;
      }
  }
}

/** All of the parts: a disk may take some of the bytes only. */
async function writeAll(handle: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let rest = parts.filter((part) => part.byteLength > 0);
  while (rest.length > 0) {
    let { bytesWritten } = await handle.writev(rest.slice(0, 512));
    if (bytesWritten === 0) throw new Error('the disk takes no more bytes.');
    const after: Uint8Array[] = [];
    for (const part of rest) {
      const taken = Math.min(bytesWritten, part.byteLength);
      bytesWritten -= taken;
      if (taken < part.byteLength) after.push(part.subarray(taken));
    }
    rest = after;
  }
}

async function release(file: SessionFile): Promise<void> {
  const { handle } = file;
  file.handle = undefined;
  await handle?.close().catch(() => undefined);
}
