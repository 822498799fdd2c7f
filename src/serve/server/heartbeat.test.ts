import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Heartbeat } from './heartbeat.ts';

const POLL = { timeout: 20_000, interval: 5 };
type Connected = Awaited<ReturnType<typeof connected>>;

// The heartbeat's time is the test's; sockets and single time-outs are real.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
const opened: { close(): unknown }[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const thing of opened.splice(0).reverse()) thing.close();
});

/** A client that answers pings or not, as it is told, and the server's view of it. */
async function connected(idleMs = 60_000) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  opened.push(server);
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { autoPong: false });
  const state = { answers: true, pings: 0, busy: false, idle: false, client };
  client.on('ping', (data) => {
    state.pings++;
    if (state.answers) client.pong(data);
  });
  const [socket] = (await once(server, 'connection')) as [WebSocket];
  const heartbeat = new Heartbeat({
    ...{ socket, idleMs, pingMs: 20, silenceMs: 150 },
    isDeaf: () => false,
    isBusy: () => state.busy,
    onIdle: () => {
      state.idle = true;
      socket.terminate();
    },
  });
  opened.push({ close: () => client.terminate() }, { close: () => heartbeat.stop() });
  await once(client, 'open');
  return { state, socket, heartbeat };
}

/** Time passes; what was sent meanwhile has arrived. */
async function pass(ms: number, { client }: Connected['state'], socket: WebSocket): Promise<void> {
  vi.advanceTimersByTime(ms);
  if (socket.readyState !== WebSocket.OPEN) return;
  // Frames arrive in order, so all before this one have.
  const [there, back] = [once(client, 'message'), once(socket, 'message')];
  socket.send('are you there?');
  await there;
  client.send('yes');
  await back;
}

it('gives up a client that is silent for longer than it may be idle', async () => {
  const { state, socket } = await connected(100);
  state.busy = true;
  for (let i = 0; i < 20; i++) await pass(20, state, socket);
  expect(state.pings).toBe(20);
  expect(socket.readyState, 'while it answers').toBe(WebSocket.OPEN);
  state.answers = false;
  await pass(140, state, socket);
  expect(socket.readyState, 'silent, but not for long').toBe(WebSocket.OPEN);
  await pass(40, state, socket);
  await expect.poll(() => socket.readyState, POLL).toBe(WebSocket.CLOSED);
  expect(state.idle).toBe(false);
});

it('keeps one that answers no ping while it loads a scene, until it is idle for too long', async () => {
  const { state, socket } = await connected(1500);
  state.answers = false;
  await pass(1400, state, socket);
  expect(socket.readyState, 'while it loads a scene').toBe(WebSocket.OPEN);
  vi.advanceTimersByTime(400);
  await expect.poll(() => socket.readyState, POLL).toBe(WebSocket.CLOSED);
  expect(state.idle).toBe(true);
});

it('finds out by one ping whether a client is there, however many ask', async () => {
  const { state, heartbeat } = await connected();
  const many = () => Promise.all(Array.from({ length: 20 }, () => heartbeat.answers(state.answers ? 60_000 : 20)));
  expect(new Set(await many())).toEqual(new Set([true]));
  state.answers = false;
  expect(new Set(await many())).toEqual(new Set([false]));
  expect(state.pings).toBe(2);
});
