import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Heartbeat } from './heartbeat.ts';

const opened: { close(): unknown }[] = [];
afterEach(() => {
  for (const thing of opened.splice(0).reverse()) thing.close();
});

/** A client that answers pings or not, as it is told, and the server's view of it. */
async function connected(idleMs = 60_000) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  opened.push(server);
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { autoPong: false });
  const state = { answers: true, pings: 0, busy: false, idle: false, client };
  client.on('ping', () => {
    state.pings++;
    if (state.answers) client.pong();
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

it('gives up a client that is silent for longer than it may be idle', async () => {
  const { state, socket } = await connected(100);
  state.busy = true;
  await expect.poll(() => state.pings).toBeGreaterThan(2);
  await sleep(300);
  expect(socket.readyState, 'while it answers').toBe(WebSocket.OPEN);
  state.answers = false;
  await expect.poll(() => socket.readyState, { timeout: 5000 }).toBe(WebSocket.CLOSED);
  expect(state.idle).toBe(false);
});

it('keeps one that answers no ping while it loads a scene, until it is idle for too long', async () => {
  const { state, socket } = await connected(1500);
  state.answers = false;
  await sleep(600);
  expect(socket.readyState, 'while it loads a scene').toBe(WebSocket.OPEN);
  await expect.poll(() => socket.readyState, { timeout: 5000 }).toBe(WebSocket.CLOSED);
});
