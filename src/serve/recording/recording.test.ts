import { appendFile, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../base/index.ts';
import { packMessage } from '../../wire/index.ts';
import { listRecordings, SessionRecording } from './recordingReader.ts';
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
  });

  it('with a changed byte in a head is read up to there; what is no recording is refused', async () => {
    const recorder = await SessionRecorder.open(folder);
    await record(recorder);
    await recorder.close();
    const [path] = await listRecordings(folder);
    const bytes = await readFile(path!);
    const third = (await read(path)).events[2]!;
    bytes[third.offset - 15]! ^= 1;
    await writeFile(path!, bytes);
    const damaged = await read(path);
    expect([damaged.events.length, damaged.incomplete]).toEqual([2, `damaged at byte ${third.offset - 20}`]);
    await writeFile(path!, 'something else');
    await expect(SessionRecording.open(path!)).rejects.toThrow(/is no recording of a session/);
    bytes[8] = 9;
    await writeFile(path!, bytes);
    await expect(SessionRecording.open(path!)).rejects.toThrow(/format 9 \(expected 1\)/);
    await expect(listRecordings(join(folder, 'none'))).rejects.toThrow(InputError);
  });
});

describe('the recorder', () => {
  it('goes on when the disk is full, and says that the recording ends', async () => {
    let full = true;
    const recorder = await SessionRecorder.open(folder, {
      openFile: (path) => open(full ? '/dev/full' : path, 'a'),
    });
    await record(recorder, 'first');
    expect(recorder.lost.files).toBe(1);
    recorder.onReceive('first', message(0), 0, true);
    full = false;
    await record(recorder, 'second');
    await recorder.close();
    expect((await readdir(folder)).join()).toMatch(/^\d{8}T\d{9}Z-second\.valetrec$/);
    expect((await read()).events).toHaveLength(10);
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
