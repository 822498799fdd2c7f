import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { actionOf, fakeObservation, SeededPlanner, wireObservation } from '../../../test/support/serve.ts';
import { createPolicy, createSession } from '../../control/index.ts';
import type { Observation } from '../../robot/index.ts';
import { NumpyArray, type Packable, packMessage, unpackMessage, type WireMap } from '../../wire/index.ts';
import { startServer } from './server.ts';
import type { ServerOptions } from './serverOptions.ts';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing.close();
});

/** Where a connection is cut, in the life of one observation. */
const POINTS = ['before it arrives', 'during the plan', 'before the reply', 'in the reply', 'after the reply'] as const;
type Point = (typeof POINTS)[number];

async function serve(options: Partial<ServerOptions> = {}) {
  const planner = new SeededPlanner();
  const server = await startServer({ plannerFor: () => planner, sessionOptions: { seed: 5 }, ...options });
  opened.push(server);
  await server.ready;
  planner.requests = [];
  return { server, planner, ports: server.urls.map((url) => Number(new URL(url).port)) };
}

/** A network between client and server that loses what the server sends beyond `room` bytes, and can be cut. */
class Network {
  room = Number.POSITIVE_INFINITY;
  private readonly pairs: Socket[] = [];
  private constructor(private readonly server: Server) {}

  static async to(port: number): Promise<Network> {
    const server = createServer();
    const network = new Network(server);
    server.on('connection', (client) => {
      const upstream = connect(port, '127.0.0.1');
      network.pairs.push(client, upstream);
      client.pipe(upstream);
      upstream.on('data', (bytes) => {
        client.write(bytes.subarray(0, Math.max(0, Math.min(bytes.length, network.room))));
        network.room -= bytes.length;
      });
      for (const [one, other] of [[client, upstream] as const, [upstream, client] as const]) {
        one.on('error', () => undefined);
        one.on('close', () => other.destroy());
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push(network);
    return network;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  cut(): void {
    for (const socket of this.pairs.splice(0)) socket.destroy();
    this.room = Number.POSITIVE_INFINITY;
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}

/** A client that connects again when its connection is lost, and sends what was not answered again; no id, no reset. */
class Client {
  private socket: WebSocket | undefined;
  private frames: Buffer[] = [];
  private wake: (() => void) | undefined;
  constructor(private readonly network: Network) {}

  async act(message: { [key: string]: Packable }, cutAt?: Point): Promise<WireMap> {
    const bytes = packMessage(message);
    if (cutAt) await this.lose(bytes, cutAt);
    for (;;) {
      const socket = await this.connected();
      socket.send(bytes);
      const reply = await this.frame();
      if (reply) {
        if (cutAt === 'after the reply') this.network.cut();
        return unpackMessage(reply) as WireMap;
      }
    }
  }

  async reset(): Promise<void> {
    (await this.connected()).send(packMessage({ reset: true }));
  }

  private async lose(bytes: Uint8Array, point: Point): Promise<void> {
    const socket = await this.connected();
    if (point === 'after the reply') return;
    if (point === 'before the reply') this.network.room = 0;
    if (point === 'in the reply') this.network.room = 40;
    if (point !== 'before it arrives') socket.send(bytes);
    await new Promise((resolve) => setTimeout(resolve, point === 'during the plan' ? 8 : 40));
    this.network.cut();
  }

  private async connected(): Promise<WebSocket> {
    if (this.socket?.readyState === WebSocket.OPEN) return this.socket;
    this.frames = [];
    const socket = new WebSocket(`ws://127.0.0.1:${this.network.port}`);
    this.socket = socket;
    opened.push({ close: () => socket.terminate() });
    socket.on('error', () => this.wake?.());
    socket.on('close', () => this.wake?.());
    socket.on('message', (data) => {
      this.frames.push(data as Buffer);
      this.wake?.();
    });
    expect(await this.frame(), 'metadata').toBeDefined();
    return socket;
  }

  private async frame(): Promise<Buffer | undefined> {
    while (this.frames.length === 0) {
      if (this.socket!.readyState >= WebSocket.CLOSING) return undefined;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    return this.frames.shift();
  }
}

const seen = (step: number, robot = 0) =>
  fakeObservation({ taskId: 3, joint: step / 100 + robot, shade: step + 10 * robot, side: 16, length: 61 });

async function uncut(steps: number, robot = 0): Promise<Float32Array[]> {
  const policy = createPolicy({ planner: new SeededPlanner(), session: createSession({ seed: 5 }) });
  const actions: Float32Array[] = [];
  for (let step = 0; step < steps; step++) actions.push(await policy.act(seen(step, robot)));
  return actions;
}

function batch(observations: readonly Observation[]): { [key: string]: Packable } {
  const messages = observations.map((observation) => wireObservation(observation));
  const stacked = Object.keys(messages[0]!).map((key) => {
    const arrays = messages.map((message) => message[key] as NumpyArray);
    const bytes = Buffer.concat(arrays.map((array) => array.bytes));
    return [key, new NumpyArray(arrays[0]!.dtype, [arrays.length, ...arrays[0]!.shape], bytes)];
  });
  return Object.fromEntries(stacked);
}

describe('a client that lost its connection and knows no id', () => {
  it.each(POINTS)('goes on as if nothing had been: cut %s', async (point) => {
    const { planner, ports, server } = await serve();
    const robot = new Client(await Network.to(ports[0]!));
    planner.delayMs = 16;
    const expected = await uncut(45);
    // With a plan under way and without, the first observation too.
    for (let step = 0; step < 45; step++)
      expect(
        actionOf(await robot.act(wireObservation(seen(step)), [0, 7, 20, 21, 40].includes(step) ? point : undefined)),
      ).toEqual(expected[step]);
    expect(planner.requests).toHaveLength(3);
    expect((await server.metrics.resumed.get()).values[0]!.value).toBeGreaterThanOrEqual(4);
  });

  it.each(POINTS)('with three robots in chunks of 8: cut %s', async (point) => {
    const run = async (cuts: readonly number[]) => {
      const { planner, ports } = await serve();
      const robots = new Client(await Network.to(ports[0]!));
      planner.delayMs = 16;
      const chunks: Float32Array[] = [];
      for (let step = 0; step < 6; step++) {
        const message = { ...batch([0, 1, 2].map((row) => seen(8 * step, row))), __action_chunk_size__: 8 };
        const reply = await robots.act(message, cuts.includes(step) ? point : undefined);
        const chunk = reply.get('action_chunk') as NumpyArray;
        expect(chunk.shape).toEqual([3, 8, 23]);
        chunks.push(chunk.float32());
      }
      return { chunks, seeds: planner.requests.map(({ seed, stage }) => [seed, stage]) };
    };
    expect(await run([0, 2, 3])).toEqual(await run([]));
  });

  it.each([
    ['a port each', 10],
    ['one port for all', 1],
  ] as const)('ten at once: %s', async (_name, count) => {
    const { planner, ports } = await serve({ port: new Array(count).fill(0) });
    planner.delayMs = 16;
    const robots = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => new Client(await Network.to(ports[i % count]!))),
    );
    const expected = await Promise.all(robots.map((_, robot) => uncut(24, robot)));
    for (let step = 0; step < 24; step++) {
      const point = POINTS[[3, 9, 15, 20, 22].indexOf(step)];
      const replies = await Promise.all(robots.map((robot, i) => robot.act(wireObservation(seen(step, i)), point)));
      for (const [i, reply] of replies.entries()) expect(actionOf(reply), `robot ${i}`).toEqual(expected[i]![step]);
    }
  });

  it('begins anew with a reset, and in another task', async () => {
    const { ports } = await serve();
    const network = await Network.to(ports[0]!);
    const robot = new Client(network);
    for (let step = 0; step < 5; step++) await robot.act(wireObservation(seen(step)));
    network.cut();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await robot.reset();
    const [first, second] = await uncut(2);
    expect(actionOf(await robot.act(wireObservation(seen(0))))).toEqual(first);
    network.cut();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const other = await robot.act(wireObservation({ ...seen(0), taskId: 4 }));
    expect(actionOf(other)).toEqual(first);
    expect(actionOf(await robot.act(wireObservation({ ...seen(1), taskId: 4 })))).toEqual(second);
  });

  it('begins anew after it left in peace, and when nobody waits any more', async () => {
    const { ports, server } = await serve({ limits: { resumeMs: 50 } });
    const network = await Network.to(ports[0]!);
    const [first] = await uncut(1);
    for (const leave of ['close', 'terminate'] as const) {
      const socket = new WebSocket(`ws://127.0.0.1:${network.port}`);
      await new Promise((resolve) => socket.once('message', resolve));
      for (const step of [0, 1, 2]) {
        socket.send(packMessage(wireObservation(seen(step))));
        await new Promise((resolve) => socket.once('message', resolve));
      }
      socket[leave]();
      await expect.poll(() => server.connections, { timeout: 20_000 }).toBe(0);
      if (leave === 'terminate') await new Promise((resolve) => setTimeout(resolve, 100));
      const next = new Client(network);
      expect(actionOf(await next.act(wireObservation(seen(0))))).toEqual(first);
      network.cut();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });

  it('gets its plan after one that failed, and takes nothing of a robot that is still there', async () => {
    const { planner, ports } = await serve();
    const network = await Network.to(ports[0]!);
    const robot = new Client(network);
    const twin = new Client(await Network.to(ports[0]!));
    const expected = await uncut(21);
    for (let step = 0; step < 20; step++)
      for (const one of [robot, twin])
        expect(actionOf(await one.act(wireObservation(seen(step))))).toEqual(expected[step]);
    planner.failure = new Error('none');
    await expect(robot.act(wireObservation(seen(20)))).rejects.toThrow();
    planner.failure = undefined;
    network.cut();
    const healthz = async () => (await fetch(`http://127.0.0.1:${ports[0]}/healthz`)).status;
    await expect.poll(healthz, { timeout: 20_000 }).toBe(200);
    expect(actionOf(await robot.act(wireObservation(seen(20))))).toEqual(expected[20]);
    // Another robot that begins with what the twin sees is not taken for it.
    const newcomer = new Client(await Network.to(ports[0]!));
    const [first] = await (async () => {
      const policy = createPolicy({ planner: new SeededPlanner(), session: createSession({ seed: 5 }) });
      return [await policy.act(seen(19))];
    })();
    expect(actionOf(await newcomer.act(wireObservation(seen(19))))).toEqual(first);
    expect(actionOf(await twin.act(wireObservation(seen(20))))).toEqual(expected[20]);
  });
});
