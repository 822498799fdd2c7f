import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { NumpyArray, packMessage } from '../../wire/index.ts';
import { readLedger } from '../ledger/ledger.ts';
import { readEvaluation } from '../report/report.ts';
import { evaluate } from './evaluate.ts';

const root = await temporaryFolder();

/** What a server answers to an observation: bytes, or nothing. */
type Answer = (connection: number, step: number, socket: WebSocket) => Uint8Array | undefined;

const good = packMessage({ action: NumpyArray.of(new Float32Array(23), [23]) });

let closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers) await close();
  closers = [];
});

/** A server of the official wire, healthy as long as it is there. Resets are not answered. */
async function serve(
  answer: Answer,
  {
    port = 0,
    greeting = () => packMessage({}),
  }: { port?: number; greeting?: (connection: number) => Uint8Array | undefined } = {},
) {
  const http = createServer((_request, response) => response.end('OK\n')).listen(port, '127.0.0.1');
  await once(http, 'listening');
  const sockets = new WebSocketServer({ server: http });
  let connections = 0;
  sockets.on('connection', (socket) => {
    const connection = connections++;
    let step = 0;
    const first = greeting(connection);
    if (first) socket.send(first);
    socket.on('error', () => {});
    socket.on('message', (data: Buffer) => {
      if (data.length < 100) return;
      const reply = answer(connection, step++, socket);
      if (reply) socket.send(reply);
    });
  });
  const close = async () => {
    for (const socket of sockets.clients) socket.terminate();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  };
  closers.push(close);
  const own = (http.address() as AddressInfo).port;
  return { url: `ws://127.0.0.1:${own}`, port: own, close };
}

const common = { tasks: ['turning_on_radio'], maxSteps: 30, silent: true, record: false, imageSize: 16 } as const;
const remote = (url: string) => ({ kind: 'remote', url }) as const;
const linesOf = async (out: string) =>
  (await readLedger(out)).map(({ instance, state, attempt }) => `${instance} ${state} ${attempt}`);

describe('an evaluation whose server goes away', { timeout: 120_000 }, () => {
  it('waits once, ends with what is missing, and mends it by --resume', async () => {
    const out = join(root, 'outage');
    // The third episode (connection 3: the first one looks who is there) ends the server.
    const server = await serve((connection, step) => {
      if (connection === 3 && step === 5) void server.close();
      return good;
    });
    const options = { ...common, policy: remote(server.url), instances: [0, 1, 2, 3], out, waitMs: 400 };
    const waits: string[] = [];
    const part = await evaluate({ ...options, onWait: (what) => void waits.push(what) });
    expect(waits.length).toBeGreaterThan(0);
    expect(part).toMatchObject({
      episodes: 2,
      tasks: { turning_on_radio: { episodes: 2, missing: 2 } },
      missing: [
        { instance: 2, reason: expect.stringContaining('the policy failed') },
        { instance: 3, reason: 'not played' },
      ],
      stopped: expect.stringMatching(/turning_on_radio_2_0 lost its server.*no server answers there/),
    });
    expect((await readEvaluation(out)).summary).toMatchObject({ official: part.official, missing: part.missing });
    await serve(() => good, { port: server.port });
    const whole = await evaluate({ ...options, resume: true });
    expect(whole).toMatchObject({ episodes: 4 });
    expect(whole.missing).toBeUndefined();
    expect(await linesOf(out)).toEqual(['0 done 1', '1 done 1', '2 invalid 1', '2 done 2', '3 done 1']);
  });

  it('goes on when it is back; episodes under way are played again, and never scored as they were', async () => {
    const out = join(root, 'back');
    const server = await serve((connection, step) => {
      if (connection === 2 && step === 5)
        void server.close().then(() => setTimeout(() => void serve(() => good, { port: server.port }), 1500));
      return good;
    });
    const waits: string[] = [];
    const summary = await evaluate({
      ...common,
      policy: remote(server.url),
      instances: [0, 1, 2],
      workers: 2,
      out,
      onWait: (what) => void waits.push(what),
    });
    expect(summary).toMatchObject({ episodes: 3 });
    expect(summary.stopped).toBeUndefined();
    expect(waits.length).toBeGreaterThan(0);
    const done = (await readLedger(out)).filter(({ state }) => state === 'done');
    expect(done.map(({ instance }) => instance).sort()).toEqual([0, 1, 2]);
    expect(done.every(({ steps }) => steps === 30)).toBe(true);
  });

  it('does not go on when another checkpoint has taken its place', async () => {
    const tells = (hash: string) => packMessage({ checkpoints: [{ hash, statistics: null, selection: 'by hand' }] });
    const { url } = await serve(
      (_connection, _step, socket) => {
        socket.terminate();
        return undefined;
      },
      { greeting: (connection) => tells(connection < 2 ? 'first' : 'second') },
    );
    const summary = await evaluate({ ...common, policy: remote(url), instances: [0, 1], out: join(root, 'another') });
    expect(summary.stopped).toMatch(/another checkpoint answers there now \(second, before first\)/);
    expect(summary).toMatchObject({ episodes: 0, missing: [{ instance: 0 }, { instance: 1 }] });
  });
});

describe('a server at fault', { timeout: 120_000 }, () => {
  it('one bad reply makes its episode invalid, with the reason; the next one goes on', async () => {
    const action = (values: Float32Array) => NumpyArray.of(values, [values.length]);
    const bad: [Uint8Array, RegExp][] = [
      [packMessage({ action: action(new Float32Array(23).fill(Number.NaN)) }), /"action" is not finite/],
      [packMessage({ action: Array.from({ length: 23 }, () => 0.5) }), /\(got "action" as a list of 23\)/],
      [packMessage({ actions: action(new Float32Array(23)) }), /no array named "action" \(got keys actions\)/],
      [good, /^$/],
      [packMessage({ action: action(new Float32Array(22)) }), /\[22\] \(expected 23 floats/],
      [packMessage([1, 2]), /got no map/],
      [new Uint8Array([0xc1, 1, 2]), /unreadable message of the server/],
    ];
    const out = join(root, 'bad');
    const { url } = await serve((connection, step) => (step >= 3 && bad[connection - 1]?.[0]) || good);
    const summary = await evaluate({ ...common, policy: remote(url), instances: bad.map((_, i) => i), out });
    expect(summary).toMatchObject({ episodes: bad.length });
    const lines = await readLedger(out);
    for (const [i, [reply, reason]] of bad.entries()) {
      const [first, second] = lines.filter(({ instance }) => instance === i);
      if (reply === good) expect(first).toMatchObject({ state: 'done' });
      else {
        expect(first).toMatchObject({ state: 'invalid', reason: expect.stringMatching(reason) });
        expect(first!.reason).toContain(url);
        expect(second).toMatchObject({ state: 'done', attempt: 2 });
      }
    }
  });

  it('ends the command after several in a row, with everything booked; the next run tries again', async () => {
    const out = join(root, 'always');
    let mended = false;
    const { url } = await serve(() => (mended ? good : packMessage({ action: [1] })));
    const options = { ...common, policy: remote(url), instances: Array.from({ length: 9 }, (_, i) => i), out };
    const summary = await evaluate(options);
    expect(summary.stopped).toMatch(/^6 episodes in a row failed, the last one turning_on_radio_5_0: .*a list of 1/);
    expect(summary.missing).toHaveLength(9);
    expect(await linesOf(out)).toEqual([0, 1, 2, 3, 4, 5].map((i) => `${i} invalid 1`));
    mended = true;
    expect(await evaluate({ ...options, resume: true })).toMatchObject({ episodes: 9, official: 0 });
  });
});

describe('a silent server', { timeout: 120_000 }, () => {
  it.each([['before its first message'], ['in the middle of an episode']])(
    '%s: a signal ends it at once',
    async (when) => {
      const stop = new AbortController();
      const out = join(root, `silent ${when}`);
      const greets = when !== 'before its first message';
      const { url } = await serve(
        (connection, step) => {
          if (connection === 1 || step < 5) return good;
          setTimeout(() => stop.abort(), 300);
        },
        greets ? {} : { greeting: () => undefined },
      );
      if (!greets) setTimeout(() => stop.abort(), 500);
      const options = { ...common, policy: remote(url), instances: [0, 1], out, signal: stop.signal };
      await expect(evaluate(options)).rejects.toMatchObject({ kind: 'interrupted' });
      expect(await linesOf(out)).toEqual(greets ? ['0 done 1'] : []);
    },
  );
});
