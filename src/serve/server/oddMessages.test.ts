import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ArithmeticPlanner, fakeObservation, picture, wireObservation } from '../../../test/support/serve.ts';
import { stateOf } from '../../robot/index.ts';
import { NumpyArray, type Packable, packMessage, unpackMessage, type WireMap } from '../../wire/index.ts';
import { type PolicyServer, startServer } from './server.ts';

let closers: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of closers.reverse()) await thing.close();
  closers = [];
});

/** A connected client of a server with default limits, its greeting read. */
async function connected() {
  const planner = new ArithmeticPlanner();
  const server: PolicyServer = await startServer({ plannerFor: () => planner, sessionOptions: { seed: 5 } });
  closers.push(server);
  await server.ready;
  planner.requests = [];
  const socket = new WebSocket(server.urls[0]!);
  closers.push({ close: () => socket.terminate() });
  await once(socket, 'message');
  const ask = async (message: Uint8Array): Promise<WireMap> => {
    socket.send(message);
    const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
    if (!isBinary) throw new Error(data.toString());
    return unpackMessage(data) as WireMap;
  };
  return { ask, planner };
}

/** Full RGB-D of the challenge: head of 720², wrists of 480², RGBA, each with float32 depth. */
function fullObservation(): { [key: string]: Packable } {
  const pictures = { head: picture(9, 720, 4), left_wrist: picture(7, 480, 4), right_wrist: picture(7, 480, 4) };
  const message = wireObservation({ ...fakeObservation(), pictures });
  for (const [key, value] of Object.entries(message))
    if (key.endsWith('::rgb') && value instanceof NumpyArray) {
      const [height = 0, width = 0] = value.shape;
      message[key.replace('::rgb', '::depth_linear')] = NumpyArray.of(new Float32Array(height * width), [
        height,
        width,
      ]);
    }
  return message;
}

it('ten robots on one connection send full RGB-D in one message, within the default limits', async () => {
  const { ask, planner } = await connected();
  const robots = 10;
  const stacked = Object.entries(fullObservation()).map(([key, value]) => {
    const { dtype, shape, bytes } = value as NumpyArray;
    const rows = Buffer.concat(Array.from({ length: robots }, () => bytes));
    return [key, new NumpyArray(dtype, [robots, ...shape], rows)] as const;
  });
  const message = packMessage(Object.fromEntries(stacked));
  expect(message.length).toBeGreaterThan(75e6);
  const reply = await ask(message);
  expect((reply.get('action') as NumpyArray).shape).toEqual([robots, 23]);
  expect(planner.requests).toHaveLength(robots);
});

it('integer keys in a field that nobody reads are passed over', async () => {
  const { ask } = await connected();
  const message = packMessage(wireObservation(fakeObservation()));
  // {…, "info": {1: 2, -3: {4: "x"}}}: one entry more in the outermost map, which has less than 15.
  const field = Buffer.from('a4696e666f820102fd8104a178', 'hex');
  const odd = Buffer.concat([message, field]);
  odd[0]! += 1;
  expect(odd[0]! & 0xf0).toBe(0x80);
  expect((await ask(odd)).get('action')).toBeInstanceOf(NumpyArray);
});

it('a proprioception number that the state is not made of may be NaN', async () => {
  const { ask, planner } = await connected();
  const observation = fakeObservation();
  const { robot } = planner;
  const state = stateOf(robot, observation.proprioception);
  const unused = observation.proprioception.findIndex((_, at) => {
    const other = observation.proprioception.slice();
    other[at]! += 1;
    return stateOf(robot, other).every((value, i) => value === state[i]);
  });
  const odd = {
    ...observation,
    proprioception: observation.proprioception.slice().fill(Number.NaN, unused, unused + 1),
  };
  expect((await ask(packMessage(wireObservation(odd)))).get('action')).toBeInstanceOf(NumpyArray);
  expect([...planner.requests[0]!.state]).toEqual([...state]);
});
