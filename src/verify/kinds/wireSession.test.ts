import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NumpyArray, type Packable, packMessage } from '../../wire/index.ts';
import { GoldenCase } from '../goldenCase.ts';
import { replayRecordedSession } from './wireSession.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-wire-'));
});
afterEach(() => rm(folder, { recursive: true }));

const golden = () => new GoldenCase({ name: 'twin', folder }, { kind: 'wire', config: {}, quantities: [] } as never);
const replay = (file = 's/session.jsonl') => replayRecordedSession(golden(), file);

/** Writes a recording as the golden case's recorder does. */
class Script {
  private readonly lines: object[] = [];
  private readonly parts: Uint8Array[] = [];
  private at = 0;

  http(connection: number, from: string, first_line: string, headers: object = {}, body = ''): this {
    const own = from === 'client' ? { host: '(removed)', ...headers } : { date: '(removed)', ...headers };
    this.lines.push({ n: this.lines.length, connection, from, kind: 'http', first_line, headers: own, body });
    return this;
  }

  upgrade(connection: number, key: string, extra: object = {}): this {
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    const upgrade = { upgrade: 'websocket', connection: 'Upgrade' };
    return this.http(connection, 'client', 'GET / HTTP/1.1', {
      ...upgrade,
      'sec-websocket-key': key,
      'sec-websocket-version': '13',
      ...extra,
    }).http(connection, 'server', 'HTTP/1.1 101 Switching Protocols', { ...upgrade, 'sec-websocket-accept': accept });
  }

  frame(connection: number, from: string, value: { [key: string]: Packable } | string, more: object = {}): this {
    const bytes = typeof value === 'string' ? Buffer.from(value) : packMessage(value);
    const opcode = typeof value === 'string' ? 1 : 2;
    return this.raw(connection, from, opcode, bytes, more);
  }

  close(connection: number, from: string, close_code: number): this {
    return this.raw(connection, from, 8, Buffer.from([close_code >> 8, close_code & 255]), { close_code });
  }

  async save(): Promise<void> {
    await mkdir(join(folder, 's'), { recursive: true });
    await writeFile(join(folder, 's', 'b.bin'), Buffer.concat(this.parts));
    await writeFile(join(folder, 's', 'session.jsonl'), this.lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  private raw(connection: number, from: string, opcode: number, bytes: Uint8Array, more: object): this {
    const head = { fin: 1, rsv: 0, opcode, masked: from === 'client' ? 1 : 0, file: 'b.bin' };
    const place = { offset: this.at, nbytes: bytes.byteLength };
    this.lines.push({ n: this.lines.length, connection, from, kind: 'frame', ...head, ...place, ...more });
    this.parts.push(bytes);
    this.at += bytes.byteLength;
    return this;
  }
}

const KEYS = ['dGhlIHNhbXBsZSBub25jZQ==', 'x3JJHMbDL1EzLkh9GBhXDw=='];
const timing = { server_timing: new Map([['infer_ms', 1.5]]) };
const actions = (rows: number, from = 0) =>
  Float32Array.from({ length: rows * 23 }, (_, i) => Math.fround(Math.sin(i + from)));

function observation(task: number, side: number, lead: readonly number[] = []): { [key: string]: Packable } {
  const array = (dtype: string, shape: number[], bytes: Uint8Array) =>
    new NumpyArray(dtype, [...lead, ...shape], Buffer.concat(Array.from({ length: lead[0] ?? 1 }, () => bytes)));
  const state = new Float32Array(61).fill(0.01);
  const picture = array('|u1', [side, side + 1, 3], new Uint8Array(side * (side + 1) * 3).fill(task));
  return {
    'other_robot::proprio': array('<f4', [61], new Uint8Array(state.buffer)),
    'other_robot::other_robot:zed_link:Camera:0::rgb': picture,
    'other_robot::other_robot:left_realsense_link:Camera:3::rgb': picture,
    'other_robot::other_robot:right_realsense_link:Camera:0::rgb': picture,
    task_id: array('<i8', [1], new Uint8Array(BigInt64Array.of(BigInt(task)).buffer)),
  };
}

/** Two robots whose messages interleave, of another name and size, who ask for chunks of 7. */
const chunks = (change: { third?: Float32Array<ArrayBuffer>; action?: Float32Array<ArrayBuffer> } = {}) => {
  const reply = (from: number, lead: number[], rows = actions(7, from), action = rows.slice(0, 23)) => ({
    action: NumpyArray.of(action, [...lead, 23]),
    action_chunk: NumpyArray.of(rows, [...lead, 7, 23]),
    ...timing,
  });
  const ask = (task: number, side: number, lead: number[] = []) => ({
    ...observation(task, side, lead),
    __action_chunk_size__: 7,
  });
  return new Script()
    .http(9, 'client', 'GET /healthz HTTP/1.1', { connection: 'keep-alive' })
    .http(
      9,
      'server',
      'HTTP/1.1 200 OK',
      { 'content-length': '3', 'content-type': 'text/plain; charset=utf-8' },
      'OK\n',
    )
    .upgrade(2, KEYS[0]!)
    .frame(2, 'server', { server: 'twin' })
    .upgrade(5, KEYS[1]!, { authorization: 'Api-Key whatever-it-is' })
    .frame(5, 'server', { server: 'twin' })
    .frame(2, 'client', ask(3, 5))
    .frame(5, 'client', { reset: true })
    .frame(5, 'client', ask(41, 300, [1]))
    .frame(2, 'server', reply(1, []))
    .frame(5, 'server', reply(2, [1], change.third, change.action))
    .frame(5, 'client', { reset: false, other: 1 })
    .frame(2, 'client', ask(4, 5))
    .frame(2, 'server', reply(3, []))
    .frame(5, 'client', 'text')
    .frame(5, 'server', 'Traceback')
    .close(5, 'server', 1011)
    .close(2, 'client', 1000)
    .close(2, 'server', 1000);
};

describe('a session that the repository has never seen', () => {
  it('replays: robots whose messages interleave, other names, sizes and chunks', async () => {
    await chunks().save();
    expect(await replay()).toEqual({ error: 0, tolerance: 0 });
  });

  it('replays: other cameras, several rows, resets that are answered, a policy that fails', async () => {
    const odd = { eye: NumpyArray.of(new Uint8Array(70_000), [100, 700]), instruction: 'héllo' };
    await new Script()
      .http(1, 'client', 'GET /nothing HTTP/1.1')
      .http(
        1,
        'server',
        'HTTP/1.1 426 Upgrade Required',
        { 'content-type': 'text/plain; charset=utf-8' },
        'other words',
      )
      .upgrade(2, KEYS[1]!)
      .frame(2, 'server', {})
      .frame(2, 'client', odd)
      .frame(2, 'server', { actions: NumpyArray.of(actions(11), [11, 23]), ...timing })
      .frame(2, 'client', { reset: true })
      .frame(2, 'server', { actions: NumpyArray.of(actions(2), [2, 23]), note: [1, null] })
      .frame(2, 'client', observation(1, 4, [3]))
      .frame(2, 'server', { action: NumpyArray.of(actions(3), [3, 23]), ...timing })
      .frame(2, 'client', odd)
      .frame(2, 'server', 'Traceback')
      .close(2, 'server', 1011)
      .save();
    expect(await replay()).toEqual({ error: 0, tolerance: 0 });
  });

  it('fails where the server would do something else than what was recorded', async () => {
    const wrong: [string, Script, RegExp][] = [
      [
        'an action that is not the first of its chunk',
        chunks({ third: Float32Array.from([9, ...actions(7, 2).subarray(1)]), action: actions(1, 2) }),
        /played by a robot/,
      ],
      [
        'another status',
        new Script().http(1, 'client', 'GET /healthz HTTP/1.1').http(1, 'server', 'HTTP/1.1 204 No Content'),
        /200/,
      ],
      [
        'another close code',
        new Script().upgrade(1, KEYS[0]!).frame(1, 'server', {}).close(1, 'client', 1000).close(1, 'server', 1001),
        /close code: got 1000/,
      ],
      ['a compressed frame', new Script().upgrade(1, KEYS[0]!).frame(1, 'server', {}, { rsv: 4 }), /"rsv":0/],
    ];
    for (const [name, script, message] of wrong) {
      await script.save();
      const outcome = await replay();
      expect(outcome.error, name).toBeGreaterThan(0);
      expect(outcome.note, name).toMatch(message);
    }
  });
});

it('a changed byte in a committed recording is found', async () => {
  const committed = new URL('../../../test/golden/wire/session/', import.meta.url);
  await cp(committed, join(folder, 's'), { recursive: true });
  const path = join(folder, 's', 'session_chunks.bin');
  const bytes = await readFile(path);
  const line = (await readFile(join(folder, 's', 'session_chunks.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text))
    .find(({ nbytes, from }) => from === 'server' && nbytes > 500);
  // The first action alone no longer is the first row of the chunk: the real session cannot have said both.
  bytes[line.offset + 60]! ^= 1;
  await writeFile(path, bytes);
  const outcome = await replay('s/session_chunks.jsonl');
  expect(outcome.error).toBeGreaterThan(0);
  expect(outcome.note).toMatch(/played by a robot/);
});
