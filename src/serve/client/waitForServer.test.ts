import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { waitForServer } from './waitForServer.ts';

let servers: Server[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  servers = [];
});

async function start(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const answering = (statuses: number[]) =>
  createServer((_, response) => {
    response.writeHead(statuses.length > 1 ? statuses.shift()! : statuses[0]!).end();
  });

it('tells after 4.5 seconds of a server that is not there, and what was tried', async () => {
  const address = await start(answering([200]));
  await new Promise((resolve) => servers.pop()!.close(resolve));
  await expect(waitForServer(`ws://${address}`)).rejects.toThrow(
    new RegExp(
      `no server answers there \\(http://${address}/healthz was asked \\d+ times in 4.5 s; last: ECONNREFUSED`,
    ),
  );
});

it('waits as long as it is told, and counts down; a signal ends it', async () => {
  const server = answering([200]);
  const address = await start(server);
  await new Promise((resolve) => servers.pop()!.close(resolve));
  const told: string[] = [];
  const stop = new AbortController();
  const onWait = (what: string, left: number) => {
    told.push(`${what} ${Math.round(left)}`);
    if (told.length === 3) stop.abort();
  };
  await expect(
    waitForServer(`ws://${address}`, { waitMs: 120_000, onWait, signal: stop.signal }),
  ).rejects.toMatchObject({
    kind: 'interrupted',
  });
  // The first look may have taken a while.
  expect(told[0]).toMatch(/^no server answers \(ECONNREFUSED\) 1[012]\d$/);
});

it('finds a server on a port that browsers keep clear of', async () => {
  const taken = [10080, 6697, 6669, 6668, 6667, 6666, 6665, 6566, 6000, 5061, 5060, 4190, 4045];
  for (const port of taken) {
    const server = answering([200]);
    const listens = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!listens) continue;
    servers.push(server);
    return expect(waitForServer(`ws://127.0.0.1:${port}`, { waitMs: 4000 })).resolves.toBeUndefined();
  }
  throw new Error('none of these ports is free');
});

it('gives a server that loads its time', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const address = await start(answering([503, 503, 200]));
  const told: string[] = [];
  const onWait = (what: string) => {
    told.push(what);
    vi.advanceTimersByTime(20_000);
  };
  await waitForServer(`ws://${address}`, { waitMs: 10_000, onWait });
  expect(told).toEqual(['the server loads (status 503)', 'the server loads (status 503)']);
});

it('asks below the prefix of an address first, and at the root where nothing is known there', async () => {
  const asked: string[] = [];
  const answers = (statusOf: (path: string) => number) =>
    createServer(({ url = '' }, response) => {
      asked.push(url);
      response.writeHead(statusOf(url)).end();
    });
  // Another program is healthy at the root while the policy loads.
  let left = 1;
  const proxy = await start(answers((path) => (path === '/robots/7/healthz' && left-- > 0 ? 503 : 200)));
  await waitForServer(`ws://${proxy}/robots/7/`);
  expect(asked).toEqual(['/robots/7/healthz', '/robots/7/healthz']);
  asked.length = 0;
  const plain = await start(answers((path) => (path === '/healthz' ? 200 : 404)));
  await waitForServer(`ws://${plain}/robots/7`);
  expect(asked).toEqual(['/robots/7/healthz', '/healthz']);
});

it('ends at once where waiting mends nothing: a certificate that is not accepted, TLS on one side', async () => {
  const pem = (name: string) => readFileSync(new URL(`../../../test/fixtures/tls/${name}.pem`, import.meta.url));
  const secure = await start(createSecureServer({ cert: pem('cert'), key: pem('key') }));
  const waited: string[] = [];
  const options = { waitMs: 60_000, onWait: (what: string) => waited.push(what) };
  await expect(waitForServer(`wss://${secure}`, options)).rejects.toMatchObject({
    kind: 'input',
    message: expect.stringMatching(/certificate cannot be accepted \(DEPTH_ZERO_SELF_SIGNED_CERT.*NODE_EXTRA_CA_CERTS/),
  });
  const plain = await start(answering([200]));
  await expect(waitForServer(`wss://${plain}`, options)).rejects.toThrow(/speaks no TLS there/);
  expect(waited).toEqual([]);
});
