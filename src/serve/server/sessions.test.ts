import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { pino } from 'pino';
import sharp from 'sharp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as ws from 'ws';
import { WebSocket } from 'ws';
import { actionOf, fakeObservation, picture, SeededPlanner, wireObservation } from '../../../test/support/serve.ts';
import { createPolicy, createSession } from '../../control/index.ts';
import type { Observation, PlanRequest } from '../../robot/index.ts';
import { NumpyArray, type Packable, packMessage, unpackMessage, type WireMap } from '../../wire/index.ts';
import { RemotePolicy } from '../client/remotePolicy.ts';
import { startServer } from './server.ts';
import type { ServerOptions } from './serverOptions.ts';

/** How long a test waits for something that must come about. */
const POLL = { timeout: 20_000, interval: 5 };

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const thing of opened.splice(0).reverse()) await thing.close();
});

async function serve(options: Partial<ServerOptions> = {}, planner = new SeededPlanner()) {
  const server = await startServer({ plannerFor: () => planner, sessionOptions: { seed: 5 }, ...options });
  opened.push(server);
  await server.ready;
  planner.requests = [];
  return { server, planner, url: server.urls[0]!, http: server.urls[0]!.replace('ws', 'http') };
}

/** A client that sends and waits for each reply. */
async function client(url: string) {
  const socket = new WebSocket(url, { rejectUnauthorized: false });
  const frames: { data: Buffer; isBinary: boolean }[] = [];
  let wake: (() => void) | undefined;
  socket.on('message', (data, isBinary) => {
    frames.push({ data: data as Buffer, isBinary });
    wake?.();
  });
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  opened.push({ close: () => socket.terminate() });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const frame = async () => {
    while (frames.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return frames.shift()!;
  };
  const reply = async () => {
    const { data, isBinary } = await frame();
    if (!isBinary) throw new Error(data.toString());
    return unpackMessage(data) as WireMap;
  };
  const send = (message: { [key: string]: Packable }) => socket.send(packMessage(message));
  const act = async (observation: Observation) => {
    send(wireObservation(observation));
    return actionOf(await reply());
  };
  return { socket, closed, send, reply, act, metadata: await reply() };
}

/** Settles with the answer to a ping. */
const pong = (socket: WebSocket, number: number) =>
  new Promise<void>((resolve) => {
    const token = Buffer.from([number]);
    socket.on('pong', (bytes) => bytes.equals(token) && resolve());
    socket.ping(token);
  });

const upgradeRequest = (host: string) =>
  [
    'GET / HTTP/1.1',
    `Host: ${host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ].join('\r\n');

/** Of messages long enough to lie in memory that is used again. */
const seen = (step: number) => fakeObservation({ taskId: 3, joint: step / 100, shade: step, side: 48 });

/** What one robot gets that nobody interrupts. */
async function uninterrupted(steps: number, seed = '5'): Promise<Float32Array[]> {
  const policy = createPolicy({ planner: new SeededPlanner(), session: createSession({ seed }) });
  const actions: Float32Array[] = [];
  for (let step = 0; step < steps; step++) actions.push(await policy.act(seen(step)));
  return actions;
}

describe('a session that is resumed', () => {
  it('goes on where it was, over any number of lost connections', async () => {
    const { url, server } = await serve();
    const expected = await uninterrupted(45);
    let robot = await client(`${url}/?session=new`);
    const id = robot.metadata.get('session') as string;
    expect(id).toMatch(/^[\w-]{22}$/);
    expect(robot.metadata.get('resumed')).toBe(false);
    for (let step = 0; step < 45; step++) {
      if ([7, 20, 33].includes(step)) {
        robot.socket.terminate();
        await robot.closed;
        await client(url).then(({ act }) => act(seen(99))); // somebody else comes in between
        robot = await client(`${url}/?session=${id}`);
        expect([robot.metadata.get('session'), robot.metadata.get('resumed')]).toEqual([id, true]);
        expect(robot.metadata.get('replies')).toBe(step);
      }
      expect(await robot.act(seen(step))).toEqual(expected[step]);
    }
    expect((await server.metrics.resumed.get()).values[0]!.value).toBe(3);
  });

  it('takes over from a connection that still seems to live, and answers again what got lost', async () => {
    const { url } = await serve();
    const expected = await uninterrupted(12);
    const robot = await client(`${url}/?session=new`);
    const id = robot.metadata.get('session') as string;
    for (let step = 0; step < 10; step++) await robot.act(seen(step));
    // The tenth reply never arrived, as far as the client knows.
    const again = await client(`${url}/?session=${id}&received=9`);
    expect(await robot.closed).toBe(1008);
    expect(again.metadata.get('replies')).toBe(10);
    for (let step = 9; step < 12; step++) expect(await again.act(seen(step))).toEqual(expected[step]);
  });

  it('finishes the plan under way first', async () => {
    const { url, planner } = await serve();
    const robot = await client(`${url}/?session=new`);
    planner.delayMs = 80;
    robot.send(wireObservation(seen(0)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    robot.socket.terminate();
    const again = await client(`${url}/?session=${robot.metadata.get('session')}&received=0`);
    expect(await again.act(seen(0))).toEqual((await uninterrupted(1))[0]);
    expect(planner.requests).toHaveLength(1);
  });

  it('is over after a time, and never was for clients that did not ask', async () => {
    const { url, server } = await serve({ limits: { resumeMs: 40 } });
    const plain = await client(url);
    expect(plain.metadata.has('session')).toBe(false);
    await plain.act(seen(0));
    plain.socket.close();
    const robot = await client(`${url}/?session=new`);
    await robot.act(seen(0));
    robot.socket.close();
    await robot.closed;
    await expect.poll(() => server.connections, POLL).toBe(0);
    await expect.poll(async () => (await server.metrics.sessionsKept.get()).values[0]!.value, POLL).toBe(0);
    const id = robot.metadata.get('session') as string;
    const late = await client(`${url}/?session=${id}`);
    expect(late.metadata.get('resumed')).toBe(false);
    expect(late.metadata.get('session')).not.toBe(id);
  });

  it('tells its id to nobody else', async () => {
    const lines: string[] = [];
    const heard: unknown[] = [];
    const logger = pino({}, { write: (line: string) => void lines.push(line) });
    const observer = {
      onOpen: (...all: unknown[]) => void heard.push(all),
      onClose: (...all: unknown[]) => void heard.push(all),
    };
    const { url, http } = await serve({ logger, observer });
    const robot = await client(`${url}/?session=new&note=x`);
    const id = robot.metadata.get('session') as string;
    robot.socket.terminate();
    await robot.closed;
    await client(`${url}/?session=${id}&note=y`);
    const told = lines.join('') + JSON.stringify(heard) + (await (await fetch(`${http}/metrics`)).text());
    expect(told).not.toContain(id);
    expect(heard).toContainEqual([expect.any(String), { note: 'y' }]);
    expect(new Set(heard.map((all) => (all as string[])[0])).size, 'one session').toBe(1);
  });
});

describe('a session', () => {
  it('has the seed that its client asks for', async () => {
    const { url } = await serve();
    for (const seed of ['5', 'another']) {
      const robot = await client(`${url}/?seed=${seed}`);
      expect(robot.metadata.get('seed')).toBe(seed);
      expect(await robot.act(seen(0))).toEqual((await uninterrupted(1, seed))[0]);
    }
    expect((await client(url)).metadata.has('seed')).toBe(false);
    await expect(client(`${url}/?seed=${'x'.repeat(200)}`)).rejects.toThrow(/400/);
  });

  it('ends when nothing comes for long, but not while a plan is made', async () => {
    // The server's clock is the test's.
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    const { url, planner } = await serve({ limits: { idleMs: 120 } });
    const robot = await client(url);
    const release = planner.hold();
    const { asked } = planner;
    const acted = robot.act(seen(0));
    await expect.poll(() => planner.asked, POLL).toBe(asked + 1);
    vi.advanceTimersByTime(1000);
    release();
    expect(await acted).toHaveLength(23);
    vi.advanceTimersByTime(90);
    expect(await robot.act(seen(1))).toHaveLength(23);
    vi.advanceTimersByTime(150);
    expect(await robot.closed).toBe(1000);
  });
});

describe('a ping', () => {
  it('is answered while a plan is made, however large the observation is', async () => {
    const { url, planner } = await serve();
    const robot = await client(url);
    const message = wireObservation(seen(0));
    message['robot_r1::robot_r1:zed_link:Camera:0::depth_linear'] = NumpyArray.of(new Uint8Array(17 << 20));
    const release = planner.hold();
    const { asked } = planner;
    robot.send(message);
    const replied = robot.reply();
    await expect.poll(() => planner.asked, POLL).toBe(asked + 1);
    await Promise.all([0, 1, 2].map((i) => pong(robot.socket, i)));
    expect(planner.requests, 'the plan is still under way').toHaveLength(0);
    // Nor does one message more, of any size, keep the server from hearing.
    robot.send(message);
    await pong(robot.socket, 3);
    release();
    expect((await replied).has('action')).toBe(true);
  });
});

describe('planning ahead', () => {
  it('plans while the buffer lasts, holds the plan to what was executed, and depends on no time', async () => {
    const runs: Float32Array[][] = [];
    let requests: PlanRequest[] = [];
    for (const delayMs of [0, 25]) {
      const { url, planner, server } = await serve({ planAhead: 3 });
      const robot = await client(url);
      planner.delayMs = delayMs;
      const actions: Float32Array[] = [];
      for (let step = 0; step < 60; step++) actions.push(await robot.act(seen(step)));
      runs.push(actions);
      requests = planner.requests;
      const used = (await server.metrics.ahead.get()).values.find(({ labels }) => labels.outcome === 'used');
      expect(used!.value).toBeGreaterThanOrEqual(2);
    }
    expect(runs[1]).toEqual(runs[0]);
    const [, second] = requests;
    // From the step that left 3 actions in the buffer: that step's and those three are what the plan is held to.
    expect(second!.prefix!.rows).toBe(4);
    const began = runs[0]!.findIndex((action) => Math.fround(second!.prefix!.actions[7]!) === action[7]);
    for (let row = 0; row < 4; row++)
      for (let i = 0; i < 23; i++)
        expect(Math.fround(second!.prefix!.actions[row * 23 + i]!)).toBe(runs[0]![began + row]![i]);
    // The first action of the new plan is its fifth row.
    expect(runs[0]![began + 4]![7]).toBeCloseTo(began / 100 + 0.04 + began / 1000, 5);
  });

  it('is given up by a reset, and a failure shows only when a plan is needed', async () => {
    const { url, planner, server } = await serve({ planAhead: 3 });
    const robot = await client(url);
    for (let step = 0; step < 15; step++) await robot.act(seen(step));
    robot.send({ reset: true });
    await robot.act(seen(0));
    planner.failure = new Error('none');
    let acted = 1;
    await expect(
      (async () => {
        for (; acted < 40; acted++) await robot.act(seen(acted));
      })(),
    ).rejects.toThrow(/no plan could be made/);
    expect(acted).toBeGreaterThan(10);
    const outcomes = (await server.metrics.ahead.get()).values.map(({ labels }) => labels.outcome);
    expect(outcomes.sort()).toEqual(['dropped', 'failed']);
  });
});

describe('the wire', () => {
  it('takes a message that comes with the handshake, and one that comes in small pieces', async () => {
    const { url } = await serve();
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    opened.push({ close: () => socket.destroy() });
    const parts: Buffer[] = [];
    socket.on('data', (bytes) => parts.push(bytes));
    const { Sender: sender } = ws as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } };
    const frame = (step: number) => {
      const data = Buffer.from(packMessage(wireObservation(seen(step))));
      return Buffer.concat(sender.frame(data, { fin: true, opcode: 2, mask: true, readOnly: true, rsv1: false }));
    };
    const request = upgradeRequest(hostname);
    socket.write(Buffer.concat([Buffer.from(request), frame(0)]));
    socket.setNoDelay(true);
    const second = frame(1);
    for (let at = 0; at < second.length; at += 1000) {
      socket.write(second.subarray(at, at + 1000));
      if (at % 5000 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const replies = () => Buffer.concat(parts).toString('latin1').split('server_timing').length - 1;
    await expect.poll(replies, POLL).toBe(2);
    const [first] = await uninterrupted(1);
    expect(Buffer.concat(parts).includes(Buffer.from(first!.buffer))).toBe(true);
  });

  const jpeg = async (shade: number) =>
    new Uint8Array(
      await sharp({ create: { width: 8, height: 8, channels: 3, background: { r: shade, g: shade, b: shade } } })
        .jpeg({ quality: 100 })
        .toBuffer(),
    );

  it.each([
    ['2025', 256, 'robot_r1', 224, 4, false],
    ['2026', 61, 'robot_r1', 224, 3, false],
    ['full resolution', 256, 'robot_r1', 720, 4, false],
    ['another name, batched', 61, 'agent.0:left', 64, 4, true],
  ] as const)('takes the form of %s', async (_name, length, robot, side, channels, batched) => {
    const { url, planner } = await serve();
    const connected = await client(url);
    const base = fakeObservation({ taskId: 3, joint: 0.3, length });
    const wrist = { ...picture(7, Math.ceil((side * 2) / 3), channels) };
    const pictures = { head: picture(9, side, channels), left_wrist: wrist, right_wrist: wrist };
    const message = wireObservation({ ...base, pictures }, robot);
    // What full-resolution evaluators send besides.
    message[`${robot}::${robot}:zed_link:Camera:0::depth_linear`] = NumpyArray.of(new Float32Array(side * side), [
      side,
      side,
    ]);
    message[`${robot}::cam_rel_poses`] = new Float32Array(21);
    message['need_new_action'] = true;
    if (batched)
      for (const [key, value] of Object.entries(message))
        if (value instanceof NumpyArray) message[key] = new NumpyArray(value.dtype, [1, ...value.shape], value.bytes);
    connected.send({ ...message, __action_chunk_size__: 4 });
    const reply = await connected.reply();
    const lead = batched ? [1] : [];
    expect((reply.get('action') as NumpyArray).shape).toEqual([...lead, 23]);
    const chunk = reply.get('action_chunk') as NumpyArray;
    expect(chunk.shape).toEqual([...lead, 4, 23]);
    expect(chunk.float32().slice(0, 23)).toEqual((reply.get('action') as NumpyArray).float32());
    const [request] = planner.requests;
    // As the planner takes them, out of memory that its thread reads too.
    const { head } = request!.pictures;
    expect([head!.width, head!.height, head!.channels, [...new Set(head!.data)]]).toEqual([8, 8, 3, [9]]);
    expect(head!.data.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(request!.state[7]).toBeCloseTo(0.3, 6);
  });

  it('takes JPEG files, and opens them only for a plan', async () => {
    const { url, planner } = await serve();
    const robot = await client(url);
    const message = async (bytes: Uint8Array) => {
      const wire = wireObservation(seen(0));
      for (const key of Object.keys(wire)) if (key.endsWith('::rgb')) wire[key] = NumpyArray.of(bytes);
      return wire;
    };
    robot.send(await message(await jpeg(120)));
    await robot.reply();
    const { head } = planner.requests[0]!.pictures;
    expect([head!.width, head!.height, head!.channels]).toEqual([8, 8, 3]);
    expect(Math.abs(head!.data[0]! - 120)).toBeLessThan(3);
    const broken = Uint8Array.of(0xff, 0xd8, 0xff, 1, 2, 3);
    for (let step = 1; step < 20; step++) {
      robot.send(await message(broken)); // nobody looks
      await robot.reply();
    }
    robot.send(await message(broken));
    await expect(robot.reply()).rejects.toThrow(/begins like a JPEG file but cannot be read/);
  });

  it('a JPEG that is small as a file and vast as a picture is refused', async () => {
    const { url } = await serve({ limits: { maxArrayBytes: 100_000 } });
    const robot = await client(url);
    const vast = await sharp({ create: { width: 4000, height: 4000, channels: 3, background: 'black' } })
      .jpeg()
      .toBuffer();
    const wire = wireObservation(seen(0));
    for (const key of Object.keys(wire)) if (key.endsWith('::rgb')) wire[key] = NumpyArray.of(new Uint8Array(vast));
    robot.send(wire);
    await expect(robot.reply()).rejects.toThrow(/array of \d+ bytes|too large/);
  });
});

describe('limits', () => {
  it('arrays, depth, values', async () => {
    const { url } = await serve({ limits: { maxArrayBytes: 1000, maxDepth: 4, maxValues: 200 } });
    const tries: [Packable, RegExp][] = [
      [new Float32Array(300), /an array of 1200 bytes \(expected 1000 at most\)/],
      [[[[[[1]]]]], /nested deeper than 4/],
      [new Array(300).fill(0), /more than 200 values/],
    ];
    for (const [x, expected] of tries) {
      const robot = await client(url);
      robot.send({ x });
      await expect(robot.reply()).rejects.toThrow(expected);
    }
  });

  it('connections a second', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { url } = await serve({ limits: { maxConnectionsPerSecond: 3 } });
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => client(url)));
    const refused = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(refused).toHaveLength(3);
    vi.advanceTimersByTime(400);
    await client(url);
    expect(String(refused[0]!.reason)).toMatch(/429/);
  });

  it('messages a second: a faster client is slowed', async () => {
    const { url } = await serve({ limits: { maxMessagesPerSecond: 20 } });
    const robot = await client(url);
    const started = performance.now();
    for (let step = 0; step < 26; step++) await robot.act(seen(0));
    expect(performance.now() - started).toBeGreaterThan(200);
  });
});

describe('one server', () => {
  it('on several ports has one pool of robots', async () => {
    const { server } = await serve({ port: [0, 0], limits: { maxConnections: 2 } });
    const [a, b] = server.urls;
    expect(a).not.toBe(b);
    await (await client(a!)).act(seen(0));
    await (await client(b!)).act(seen(0));
    await expect(client(b!)).rejects.toThrow(/503/);
    expect((await (await fetch(a!.replace('ws', 'http').concat('/info'))).json()).connections).toBe(2);
  });

  it('speaks TLS', async () => {
    const pem = (name: string) =>
      readFileSync(new URL(`../../../test/fixtures/tls/${name}.pem`, import.meta.url), 'utf8');
    const { url } = await serve({ tls: { cert: pem('cert'), key: pem('key') } });
    expect(url).toMatch(/^wss:/);
    expect(await (await client(url)).act(seen(0))).toHaveLength(23);
    await expect(serve({ tls: { cert: 'none', key: 'none' } })).rejects.toThrow(/certificate or key cannot be used/);
  });

  it('serves any policy', async () => {
    const calls: string[] = [];
    const policyFor = () => ({
      reset: async () => void calls.push('reset'),
      act: async ({ taskId }: Observation) => new Float32Array(23).fill(taskId),
      close: async () => void calls.push('close'),
    });
    const { url } = await serve({ plannerFor: undefined as never, policyFor });
    const robot = await RemotePolicy.connect(url);
    await robot.reset();
    expect((await robot.act(seen(0)))[0]).toBe(3);
    await robot.close();
    await expect.poll(() => calls, POLL).toEqual(['reset', 'close']);
  });

  it('goes on when a client dies in mid-message', async () => {
    const { url, server } = await serve();
    const healthy = await client(url);
    const socket = connect(server.port, '127.0.0.1');
    socket.write(upgradeRequest('x'));
    await new Promise((resolve) => socket.once('data', resolve));
    // The head of a masked binary frame of 100,000 bytes, and a tenth of it.
    const head = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 1, 0x86, 0xa0, 1, 2, 3, 4]);
    socket.write(Buffer.concat([head, Buffer.alloc(10_000)]));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(server.connections).toBe(2);
    socket.destroy();
    expect(await healthy.act(seen(0))).toHaveLength(23);
    await expect.poll(() => server.connections, POLL).toBe(1);
  });

  it('counts what it did', async () => {
    const { url, http } = await serve();
    const robot = await client(url);
    for (let step = 0; step < 21; step++) await robot.act(seen(step));
    const metrics = await (await fetch(`${http}/metrics`)).text();
    expect(metrics).toMatch(/^valet_observations_total 21$/m);
    expect(metrics).toMatch(/^valet_reply_seconds_count\{planned="no"\} 19$/m);
    expect(metrics).toMatch(/^valet_reply_seconds_count\{planned="yes"\} 2$/m);
    expect(metrics).toMatch(/^valet_plan_seconds_count\{part="total"\} 3$/m); // the trial plan too
    for (const name of ['sent_bytes_total', 'received_bytes_total'])
      expect(Number(new RegExp(`^valet_${name} (\\d+)$`, 'm').exec(metrics)![1])).toBeGreaterThan(1000);
  });
});
