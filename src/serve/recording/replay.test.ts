import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArithmeticPlanner, fakeObservation } from '../../../test/support/serve.ts';
import { InputError } from '../../base/index.ts';
import { CHALLENGE_ROBOT, type PlanRequest, type Prediction } from '../../robot/index.ts';
import { NumpyArray, packMessage, unpackMessage, type WireMap, writeObservation } from '../../wire/index.ts';
import { FrameSocket } from '../client/frameSocket.ts';
import { RemotePolicy } from '../client/remotePolicy.ts';
import { type ServerOptions, startServer } from '../server/index.ts';
import { listRecordings, SessionRecording } from './recordingReader.ts';
import { readScript } from './recordingScript.ts';
import { replaySession } from './replay.ts';
import { RecordedSessions } from './replayServer.ts';
import { SessionRecorder } from './sessionRecorder.ts';

let folder: string;
const opened: { close(): unknown }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-replay-'));
});
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing.close();
  await rm(folder, { recursive: true });
});

async function serve(options: Partial<ServerOptions> = {}) {
  const given = options.responderFor ? {} : { plannerFor: () => new ArithmeticPlanner() };
  const server = await startServer({ ...given, metadata: { name: 'recorded' }, ...options });
  opened.push(server);
  await server.ready;
  return { server, url: server.urls[0]! };
}

/** What robot `i` sees at a step. */
const seen = (i: number, step: number) => fakeObservation({ taskId: i, joint: 0.1 * i + step / 100, shade: step });

/** Two robots at once, with a reset in the middle and an observation that is refused at the end. */
async function record(): Promise<Float32Array[][]> {
  const recorder = await SessionRecorder.open(folder);
  const { server, url } = await serve({ observer: recorder });
  const actions = await Promise.all(
    [0, 1].map(async (i) => {
      const policy = await RemotePolicy.connect(url);
      const got: Float32Array[] = [];
      for (let step = 0; step < 45; step++) {
        if (step === 30) await policy.reset();
        got.push(await policy.act(seen(i, step)));
      }
      if (i === 1) await expect(policy.act(fakeObservation({ taskId: 77 }))).rejects.toThrow(/unknown task/);
      await policy.close();
      return got;
    }),
  );
  await server.close();
  await recorder.close();
  return actions;
}

async function recordings(): Promise<SessionRecording[]> {
  const all = await Promise.all((await listRecordings(folder)).map((path) => SessionRecording.open(path)));
  opened.push(...all);
  return all;
}

it('a recorded session sent again gives the recorded actions', async () => {
  await record();
  const { url } = await serve();
  const all = await recordings();
  expect(all).toHaveLength(2);
  for (const recording of all) {
    const replay = await replaySession(url, recording);
    expect(replay).toMatchObject({ maxDifference: 0, firstDifferingStep: null, differences: [], incomplete: null });
    expect(replay.compared).toBe(replay.steps);
    expect(replay.ms!.p50).toBeGreaterThan(0);
  }
  expect((await Promise.all(all.map(readScript))).map(({ exchanges }) => exchanges.length).sort()).toEqual([46, 47]);
});

it('another policy is found out: the first step, and by how much', async () => {
  await record();
  class Other extends ArithmeticPlanner {
    override async plan(requests: readonly PlanRequest[]): Promise<Prediction[]> {
      const predictions = await super.plan(requests);
      // From the second plan of an episode on, which keeps to the first one, the left elbow is off.
      for (const [k, { actions }] of predictions.entries())
        if (requests[k]!.prefix) for (let i = 10; i < actions.length; i += 23) actions[i]! += 0.25;
      return predictions;
    }
  }
  const { url } = await serve({ plannerFor: () => new Other() });
  const [first] = await recordings();
  const replay = await replaySession(url, first!);
  expect(replay).toMatchObject({ firstDifferingStep: 20, differences: [] });
  expect(replay.maxDifference).toBeCloseTo(0.25, 2);
});

it('is told apart from what it repeats in the recording that a server makes of it', async () => {
  await record();
  const recorder = await SessionRecorder.open(folder);
  const { server, url } = await serve({ observer: recorder });
  const [first] = await recordings();
  expect(await replaySession(url, first!)).toMatchObject({ maxDifference: 0, firstDifferingStep: null });
  await server.close();
  await recorder.close();
  const all = await recordings();
  expect(all.map(({ query }) => query['replay'])).toEqual([undefined, undefined, first!.session]);
});

it('keeps the recorded times when asked to', async () => {
  const recorder = await SessionRecorder.open(folder);
  const { url, server } = await serve({ observer: recorder });
  const policy = await RemotePolicy.connect(url);
  for (let step = 0; step < 3; step++) {
    await policy.act(seen(0, step));
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  await policy.close();
  await server.close();
  await recorder.close();
  const { url: again } = await serve();
  const [recording] = await recordings();
  const started = performance.now();
  await replaySession(again, recording!, { asRecorded: true });
  expect(performance.now() - started).toBeGreaterThan(290);
});

it('a server that only has recordings answers the recorded clients, each with its own', async () => {
  const actions = await record();
  const sessions = await RecordedSessions.open(folder);
  opened.push(sessions);
  const { url } = await serve({ responderFor: () => sessions.responder() });
  for (const recording of await recordings())
    expect(await replaySession(url, recording)).toMatchObject({ maxDifference: 0, firstDifferingStep: null });
  for (const i of [1, 0]) {
    const policy = await RemotePolicy.connect(url);
    opened.push(policy);
    expect(policy.metadata.get('name')).toBe('recorded');
    for (let step = 0; step < 45; step++) {
      if (step === 30) await policy.reset();
      expect(await policy.act(seen(i, step))).toEqual(actions[i]![step]);
    }
  }
});

it('says where a client departs from the recording, and where the recording ends', async () => {
  await record();
  const sessions = await RecordedSessions.open(folder);
  opened.push(sessions);
  const { url } = await serve({ responderFor: () => sessions.responder() });
  const act = async (steps: number, last: Parameters<RemotePolicy['act']>[0]) => {
    const policy = await RemotePolicy.connect(url);
    opened.push(policy);
    for (let step = 0; step < steps; step++) {
      if (step === 30) await policy.reset();
      await policy.act(seen(0, step));
    }
    return policy.act(last);
  };
  await expect(act(7, seen(0, 8))).rejects.toThrow(/message 7 departs from the recording: numbers differ by up to/);
  await expect(act(0, fakeObservation({ length: 61 }))).rejects.toThrow(
    /message 0 departs from the recording: "robot_r1::proprio" is <f4 \[61\] \(recorded: <f4 \[256\]\)/,
  );
  await expect(act(45, seen(0, 45))).rejects.toThrow(/message 46 comes after the recording's end \(46 messages\)/);
  await expect(RecordedSessions.open(join(folder, 'none'))).rejects.toThrow(InputError);
});

it('a replay whose server ends the connection says what it compared', async () => {
  await record();
  const { url } = await serve({ limits: { maxMessageBytes: 100 } });
  const [first] = await recordings();
  const replay = await replaySession(url, first!);
  expect(replay.compared).toBe(0);
  expect(replay.differences.join()).toMatch(/closed the connection \(code 1009/);
});

it('replays several robots of one connection that was cut and taken up again', async () => {
  const recorder = await SessionRecorder.open(folder);
  const { server, url } = await serve({ observer: recorder });
  const message = (step: number) => {
    const messages = [0, 1, 2].map((row) => writeObservation(seen(row, step), CHALLENGE_ROBOT));
    const stacked = Object.keys(messages[0]!).map((key) => {
      const arrays = messages.map((one) => one[key] as NumpyArray);
      const bytes = Buffer.concat(arrays.map((array) => array.bytes));
      return [key, new NumpyArray(arrays[0]!.dtype, [arrays.length, ...arrays[0]!.shape], bytes)];
    });
    return packMessage(Object.fromEntries(stacked));
  };
  let socket = await FrameSocket.open(url);
  await socket.receive();
  for (let step = 0; step < 25; step++) {
    socket.send(message(step));
    if (step === 9 || step === 20) {
      if (step === 20) await socket.receive();
      socket.terminate();
      socket = await FrameSocket.open(url);
      await socket.receive();
      socket.send(message(step));
    }
    const { bytes } = await socket.receive();
    expect(((unpackMessage(bytes) as WireMap).get('action') as NumpyArray).shape).toEqual([3, 23]);
  }
  await socket.close();
  await server.close();
  await recorder.close();
  const [recording, ...others] = await recordings();
  expect(others).toEqual([]);
  const { url: fresh } = await serve();
  expect(await replaySession(fresh, recording!)).toMatchObject({
    ...{ steps: 25, compared: 25, maxDifference: 0, firstDifferingStep: null, differences: [], incomplete: null },
  });
});
