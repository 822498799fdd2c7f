import { appendFile, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../base/index.ts';
import { packMessage } from '../../wire/index.ts';
import { listRecordings, openRecordings, SessionRecording } from './recordingReader.ts';
import { readScript } from './recordingScript.ts';
import { SessionRecorder } from './sessionRecorder.ts';

let folder: string;
const opened: SessionRecording[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-recording-'));
});
afterEach(async () => {
  for (const recording of opened.splice(0)) await recording.close();
  await rm(folder, { recursive: true });
});

async function read(path?: string): Promise<SessionRecording> {
  const recording = await SessionRecording.open(path ?? (await listRecordings(folder))[0]!);
  opened.push(recording);
  return recording;
}

const reset = packMessage({ reset: true });
const message = (i: number) => packMessage({ step: i, picture: new Uint8Array(100 + i).fill(i) });

/** A session of resets and messages, each message answered. */
async function record(recorder: SessionRecorder, id = 's1', count = 3): Promise<void> {
  recorder.onOpen(id, { seed: '7' });
  recorder.onSend(id, packMessage({ server: 'valet' }), 0, true);
  recorder.onReceive(id, reset, 0, true);
  for (let i = 0; i < count; i++) {
    const [came, went] = [message(i), packMessage({ reply: i })];
    recorder.onReceive(id, came, 0, true);
    recorder.onSend(id, went, 0, true);
    for (const bytes of [came, went]) bytes.fill(0); // the server uses their memory again
  }
  recorder.onClose(id);
  await recorder.flush();
}

describe('a recording', () => {
  it('gives back every message byte for byte, in order, with who sent it', async () => {
    const recorder = await SessionRecorder.open(join(folder, 'new', 'folder'));
    folder = join(folder, 'new', 'folder');
    await record(recorder);
    await recorder.close();
    const recording = await read();
    expect([recording.session, recording.query, recording.incomplete]).toEqual(['s1', { seed: '7' }, undefined]);
    expect(Math.abs(Date.parse(recording.opened) - Date.now())).toBeLessThan(60_000);
    expect(recording.events.map(({ kind }) => kind).join()).toBe(
      'open,sent,received,received,sent,received,sent,received,sent,close',
    );
    expect(await recording.payload(recording.events[5]!)).toEqual(Buffer.from(message(1)));
    const times = recording.events.map(({ ms }) => ms);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    folder = join(folder, '..', '..');
  });

  it('tells which reply belongs to which message, resets in a row and messages under way included', async () => {
    const recorder = await SessionRecorder.open(folder);
    recorder.onOpen('s', {});
    recorder.onSend('s', packMessage({}), 0, true);
    for (const bytes of [reset, message(0), reset, message(1)]) recorder.onReceive('s', bytes, 0, true);
    recorder.onSend('s', packMessage({ reply: 0 }), 0, true);
    recorder.onSend('s', packMessage({ reply: 1 }), 0, true);
    recorder.onReceive('s', message(2), 0, true);
    recorder.onClose('s');
    recorder.onOpen('s', {}); // resumed
    recorder.onSend('s', packMessage({}), 0, true);
    recorder.onReceive('s', message(3), 0, true);
    recorder.onSend('s', Buffer.from('error 12: no'), 0, false);
    await recorder.close();
    const recording = await read();
    const { exchanges, greeting } = await readScript(recording);
    const replies = await Promise.all(
      exchanges.map(async ({ reply, answered }) => [
        answered,
        reply && (await recording.payload(reply)).toString('hex'),
      ]),
    );
    const hex = (value: object) => Buffer.from(packMessage(value as never)).toString('hex');
    expect(greeting?.nbytes).toBe(1);
    expect(replies).toEqual([
      [false, undefined],
      [true, hex({ reply: 0 })],
      [false, undefined],
      [true, hex({ reply: 1 })],
      [true, undefined],
      [true, Buffer.from('error 12: no').toString('hex')],
    ]);
    expect(await listRecordings(folder)).toHaveLength(1);
  });

  it('of a server that was killed is read up to the record under way', async () => {
    const recorder = await SessionRecorder.open(folder);
    await record(recorder);
    await recorder.close();
    const [path] = await listRecordings(folder);
    const whole = (await readFile(path!)).length;
    for (const [cut, events] of [
      [1, 9],
      [3, 9],
      [40, 8],
    ] as const) {
      await truncate(path!, whole - cut);
      const recording = await read(path);
      expect([recording.events.length, recording.incomplete]).toEqual([events, expect.stringMatching(/^cut off/)]);
    }
    // Between two records.
    const { offset, nbytes } = (await read(path)).events[7]!;
    await truncate(path!, offset + nbytes);
    expect((await read(path)).incomplete).toMatch(/^it has no end: nothing is there after \d+ ms$/);
  });

  it('with any bit flipped, wherever, says that it is not whole or no recording', async () => {
    const recorder = await SessionRecorder.open(folder);
    await record(recorder);
    await recorder.close();
    const [path] = await listRecordings(folder);
    const bytes = await readFile(path!);
    const events = (await read(path)).events.length;
    for (let at = 0; at < bytes.length; at += 7) {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1 << (at % 8);
      await writeFile(path!, flipped);
      const found = await SessionRecording.open(path!).catch((error: Error) => error);
      if (found instanceof Error) {
        expect(found, `byte ${at}`).toBeInstanceOf(InputError);
        continue;
      }
      opened.push(found);
      expect(found.incomplete, `byte ${at}`).toMatch(/damaged|cut off/);
      expect(found.events.length).toBeLessThan(events);
    }
  });

  it('of the first format, without checksums of messages, is read too', async () => {
    const head = (kind: number, payload: Buffer, ms: number) => {
      const bytes = Buffer.alloc(20);
      bytes.writeUInt8(kind, 0);
      bytes.writeUInt32LE(payload.length, 4);
      bytes.writeDoubleLE(ms, 8);
      bytes.writeUInt32LE(crc32(bytes.subarray(0, 16)), 16);
      return Buffer.concat([bytes, payload]);
    };
    const about = Buffer.from(JSON.stringify({ session: 'old', opened: '2026-01-01T00:00:00Z', query: {} }));
    const came = Buffer.from(message(4));
    const path = join(folder, 'old.valetrec');
    const records = [head(1, about, 0), head(2, came, 5), head(6, Buffer.from('{}'), 9)];
    await writeFile(path, Buffer.concat([Buffer.from('VALETREC'), Buffer.from([1, 0, 0, 0]), ...records]));
    const recording = await read(path);
    expect([recording.session, recording.incomplete, recording.events.length]).toEqual(['old', undefined, 3]);
    expect(await recording.payload(recording.events[1]!)).toEqual(came);
  });

  it('that is empty or spoilt costs no other of its folder', async () => {
    const recorder = await SessionRecorder.open(folder);
    await record(recorder);
    await recorder.close();
    await writeFile(join(folder, 'a.valetrec'), '');
    await writeFile(join(folder, 'b.valetrec'), 'something else');
    const { recordings, unreadable } = await openRecordings(folder);
    opened.push(...recordings);
    expect(recordings.map(({ session }) => session)).toEqual(['s1']);
    expect(unreadable).toEqual([
      expect.stringMatching(/a\.valetrec: is empty/),
      expect.stringMatching(/b\.valetrec: is no recording/),
    ]);
    await rm(recordings[0]!.path);
    await expect(openRecordings(folder)).rejects.toThrow(/is empty/);
  });

  it('with a changed byte in a head is read up to there; what is no recording is refused', async () => {
    const recorder = await SessionRecorder.open(folder);
    await record(recorder);
    await recorder.close();
    const [path] = await listRecordings(folder);
    const bytes = await readFile(path!);
    const third = (await read(path)).events[2]!;
    bytes[third.offset - 19]! ^= 1;
    await writeFile(path!, bytes);
    const damaged = await read(path);
    expect([damaged.events.length, damaged.incomplete]).toEqual([2, `damaged at byte ${third.offset - 24}`]);
    await writeFile(path!, 'something else');
    await expect(SessionRecording.open(path!)).rejects.toThrow(/is no recording of a session/);
    bytes[8] = 9;
    await writeFile(path!, bytes);
    await expect(SessionRecording.open(path!)).rejects.toThrow(/format 9 \(expected 1…2\)/);
    await expect(listRecordings(join(folder, 'none'))).rejects.toThrow(InputError);
  });
});

describe('the recorder', () => {
  it('stops when the disk is full, once for all, and leaves no empty file', async () => {
    const lost: string[] = [];
    let full = false;
    const recorder = await SessionRecorder.open(folder, {
      openFile: (path) => open(full ? '/dev/full' : path, 'a'),
      onLost: (what) => lost.push(what),
    });
    await record(recorder, 'first');
    full = true;
    await record(recorder, 'second');
    full = false;
    await record(recorder, 'third');
    await recorder.close();
    expect([lost, recorder.lost.files]).toEqual([['file', 'all'], 1]);
    expect((await readdir(folder)).join()).toMatch(/^\d{8}T\d{9}Z-first\.valetrec$/);
    expect((await read()).incomplete).toBeUndefined();
  });

  it('leaves whole records of a session whose disk fails in its middle, and records others', async () => {
    let broken = false;
    const recorder = await SessionRecorder.open(folder, {
      openFile: async (path) => {
        const handle = await open(path, 'a');
        const writev = handle.writev.bind(handle);
        // Half of what there is to write, then nothing.
        handle.writev = (async (parts: Uint8Array[]) => {
          if (!broken) return writev(parts);
          const [first = new Uint8Array(0)] = parts;
          await handle.write(first.subarray(0, first.length >> 1));
          throw Object.assign(new Error('EIO'), { code: 'EIO' });
        }) as typeof handle.writev;
        return handle;
      },
    });
    recorder.onOpen('first', {});
    for (let i = 0; i < 3; i++) recorder.onReceive('first', message(i), 0, true);
    await recorder.flush();
    broken = true;
    recorder.onReceive('first', message(3), 0, true);
    await recorder.flush();
    broken = false;
    await record(recorder, 'second');
    await recorder.close();
    const [first, second] = await listRecordings(folder);
    const { events, incomplete } = await read(first);
    expect([events.length, incomplete]).toEqual([4, expect.stringMatching(/^it has no end/)]);
    expect((await read(second)).incomplete).toBeUndefined();
  });

  it('marks the end of sessions that are open when it closes', async () => {
    const recorder = await SessionRecorder.open(folder);
    recorder.onOpen('s', {});
    recorder.onReceive('s', message(0), 0, true);
    await recorder.close();
    expect((await read()).incomplete).toBeUndefined();
  });

  it('leaves out what the disk cannot take in time, and marks the gap', async () => {
    const recorder = await SessionRecorder.open(folder, { maxQueuedBytes: 2000 });
    recorder.onOpen('s', {});
    for (let i = 0; i < 40; i++) recorder.onReceive('s', message(i), 0, true);
    expect(recorder.lost.frames).toBeGreaterThan(10);
    await recorder.flush();
    recorder.onReceive('s', message(99), 0, true);
    await recorder.close();
    const recording = await read();
    expect(recording.events.length).toBe(1 + 40 - recorder.lost.frames);
    expect(recording.incomplete).toMatch(/messages are missing/);
  });

  it('refuses a folder that cannot be written to', async () => {
    await appendFile(join(folder, 'file'), 'x');
    await expect(SessionRecorder.open(join(folder, 'file', 'x'))).rejects.toThrow(InputError);
  });
});
