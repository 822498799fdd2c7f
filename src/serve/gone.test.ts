import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { writeTinyPolicy } from '../../test/support/model.ts';
import { actionOf, fakeObservation, wireObservation } from '../../test/support/serve.ts';
import { Random } from '../base/index.ts';
import { packMessage, unpackMessage } from '../wire/index.ts';
import { type RunningServer, serveCheckpoint } from './index.ts';

/** Clients that go while a real network plans for them, on a real server. */
let folder: string;
let running: RunningServer;
let url: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-gone-'));
  // So many steps that a plan takes a while.
  await writeTinyPolicy(folder, { samplingSteps: 500 });
  running = await serveCheckpoint({ checkpoint: folder, maxWaitingPlans: 9 });
  await running.server.ready;
  [url] = running.server.urls as [string];
}, 60_000);
afterAll(async () => {
  await running?.close();
  await rm(folder, { recursive: true });
});

async function metric(name: string): Promise<number> {
  const text = await running.server.metrics.registry.metrics();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length) ?? 0,
  );
}
/** How long a test waits for something that must come about. */
const POLL = { timeout: 30_000, interval: 2 };
/** Passes that were not given up. */
const finished = () => metric('valet_plan_seconds_count{part="denoise"}');
const passes = () => metric('valet_batch_size_count');
const waiting = () => metric('valet_plans_waiting');

/** An observation of robot `robot`. */
const message = (robot: number) =>
  packMessage(wireObservation(fakeObservation({ taskId: 1, joint: robot / 100, shade: robot, side: 16 })));

class Client {
  readonly reply: Promise<Float32Array>;
  private constructor(private readonly socket: WebSocket) {
    this.reply = new Promise((resolve, reject) => {
      socket.on('message', (data, isBinary) => {
        if (!isBinary) reject(new Error(String(data)));
        else resolve(actionOf(unpackMessage(data as Buffer)));
      });
      socket.on('close', () => reject(new Error('the connection was lost')));
    });
    this.reply.catch(() => undefined);
  }

  static async connect(): Promise<Client> {
    const socket = new WebSocket(url);
    await new Promise((resolve) => socket.once('message', resolve));
    return new Client(socket);
  }

  /** Connects, and asks for an action of robot `robot`. */
  static async ask(robot: number, { reset = true } = {}): Promise<Client> {
    const client = await Client.connect();
    client.ask(robot, { reset });
    return client;
  }

  ask(robot: number, { reset = true } = {}): void {
    if (reset) this.socket.send(packMessage({ reset: true }));
    this.socket.send(message(robot));
  }

  leave(): void {
    this.socket.terminate();
  }
}

/** When a plan asked for now has come, all that clients asked for before they left was heard, and is over. */
async function allOver(): Promise<void> {
  const last = await Client.ask(99);
  await last.reply;
  last.leave();
  await expect.poll(() => running.server.connections, POLL).toBe(0);
}

describe('plans of clients that have gone', () => {
  it('the one that stays waits for its own plan, not for those of eight that left', async () => {
    const before = await finished();
    const ghosts = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => Client.connect()));
    const honest = await Client.connect();
    for (const [i, ghost] of ghosts.entries()) ghost.ask(i + 1);
    await expect.poll(waiting, POLL).toBeGreaterThan(3);
    honest.ask(9);
    for (const ghost of ghosts) ghost.leave();
    await expect.poll(waiting, POLL).toBeLessThanOrEqual(1);
    await honest.reply;
    // A pass begun before the server heard that its client left is given up, so it is not counted.
    expect((await finished()) - before, 'its own, and at most the one that ran').toBeLessThanOrEqual(2);
    expect(await waiting()).toBe(0);
    honest.leave();
  });

  it('a storm of clients that come and go refuses nobody who stays', async () => {
    const random = Random.of('storm');
    let over = false;
    const gust = async (_: unknown, first: number) => {
      for (let robot = 1000 * (first + 1); !over; robot++) {
        const ghost = await Client.ask(robot);
        await sleep(1 + 20 * random.uniform());
        ghost.leave();
        await ghost.reply.catch(() => undefined);
        await expect.poll(waiting, POLL).toBeLessThanOrEqual(3);
      }
    };
    const storm = Promise.all([0, 1, 2].map(gust));
    for (let i = 0; i < 5; i++) {
      const honest = await Client.ask(1);
      await honest.reply;
      honest.leave();
    }
    over = true;
    await storm;
  });

  it('a client that times out and asks again takes its plan, however often', async () => {
    await allOver();
    const before = await passes();
    let client = await Client.ask(50);
    await expect.poll(passes, POLL).toBe(before + 1);
    for (let i = 0; i < 3; i++) {
      await sleep(20);
      client.leave();
      client = await Client.ask(50, { reset: false });
    }
    const action = await client.reply;
    expect((await passes()) - before).toBe(1);
    client.leave();
    const again = await Client.ask(50);
    expect(await again.reply).toEqual(action);
    again.leave();
  });

  it('a client that asks for something else does not wait behind its own ghost', async () => {
    await allOver();
    // On a busy machine the ghost's plan may be finished before the next message is heard.
    const plansFinished = async () => {
      const [before, finishedBefore] = [await passes(), await finished()];
      const ghost = await Client.ask(60);
      await expect.poll(passes, POLL).toBe(before + 1);
      ghost.leave();
      const other = await Client.ask(61, { reset: false });
      await other.reply;
      other.leave();
      return (await finished()) - finishedBefore;
    };
    await expect.poll(plansFinished, POLL).toBe(1);
  });
});
