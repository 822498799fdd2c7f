import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../base/index.ts';
import {
  checkPreamble,
  decodeHead,
  EXTENSION,
  HEAD_BYTES,
  PREAMBLE_BYTES,
  type RecordHead,
} from './recordingFormat.ts';

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
 * One session on disk. The index is read at once, each message when it is asked for: a recording may be larger than the
 * memory.
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
   * Reads the index up to the first damage or gap; a file cut off in the middle of a record (a server killed while
   * writing) is read up to there.
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

async function readIndex(handle: FileHandle, path: string) {
  const { size } = await handle.stat();
  checkPreamble(await readAt(handle, 0, Math.min(size, PREAMBLE_BYTES)), path);
  const events: RecordedEvent[] = [];
  let incomplete: string | undefined;
  for (let at = PREAMBLE_BYTES; at < size && incomplete === undefined; ) {
    const head = size - at < HEAD_BYTES ? 'cut off' : decodeHead(await readAt(handle, at, HEAD_BYTES));
    if (head === undefined) incomplete = `damaged at byte ${at}`;
    else if (head === 'cut off' || at + HEAD_BYTES + head.nbytes > size) incomplete = `cut off at byte ${at}`;
    else if (head.kind === 'gap') incomplete = `messages are missing after ${Math.round(head.ms)} ms`;
    else {
      events.push({ ...head, offset: at + HEAD_BYTES });
      at += HEAD_BYTES + head.nbytes;
    }
  }
  return { events, incomplete };
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
