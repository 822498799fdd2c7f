import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { InputError } from '../../base/index.ts';
import { decodeHead, EXTENSION, headBytes, PREAMBLE_BYTES, type RecordHead, readPreamble } from './recordingFormat.ts';

/** Messages are checked in pieces of this size. */
const PIECE_BYTES = 1 << 20;

export interface RecordedEvent extends RecordHead {
  /** Where the payload begins in the file. */
  readonly offset: number;
}

/**
 * The recordings at `path`, a file or a folder of them, in the order of their names: that in which the sessions opened.
 * @throws InputError when there is none
 */
export async function listRecordings(path: string): Promise<string[]> {
  const what = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(path, `cannot be read (${error.code}). Expected a folder that valet serve --record wrote.`);
  });
  if (what.isFile()) return [path];
  const names = (await readdir(path)).filter((name) => name.endsWith(EXTENSION)).sort();
  if (names.length === 0)
    throw new InputError(
      path,
      `holds no recording (*${EXTENSION}). Expected a folder that valet serve --record wrote.`,
    );
  return names.map((name) => join(path, name));
}

/**
 * One session on disk. It is checked at once, each message read when it is asked for: a recording may be larger than
 * the memory.
 */
export class SessionRecording {
  private constructor(
    readonly path: string,
    readonly session: string,
    /** When the session opened, ISO 8601. */
    readonly opened: string,
    readonly query: Readonly<Record<string, string>>,
    readonly events: readonly RecordedEvent[],
    /** Why the events are not all that happened: the file is cut off or damaged, or messages were left out. */
    readonly incomplete: string | undefined,
    private readonly handle: FileHandle,
  ) {}

  /**
   * Reads it up to the first damage or gap, messages included: each has its checksum. A file that is cut off (a server
   * killed while writing, a full disk), be it between two records, is read up to there.
   * @throws InputError for a file that is no recording, or holds no session
   */
  static async open(path: string): Promise<SessionRecording> {
    const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
      throw new InputError(path, `cannot be read (${error.code}).`);
    });
    try {
      const { events, incomplete } = await readIndex(handle, path);
      const [first] = events;
      if (first?.kind !== 'open') throw new InputError(path, 'does not begin with the opening of a session.');
      const about = readJsonPayload(await readAt(handle, first.offset, first.nbytes), path);
      const text = (value: unknown) => (typeof value === 'string' ? value : '');
      const query = about['query'] && typeof about['query'] === 'object' ? about['query'] : {};
      return new SessionRecording(
        path,
        text(about['session']),
        text(about['opened']),
        query as Record<string, string>,
        events,
        incomplete,
        handle,
      );
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The bytes of one message, as they stood on the wire. */
  payload({ offset, nbytes }: RecordedEvent): Promise<Buffer> {
    return readAt(this.handle, offset, nbytes);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

export interface OpenedRecordings {
  readonly recordings: readonly SessionRecording[];
  /** Files that hold no session that can be read, and why. */
  readonly unreadable: readonly string[];
}

/**
 * The recordings at `path`, a file or a folder of them, opened; one that cannot be read costs no other.
 * @throws InputError when none can be read
 */
export async function openRecordings(path: string): Promise<OpenedRecordings> {
  const recordings: SessionRecording[] = [];
  const unreadable: string[] = [];
  let first: unknown;
  for (const file of await listRecordings(path))
    try {
      recordings.push(await SessionRecording.open(file));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      first ??= error;
      unreadable.push(error.message);
    }
  if (recordings.length === 0) throw first;
  return { recordings, unreadable };
}

async function readIndex(handle: FileHandle, path: string) {
  const { size } = await handle.stat();
  const head = headBytes(readPreamble(await readAt(handle, 0, Math.min(size, PREAMBLE_BYTES)), path));
  const events: RecordedEvent[] = [];
  let incomplete: string | undefined;
  for (let at = PREAMBLE_BYTES; at < size && incomplete === undefined; ) {
    const record = size - at < head ? 'cut off' : decodeHead(await readAt(handle, at, head));
    const offset = at + head;
    if (record === undefined) incomplete = `damaged at byte ${at}`;
    else if (record === 'cut off' || offset + record.nbytes > size) incomplete = `cut off at byte ${at}`;
    else if (!(await isWhole(handle, { ...record, offset }))) incomplete = `a message is damaged at byte ${offset}`;
    else if (record.kind === 'gap') incomplete = `messages are missing after ${Math.round(record.ms)} ms`;
    else {
      events.push({ ...record, offset });
      at = offset + record.nbytes;
    }
  }
  const last = events.at(-1);
  if (last && last.kind !== 'close') incomplete ??= `it has no end: nothing is there after ${Math.round(last.ms)} ms`;
  return { events, incomplete };
}

async function isWhole(handle: FileHandle, { offset, nbytes, crc }: RecordedEvent): Promise<boolean> {
  if (crc === undefined) return true;
  let sum = 0;
  for (let at = 0; at < nbytes; at += PIECE_BYTES)
    sum = crc32(await readAt(handle, offset + at, Math.min(PIECE_BYTES, nbytes - at)), sum);
  return sum === crc;
}

async function readAt(handle: FileHandle, offset: number, nbytes: number): Promise<Buffer> {
  const bytes = Buffer.alloc(nbytes);
  for (let at = 0; at < nbytes; ) {
    const { bytesRead } = await handle.read(bytes, at, nbytes - at, offset + at);
    if (bytesRead === 0) throw new InputError('recording', `ends at byte ${offset + at}, in the middle of a record.`);
    at += bytesRead;
  }
  return bytes;
}

function readJsonPayload(bytes: Buffer, where: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (value && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new InputError(where, 'the opening of the session is damaged.');
}
