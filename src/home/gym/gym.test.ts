import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type NumpyArray, type Packable, packMessage, unpackMessage, type WireValue } from '../../wire/index.ts';
import { openHousehold } from '../tasks/index.ts';
import { type GymServer, serveGym } from './gymServer.ts';

let server: GymServer;
beforeAll(async () => {
  server = await serveGym({ most: 2 });
});
afterAll(() => server.close());

/** One environment, asked as a client in another language would. */
async function client() {
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  let bytes = Buffer.alloc(0);
  const read = async (count: number) => {
    while (bytes.length < count) bytes = Buffer.concat([bytes, (await once(socket, 'data'))[0] as Buffer]);
    const part = bytes.subarray(0, count);
    bytes = bytes.subarray(count);
    return part;
  };
  const ask = async (words: Record<string, Packable>) => {
    const body = packMessage(words);
    const header = Buffer.alloc(4);
    header.writeUInt32BE(body.length);
    // In two parts: a message may come in pieces.
    socket.write(header);
    socket.write(body);
    return unpackMessage(await read((await read(4)).readUInt32BE(0))) as Map<string, WireValue>;
  };
  return { ask, end: () => socket.destroy() };
}
const bytesOf = (value: WireValue | undefined) => [...(value as NumpyArray).bytes];
const seen = (answer: Map<string, WireValue>) => answer.get('observation') as Map<string, WireValue>;

it('gives what the household gives, episode by episode, and a saved moment back', { timeout: 60_000 }, async () => {
  const { ask, end } = await client();
  const opened = await ask({ op: 'open', task: 'turning_on_radio', imageSize: 16, edition: '2026' });
  expect(opened.get('maxSteps')).toBe(172);
  const low = (opened.get('low') as NumpyArray).float32();
  expect([low[0], low[22]]).toEqual([-1, -1]);
  expect(low[3]).toBeCloseTo(-1.1, 5);
  const household = await openHousehold('turning_on_radio', { imageSize: 16, edition: '2026' });
  household.reset(1_000_003);
  const first = seen(await ask({ op: 'reset', instance: 1_000_003 }));
  expect(bytesOf(first.get('head'))).toEqual([...household.cameraPicture('head').data]);
  let last = await ask({ op: 'expert' });
  let total = 0;
  let saved = -1;
  for (let step = 0; step < 172; step++) {
    if (step === 20) saved = (await ask({ op: 'save' })).get('snapshot') as number;
    const action = (await ask({ op: 'expert' })).get('action') as NumpyArray;
    last = await ask({ op: 'step', action });
    household.step(action.float32());
    total += last.get('reward') as number;
    if (last.get('terminated') || last.get('truncated')) break;
  }
  expect([last.get('terminated'), total]).toEqual([true, 1]);
  const proprioception = (seen(last).get('proprioception') as NumpyArray).float32();
  expect([...proprioception]).toEqual([...household.observe({ cameras: false }).proprioception]);
  const back = await ask({ op: 'restore', snapshot: saved });
  expect((back.get('info') as Map<string, WireValue>).get('steps')).toBe(20);
  const picture = (await ask({ op: 'render', width: 40, height: 30 })).get('picture') as NumpyArray;
  expect(picture.shape).toEqual([30, 40, 3]);
  household.close();
  end();
});

it('refuses hidden instances and what it does not know, and goes on', { timeout: 60_000 }, async () => {
  const { ask, end } = await client();
  const error = async (words: Record<string, Packable>) => (await ask(words)).get('error');
  expect(await error({ op: 'step', action: [0] })).toMatch(/before open/);
  expect(await error({ op: 'open', task: 'turning_on_radi' })).toMatch(/Did you mean turning_on_radio/);
  await ask({ op: 'open', task: 'turning_on_radio', cameras: false });
  expect(await error({ op: 'step', action: new Float32Array(23) })).toMatch(/Reset first/);
  expect(await error({ op: 'reset', instance: 10_000 })).toMatch(/serve no choice/);
  expect(await error({ op: 'dance' })).toMatch(/unknown op dance/);
  expect([...seen(await ask({ op: 'reset', instance: 0 })).keys()]).toEqual(['proprioception']);
  expect(await error({ op: 'step', action: [1, 2] })).toMatch(/23 numbers/);
  expect(await error({ op: 'restore', snapshot: 9 })).toMatch(/no snapshot 9/);
  const second = await client();
  const third = await client();
  expect((await third.ask({ op: 'open' }).catch(() => new Map([['error', 'closed']]))).get('error')).toMatch(
    /2 env|closed/,
  );
  for (const one of [second, third]) one.end();
  end();
});
