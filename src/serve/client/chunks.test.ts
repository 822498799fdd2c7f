import { afterEach, describe, expect, it } from 'vitest';
import { ArithmeticPlanner, fakeObservation } from '../../../test/support/serve.ts';
import { createPolicy, createSession } from '../../control/index.ts';
import { CHALLENGE_ROBOT } from '../../robot/index.ts';
import { chunkFromWire, NumpyArray } from '../../wire/index.ts';
import { startServer } from '../server/index.ts';
import { RemotePolicy } from './remotePolicy.ts';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing.close();
});

async function connect(chunkSize: number, more: Partial<Parameters<typeof startServer>[0]> = {}) {
  const planner = new ArithmeticPlanner();
  const server = await startServer({ plannerFor: () => planner, sessionOptions: { seed: 5 }, port: 0, ...more });
  opened.push(server);
  await server.ready;
  const policy = await RemotePolicy.connect(server.urls[0]!, { chunkSize });
  opened.push(policy);
  return policy;
}

const inProcess = () => createPolicy({ planner: new ArithmeticPlanner(), session: createSession({ seed: 5 }) });

describe('a client that asks for several actions at a time', () => {
  it.each([5, 10, 20])('plays the same actions with %i as with one, and asks once for each chunk', async (size) => {
    const [policy, alone] = [await connect(size), inProcess()];
    // What is seen between two requests plays no part: the plans are made at the same steps.
    const observation = (step: number) => fakeObservation({ joint: Math.floor(step / 20) / 10 });
    for (let step = 0; step < 60; step++) {
      expect(await policy.act(observation(step))).toEqual(await alone.act(observation(step)));
      expect(policy.note).toMatchObject({ planned: step % 20 === 0, stage: alone.note!.stage });
      if (step % 20 === 0) expect(policy.note?.predicted).toBe(alone.note!.predicted);
    }
    expect(policy.queries).toBe(60 / size);
  });

  it('forgets what is left of a chunk at a reset', async () => {
    const [policy, alone] = [await connect(10), inProcess()];
    for (let step = 0; step < 3; step++) await Promise.all([policy, alone].map((one) => one.act(fakeObservation())));
    await Promise.all([policy.reset(), alone.reset()]);
    expect(policy.queries).toBe(0);
    expect(await policy.act(fakeObservation())).toEqual(await alone.act(fakeObservation()));
    expect([policy.queries, policy.note?.planned]).toEqual([1, true]);
  });

  it('goes on with single actions where a reply has no chunk', async () => {
    const [policy, alone] = [await connect(31), inProcess()];
    for (let step = 0; step < 25; step++)
      expect(await policy.act(fakeObservation())).toEqual(await alone.act(fakeObservation()));
    expect(policy.queries).toBe(25);
  });

  it('refuses a chunk that is none', () => {
    const { width } = CHALLENGE_ROBOT;
    const reply = (chunk: unknown) => new Map([['action_chunk', chunk]]) as Parameters<typeof chunkFromWire>[0];
    const array = (shape: number[], value = 0) =>
      NumpyArray.of(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value), shape);
    expect(chunkFromWire(reply(array([1, 4, width])), CHALLENGE_ROBOT)).toHaveLength(4);
    expect(chunkFromWire(new Map(), CHALLENGE_ROBOT)).toBeUndefined();
    for (const wrong of [
      array([4, width - 1]),
      array([2, 4, width]),
      array([width]),
      array([4, width], Number.NaN),
      [1],
    ])
      expect(() => chunkFromWire(reply(wrong), CHALLENGE_ROBOT)).toThrow(/reply: "action_chunk" is /);
  });
});
