import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  ArithmeticPlanner,
  actionOf,
  fakeObservation,
  goldenBytes,
  goldenLines,
  wireObservation,
} from '../../../test/support/serve.ts';
import { InputError, Random, ValetError } from '../../base/index.ts';
import { createPolicy, createSession } from '../../control/index.ts';
import type { PlanRequest } from '../../robot/index.ts';
import { NumpyArray, type Packable, packMessage, unpackMessage, type WireMap } from '../../wire/index.ts';
import { RemotePolicy } from '../client/remotePolicy.ts';
import { withoutPaths } from './clientError.ts';
import { type PolicyServer, startServer } from './server.ts';
import type { ServerOptions } from './serverOptions.ts';

/** How long a test waits for something that must come about. */
const POLL = { timeout: 20_000, interval: 5 };

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing.close();
});

async function serve(options: Partial<ServerOptions> = {}, planner = new ArithmeticPlanner()) {
  const server = await startServer({ plannerFor: () => planner, sessionOptions: { seed: 5 }, ...options });
  opened.push(server);
  return { server, planner, url: server.urls[0]!, http: server.urls[0]!.replace('ws', 'http') };
}

/** A bare client: every frame in order. */
class Bare {
  private readonly frames: { data: Buffer; isBinary: boolean }[] = [];
  private wake: (() => void) | undefined;
  readonly closed: Promise<{ code: number; reason: string }>;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data, isBinary) => {
      this.frames.push({ data: data as Buffer, isBinary });
      this.wake?.();
    });
    this.closed = new Promise((resolve) =>
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    opened.push({ close: () => socket.terminate() });
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<Bare> {
    const bare = new Bare(new WebSocket(url, { headers, perMessageDeflate: true }));
    await new Promise((resolve, reject) => {
      bare.socket.once('open', resolve).once('error', reject);
    });
    return bare;
  }

  send(message: { [key: string]: Packable } | Uint8Array | string): void {
    this.socket.send(message instanceof Uint8Array || typeof message === 'string' ? message : packMessage(message));
  }

  async frame(): Promise<{ data: Buffer; isBinary: boolean }> {
    while (this.frames.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.frames.shift()!;
  }

  async reply(): Promise<WireMap> {
    const { data, isBinary } = await this.frame();
    if (!isBinary) throw new Error(data.toString());
    return unpackMessage(data, { exactFloats: true }) as WireMap;
  }

  get waiting(): number {
    return this.frames.length;
  }
}

async function welcomed(url: string): Promise<Bare> {
  const bare = await Bare.open(url);
  await bare.frame();
  return bare;
}

/** The keys of a reply, with type and shape of arrays. */
function form(data: Uint8Array, without: string): unknown[] {
  const entries = [...(unpackMessage(data) as WireMap)].filter(([key]) => key !== without);
  return entries.map(([key, value]) => {
    if (value instanceof NumpyArray) return [key, value.dtype, value.shape];
    return value instanceof Map ? [key, [...value.keys()]] : [key, value];
  });
}

describe('the protocol', () => {
  it('speaks first, answers each observation once, and says how long it took', async () => {
    const { server, url } = await serve({ metadata: { name: 'test', reset_pose: [0, 1] } });
    await server.ready;
    const client = await Bare.open(url);
    expect(client.socket.extensions).toBe('');
    expect((await client.reply()).get('name')).toBe('test');
    client.send(wireObservation(fakeObservation()));
    const first = await client.reply();
    expect([...first.keys()]).toEqual(['action', 'server_timing']);
    expect((first.get('action') as NumpyArray).shape).toEqual([23]);
    expect((first.get('action') as NumpyArray).dtype).toBe('<f4');
    expect([...(first.get('server_timing') as WireMap).keys()]).toEqual(['infer_ms']);
    client.send(wireObservation(fakeObservation()));
    const timing = (await client.reply()).get('server_timing') as WireMap;
    expect([...timing.keys()]).toEqual(['infer_ms', 'prev_total_ms']);
    expect(client.waiting).toBe(0);
  });

  // The evaluator's session up to its batch of two robots, which a connection of one robot refuses; the chunk session
  // whole,
  // but for the timing, which that recording's own small server did not fill in.
  it.each([
    ['session_evaluator', 12, 5],
    ['session_chunks', 9, 4],
  ])("gives the recorded client of %s frames of the recorded server's form", async (session, count, replies) => {
    const { server, url } = await serve({ metadata: session === 'session_chunks' ? { server: 'chunks' } : {} });
    await server.ready;
    type Frame = { connection: number; from: string; opcode_name?: string; offset: number; nbytes: number };
    const bytes = goldenBytes({ file: `session/${session}.bin`, gzip: false });
    const part = ({ offset, nbytes }: Frame) => bytes.subarray(offset, offset + nbytes);
    const frames = goldenLines<Frame>(`session/${session}.jsonl`)
      .filter((frame) => frame.connection === 2 && frame.opcode_name === 'binary')
      .slice(0, count);
    const client = await Bare.open(url);
    let compared = 0;
    for (const frame of frames) {
      if (frame.from === 'client') client.send(part(frame));
      else {
        const without = session === 'session_chunks' ? 'server_timing' : '';
        expect(form((await client.frame()).data, without)).toEqual(form(part(frame), without));
        compared++;
      }
    }
    expect([frames.length, compared, client.waiting]).toEqual([count, replies, 0]);
  });

  it('never answers a reset, and starts the episode over', async () => {
    const { server, url, planner } = await serve();
    await server.ready;
    const client = await welcomed(url);
    planner.requests = [];
    client.send({ reset: true });
    client.send({ reset: false, ...wireObservation(fakeObservation()) });
    client.send(wireObservation(fakeObservation({ joint: 0.2 })));
    expect(actionOf(await client.reply())[7]).toBeCloseTo(0.2 + 0.1, 5);
    client.send({ reset: true });
    client.send(wireObservation(fakeObservation({ joint: 0.3 })));
    // A new plan from the new state, with nothing kept from the old one.
    expect(actionOf(await client.reply())[7]).toBeCloseTo(0.3 + 0.1, 5);
    expect(client.waiting).toBe(0);
    expect(planner.requests.map(({ prefix }) => prefix)).toEqual([undefined, undefined]);
  });

  it('answers with a leading axis of 1 when asked with one', async () => {
    const { server, url } = await serve();
    await server.ready;
    const client = await welcomed(url);
    const lead = Object.fromEntries(
      Object.entries(wireObservation(fakeObservation({ length: 61 }))).map(([key, value]) => {
        const array = value as NumpyArray;
        return [key, new NumpyArray(array.dtype, [1, ...array.shape], array.bytes)];
      }),
    );
    client.send(lead);
    expect(((await client.reply()).get('action') as NumpyArray).shape).toEqual([1, 23]);
  });

  it('fills chunk requests of a size that its steps do not divide by, in fewer steps a plan', async () => {
    const { server, url, planner } = await serve();
    await server.ready;
    // 16 of the 20 steps, so 21 of the 26 rows; what is left of the 30 rows is kept.
    const session = createSession({ seed: 5, executeActions: 21, executeSteps: 16, keepActions: 9 });
    const local = createPolicy({ planner: new ArithmeticPlanner(), session });
    const chunked = await welcomed(url);
    planner.requests = [];
    for (let message = 0; message < 6; message++) {
      chunked.send({ ...wireObservation(fakeObservation()), __action_chunk_size__: 8 });
      const reply = await chunked.reply();
      const chunk = reply.get('action_chunk') as NumpyArray;
      expect(chunk.shape).toEqual([8, 23]);
      expect(chunk.float32().subarray(0, 23)).toEqual(actionOf(reply));
      for (let row = 0; row < 8; row++)
        expect(chunk.float32().slice(row * 23, row * 23 + 23)).toEqual(await local.act(fakeObservation()));
    }
    expect(planner.requests).toHaveLength(3);
  });
});

describe('several robots', () => {
  it('each have their own session, however their messages interleave', async () => {
    const { server, url, planner } = await serve();
    planner.delayMs = 3;
    await server.ready;
    const random = Random.of('interleave');
    const robots = await Promise.all(
      [0, 1, 2].map(async (i) => {
        const local = createPolicy({ planner: new ArithmeticPlanner(), session: createSession({ seed: 5 }) });
        const remote = await RemotePolicy.connect(url);
        opened.push(remote);
        return {
          local,
          remote,
          observations: Array.from({ length: 45 }, (_, step) =>
            fakeObservation({ taskId: i, joint: 0.1 * i + step / 1000, shade: 10 * i + step }),
          ),
        };
      }),
    );
    await Promise.all(
      robots.map(async ({ local, remote, observations }) => {
        for (const [step, observation] of observations.entries()) {
          if (step === 30) await Promise.all([local.reset(), remote.reset()]);
          await new Promise((resolve) => setTimeout(resolve, random.integer(4)));
          expect(await remote.act(observation)).toEqual(await local.act(observation));
          expect(remote.note).toEqual(local.note);
        }
      }),
    );
  });

  it('beyond the limit are refused, and let in when one leaves', async () => {
    const { server, url } = await serve({ limits: { maxConnections: 1 } });
    await server.ready;
    const first = await welcomed(url);
    await expect(Bare.open(url)).rejects.toThrow(/503/);
    first.socket.close();
    await first.closed;
    await expect
      .poll(
        () =>
          Bare.open(url).then(
            () => 'in',
            () => 'out',
          ),
        POLL,
      )
      .toBe('in');
  });
});

describe('what goes wrong', () => {
  const good = () => packMessage(wireObservation(fakeObservation()));
  const cases: [string, () => Uint8Array | string, RegExp][] = [
    ['bytes that are no message', () => Uint8Array.of(0xc1), /^error [0-9a-f]{8}: message: the reserved type byte/],
    ['a message cut off', () => good().subarray(0, 700), /cut off/],
    ['a text frame', () => 'hello', /text frame/],
    [
      'a message without pictures',
      () => packMessage({ 'robot_r1::proprio': new Float32Array(256) }),
      /no key for camera head/,
    ],
    ['an unknown task', () => packMessage(wireObservation(fakeObservation({ taskId: 77 }))), /unknown task id/],
    [
      'numbers that are not finite',
      () => packMessage(wireObservation(fakeObservation({ joint: Number.NaN }))),
      /not finite/,
    ],
    ['a nested message', () => new Uint8Array(50_000).fill(0x91), /nested deeper/],
  ];
  it.each(cases)('%s: one text frame, then the end; other robots go on', async (_name, bytes, expected) => {
    const { server, url } = await serve();
    await server.ready;
    const healthy = await welcomed(url);
    const client = await welcomed(url);
    client.send(bytes());
    const { data, isBinary } = await client.frame();
    expect(isBinary).toBe(false);
    expect(data.toString()).toMatch(expected);
    expect((await client.closed).code).toBe(1011);
    healthy.send(good());
    expect(actionOf(await healthy.reply())).toHaveLength(23);
  });

  it("a planner's failure reaches the log, not the client; health follows, until a plan works", async () => {
    const lines: string[] = [];
    const logger = pino({}, { write: (line: string) => void lines.push(line) });
    const { server, url, http, planner } = await serve({ logger });
    await server.ready;
    const client = await welcomed(url);
    planner.failure = new Error('out of memory in /home/somebody/secret/plan.ts');
    client.send(good());
    const text = (await client.frame()).data.toString();
    expect(text).toMatch(/^error [0-9a-f]{8}: no plan could be made$/);
    const id = text.slice(6, 14);
    const entry = lines.map((line) => JSON.parse(line)).find((line) => line.id === id);
    expect(JSON.stringify(entry)).toContain('out of memory');
    const health = async () => (await fetch(`${http}/healthz`)).status;
    await expect.poll(health, POLL).toBe(503);
    // A robot is let in all the same; its plan is as good as a trial.
    const newcomer = await welcomed(url);
    planner.failure = undefined;
    newcomer.send(good());
    await newcomer.reply();
    await expect.poll(health, POLL).toBe(200);
  });

  it("one robot's plan that fails closes no door: others are let in, and get theirs", async () => {
    const deadly = 0.9;
    const planner = new (class extends ArithmeticPlanner {
      override async plan(requests: readonly PlanRequest[]) {
        if (requests.some(({ state }) => state[7] === Math.fround(deadly))) throw new Error('the worker ended');
        return super.plan(requests);
      }
    })();
    const { server, url, http } = await serve({}, planner);
    await server.ready;
    const [doomed, other] = [await welcomed(url), await welcomed(url)];
    // The trial that looks into it takes a while.
    const release = planner.hold();
    doomed.send(wireObservation(fakeObservation({ joint: deadly })));
    expect((await doomed.frame()).data.toString()).toMatch(/no plan could be made/);
    await expect.poll(() => planner.asked, POLL).toBe(2);
    expect((await fetch(`${http}/healthz`)).status).toBe(200);
    const newcomer = await welcomed(url);
    for (const robot of [other, newcomer]) robot.send(good());
    release();
    for (const robot of [other, newcomer]) expect(actionOf(await robot.reply())).toHaveLength(23);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'a plan with %s is never sent: the last safe action is',
    async (poison) => {
      const { server, url, http, planner } = await serve();
      await server.ready;
      const client = await welcomed(url);
      planner.poison = poison;
      // Before any action the joints stay where they are, and the base stands.
      client.send(packMessage(wireObservation(fakeObservation({ joint: 0.4 }))));
      const held = actionOf(await client.reply());
      expect([...held.subarray(0, 3), held[7], held[14]]).toEqual([0, 0, 0, Math.fround(0.4), 0]);
      planner.poison = undefined;
      await expect.poll(async () => (await fetch(`${http}/healthz`)).status, POLL).toBe(200);
      const safe: Float32Array[] = [];
      for (let step = 0; step < 20; step++) {
        client.send(good());
        safe.push(actionOf(await client.reply()));
      }
      planner.poison = poison;
      for (let step = 0; step < 3; step++) {
        client.send(good());
        expect(actionOf(await client.reply())).toEqual(safe.at(-1));
      }
      const metrics = await (await fetch(`${http}/metrics`)).text();
      expect(metrics).toMatch(/^valet_unsafe_total{what="plan"} 4$/m);
      planner.poison = undefined;
      client.send(good());
      expect(actionOf(await client.reply())).not.toEqual(safe.at(-1));
    },
  );

  it('a plan that takes too long is given up', async () => {
    const { server, url, planner } = await serve({ limits: { planTimeoutMs: 50 } });
    await server.ready;
    planner.delayMs = 300;
    const client = await welcomed(url);
    client.send(good());
    expect((await client.frame()).data.toString()).toMatch(/no plan could be made/);
  });

  it('a message beyond the size limit ends the connection', async () => {
    const { server, url } = await serve({ limits: { maxMessageBytes: 10_000 } });
    await server.ready;
    const client = await welcomed(url);
    client.send(new Uint8Array(20_000));
    expect((await client.closed).code).toBe(1009);
  });

  it('a flood of observations is slowed, not stored: all are answered, in order', async () => {
    const { server, url, planner } = await serve({ limits: { maxQueuedMessages: 2, maxQueuedBytes: 1 << 20 } });
    await server.ready;
    const release = planner.hold();
    const client = await welcomed(url);
    // Messages of 1.2 MB: what the server does not read stays with the client.
    const side = 320;
    const picture = { width: side, height: side, channels: 4 as const, data: new Uint8Array(side * side * 4) };
    const pictures = { head: picture, left_wrist: picture, right_wrist: picture };
    for (let i = 0; i < 60; i++)
      client.send(packMessage(wireObservation({ ...fakeObservation({ joint: i / 100 }), pictures })));
    let left = -1;
    for (let same = 0; same < 5; same = left === client.socket.bufferedAmount ? same + 1 : 0) {
      left = client.socket.bufferedAmount;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(left, 'left with the client').toBeGreaterThan(40e6);
    release();
    const actions: Float32Array[] = [];
    for (let i = 0; i < 60; i++) actions.push(actionOf(await client.reply()));
    // A new plan every 20 steps, from the state of that observation.
    for (const i of [0, 20, 40]) expect(actions[i]![7]).toBeCloseTo(i / 100, 5);
  });

  it('a client that does not read its replies is not served without end', async () => {
    let answered = 0;
    const respond = () => {
      answered++;
      return new Uint8Array(1 << 20);
    };
    const server = await startServer({ responderFor: () => ({ respond }) });
    opened.push(server);
    await server.ready;
    const client = await welcomed(server.urls[0]!);
    client.socket.pause();
    for (let i = 0; i < 100; i++) client.send({ i });
    let before = -1;
    while (before !== answered || answered === 0) {
      before = answered;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(answered).toBeLessThan(60); // what the kernel's buffers hold, and a little
    client.socket.resume();
    for (let i = 0; i < 100; i++) expect((await client.frame()).data.byteLength).toBe(1 << 20);
  });

  it('no text to a client holds a path', () => {
    expect(withoutPaths('cannot read /home/me/x.json and C:\\a\\b\\c.txt.')).toBe('cannot read (path) and (path)');
    expect(withoutPaths('expected 0…49, or -1; "robot_r1::robot_r1:zed_link:Camera:0::rgb"')).toContain(
      'zed_link:Camera:0::rgb',
    );
  });
});

describe('HTTP on the same port', () => {
  it('/healthz says OK only once a plan can be made', async () => {
    const planner = new ArithmeticPlanner();
    const release = planner.hold();
    const { server, http, url } = await serve({}, planner);
    expect((await fetch(`${http}/healthz`)).status).toBe(503);
    await expect(Bare.open(url)).rejects.toThrow(/503/);
    release();
    await server.ready;
    const response = await fetch(`${http}/healthz`);
    expect([response.status, await response.text(), response.headers.get('content-type')]).toEqual([
      200,
      'OK\n',
      'text/plain; charset=utf-8',
    ]);
    expect(planner.requests).toHaveLength(1);
  });

  it('/healthz stays unwell when the trial plan fails', async () => {
    const planner = new ArithmeticPlanner();
    planner.failure = new Error('no weights');
    const { server, http } = await serve({}, planner);
    await expect(server.ready).rejects.toThrow(/no weights/);
    expect((await fetch(`${http}/healthz`)).status).toBe(503);
  });

  it('/info, /metrics, and nothing else', async () => {
    const { server, http, url } = await serve({ metadata: { name: 'test' } });
    await server.ready;
    const client = await welcomed(url);
    client.send(wireObservation(fakeObservation()));
    await client.reply();
    expect(await (await fetch(`${http}/info`)).json()).toMatchObject({
      name: 'valet',
      ready: true,
      connections: 1,
      metadata: { name: 'test' },
    });
    const metrics = await (await fetch(`${http}/metrics`)).text();
    expect(metrics).toMatch(/^valet_observations_total 1$/m);
    expect(metrics).toMatch(/^valet_connections 1$/m);
    const other = await fetch(`${http}/etc/passwd`);
    expect([other.status, other.headers.get('upgrade')]).toEqual([426, 'websocket']);
    expect((await fetch(`${http}/healthz`, { method: 'POST', body: 'x' })).status).toBe(405);
  });
});

describe('who may connect', () => {
  it('only who has the key', async () => {
    const { server, url, http } = await serve({ apiKey: 'a-long-secret' });
    await server.ready;
    await expect(Bare.open(url)).rejects.toThrow(/401/);
    await expect(Bare.open(url, { Authorization: 'Api-Key a-long-secre' })).rejects.toThrow(/401/);
    await expect(Bare.open(url, { Authorization: 'Api-Key' })).rejects.toThrow(/401/);
    await Bare.open(url, { Authorization: 'Bearer a-long-secret' });
    const policy = await RemotePolicy.connect(url, { apiKey: 'a-long-secret' });
    opened.push(policy);
    expect(await policy.act(fakeObservation())).toHaveLength(23);
    expect((await fetch(`${http}/healthz`)).status).toBe(200);
    expect((await fetch(`${http}/metrics`)).status).toBe(401);
    expect((await fetch(`${http}/info`, { headers: { Authorization: 'Api-Key a-long-secret' } })).status).toBe(200);
  });

  it('no open address without a key, unless insisted on', async () => {
    const plannerFor = () => new ArithmeticPlanner();
    await expect(startServer({ plannerFor, host: '0.0.0.0' })).rejects.toThrow(InputError);
    await expect(startServer({ plannerFor, host: '0.0.0.0', apiKey: 'short' })).rejects.toThrow(InputError);
    const { server } = await serve({ host: '0.0.0.0', open: true });
    expect(server.port).toBeGreaterThan(0);
  });

  it('no page of another site', async () => {
    const { server, url } = await serve();
    await server.ready;
    await expect(Bare.open(url, { Origin: 'http://evil.example' })).rejects.toThrow(/403/);
    await Bare.open(url, { Origin: url.replace('ws', 'http') });
  });

  it('a taken port is said to be taken', async () => {
    const { server } = await serve();
    await expect(startServer({ plannerFor: () => new ArithmeticPlanner(), port: server.port })).rejects.toThrow(
      /the port is taken/,
    );
  });
});

describe('closing', () => {
  it('lets the reply under way go out, refuses what is new, and frees the port', async () => {
    const { server, url, planner, http } = await serve();
    await server.ready;
    const busy = await welcomed(url);
    const idle = await welcomed(url);
    const release = planner.hold();
    busy.send(wireObservation(fakeObservation()));
    await expect.poll(() => planner.asked, POLL).toBe(2);
    const closed = server.close();
    release();
    expect(actionOf(await busy.reply())).toHaveLength(23);
    expect((await busy.closed).code).toBe(1001);
    expect((await idle.closed).code).toBe(1001);
    await closed;
    await expect(fetch(`${http}/healthz`)).rejects.toThrow();
    const again: PolicyServer = await startServer({ plannerFor: () => planner, port: server.port });
    await again.close();
  });
});

describe('the remote policy', () => {
  it('waits for the server to be well', async () => {
    const planner = new ArithmeticPlanner();
    planner.delayMs = 300;
    const { url } = await serve({ metadata: { name: 'slow' } }, planner);
    const policy = await RemotePolicy.connect(url);
    opened.push(policy);
    expect(policy.metadata.get('name')).toBe('slow');
  });

  it('takes a text frame for an error and is of no more use', async () => {
    const { server, url } = await serve();
    await server.ready;
    const policy = await RemotePolicy.connect(url);
    opened.push(policy);
    await expect(policy.act(fakeObservation({ taskId: 77 }))).rejects.toThrow(
      /the server reports: error [0-9a-f]{8}: session: unknown task id/,
    );
    await expect(policy.act(fakeObservation())).rejects.toThrow(ValetError);
    await expect(policy.reset()).rejects.toThrow(ValetError);
  });

  it('gives up on a reply that does not come, a server that is not there, and an address that is none', async () => {
    const { server, url, planner } = await serve();
    await server.ready;
    const policy = await RemotePolicy.connect(url, { replyTimeoutMs: 50 });
    planner.delayMs = 400;
    await expect(policy.act(fakeObservation())).rejects.toThrow(/no reply within 50 ms/);
    await server.close();
    await expect(RemotePolicy.connect(url, { healthTimeoutMs: 300 })).rejects.toThrow(
      /no server answers there \(http:.*\/healthz was asked \d+ times in 0\.3 s; last: ECONNREFUSED\)/,
    );
    await expect(RemotePolicy.connect('http://localhost:1')).rejects.toThrow(InputError);
  });

  it('learns that the server went away', async () => {
    const { server, url } = await serve();
    await server.ready;
    const policy = await RemotePolicy.connect(url);
    await policy.act(fakeObservation());
    await server.close();
    await expect(policy.act(fakeObservation())).rejects.toThrow(/code 1001/);
    await policy.close();
  });
});
