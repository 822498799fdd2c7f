import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { tinyNetwork, tinyStatistics } from '../../test/support/model.ts';
import { ArithmeticPlanner } from '../../test/support/serve.ts';
import { codeVersion, InputError } from '../base/index.ts';
import { createPolicy, createSession } from '../control/index.ts';
import {
  checkpointProvenance,
  createPlanner,
  initParameters,
  readCheckpoint,
  writeCheckpoint,
} from '../model/index.ts';
import { fakeObservation, type Observation, type Robot, robotNamed } from '../robot/index.ts';
import {
  NumpyArray,
  type Packable,
  packMessage,
  unpackMessage,
  type WireMap,
  writeObservation,
} from '../wire/index.ts';
import { RemotePolicy, serveCheckpoint, serveRecordings, startServer } from './index.ts';

const ARM = robotNamed('single-arm');
const R1PRO21 = robotNamed('r1pro-21');
let folder: string;
const opened: { close(): unknown }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-robots-'));
});
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing.close();
  await rm(folder, { recursive: true });
});
const open = <T extends { close(): unknown }>(thing: T): T => {
  opened.push(thing);
  return thing;
};

/** One message and its answer. */
async function ask(url: string, message: { [key: string]: Packable }): Promise<WireMap | string> {
  const socket = new WebSocket(url);
  open({ close: () => socket.terminate() });
  const frames: [Buffer, boolean][] = [];
  await new Promise<void>((resolve) =>
    socket.on('message', (data, isBinary) => {
      frames.push([data as Buffer, isBinary]);
      if (frames.length === 1) socket.send(packMessage(message));
      else resolve();
    }),
  );
  const [bytes, isBinary] = frames[1]!;
  return isBinary ? (unpackMessage(bytes) as WireMap) : bytes.toString();
}

/** A small network with random weights for a robot of 100 tasks. */
async function checkpoint(name: string, robot: Robot): Promise<string> {
  const path = join(folder, name);
  const config = { ...tinyNetwork, taskNumStages: Array.from({ length: 100 }, (_, task) => 4 + (task % 2)) };
  await writeCheckpoint(path, {
    config,
    robot,
    parameters: initParameters(config, 1),
    normStats: tinyStatistics(robot),
    card: {},
    policy: { samplingSteps: 2 },
  });
  return path;
}

/**
 * Pictures of 8 pixels are those that the arithmetic planner takes; 12 must be resized for the network, here or there.
 */
const seen = (robot: Robot, step: number, taskId = 0) =>
  fakeObservation(robot, { imageSize: robot === ARM ? 8 : 12, seed: step, taskId });

describe('a robot of 7 numbers', () => {
  const policyFor = () => ({
    reset: async () => undefined,
    act: async ({ proprioception, pictures }: Observation) =>
      Float32Array.from(proprioception, (x) => x + Object.keys(pictures).length),
    close: async () => undefined,
  });

  it('is answered with 7 by a policy of its own', async () => {
    const server = open(await startServer({ policyFor, robot: ARM }));
    await server.ready;
    expect(server.robot).toBe(ARM);
    const policy = open(await RemotePolicy.connect(server.urls[0]!, { robot: ARM }));
    const { proprioception } = seen(ARM, 3);
    expect(await policy.act(seen(ARM, 3))).toEqual(Float32Array.from(proprioception, (x) => x + 2));
    const reply = (await ask(server.urls[0]!, writeObservation(seen(ARM, 1), ARM))) as WireMap;
    expect((reply.get('action') as NumpyArray).shape).toEqual([7]);
  });

  it('is told its own lengths and keys when a message is wrong', async () => {
    const server = open(await startServer({ policyFor, robot: ARM }));
    const message = writeObservation(seen(ARM, 0), ARM);
    const long = { ...message, [ARM.proprioception.key]: NumpyArray.of(new Float32Array(61)) };
    expect(await ask(server.urls[0]!, long)).toMatch(/is <f4 \[61\] \(expected float32 \[7\] of robot single-arm/);
    const { [ARM.cameras[1]!.key]: _, ...blind } = message;
    expect(await ask(server.urls[0]!, blind)).toMatch(
      /no key for camera wrist \(expected one like "robot::robot:wrist/,
    );
  });

  it('is answered from plans as the in-process policy would', async () => {
    const server = open(
      await startServer({ plannerFor: () => new ArithmeticPlanner(ARM), sessionOptions: { rules: false, seed: 2 } }),
    );
    await server.ready;
    expect(server.robot).toBe(ARM);
    const remote = open(await RemotePolicy.connect(server.urls[0]!, { robot: ARM }));
    const session = createSession({ robot: ARM, rules: false, seed: 2 });
    const local = createPolicy({ planner: new ArithmeticPlanner(ARM), session });
    for (let step = 0; step < 45; step++)
      expect(await remote.act(seen(ARM, step))).toEqual(await local.act(seen(ARM, step)));
  });

  it('is told once a server, in the log, what of System 2 is off', async () => {
    const lines: { notice?: string }[] = [];
    const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const planner = new ArithmeticPlanner(ARM);
    const settings = { rules: ['turning-on-radio', 'stalled-approach'] };
    const { notices } = createSession({ ...settings, robot: ARM });
    const server = open(await startServer({ plannerFor: () => planner, sessionOptions: settings, logger }));
    await server.ready;
    for (let i = 0; i < 3; i++) open(await RemotePolicy.connect(server.urls[0]!, { robot: ARM }));
    expect(notices.length).toBeGreaterThan(0);
    expect(lines.flatMap(({ notice }) => notice ?? [])).toEqual(notices);
  });

  it('before any plan holds still, its gripper within closed and open', async () => {
    const planner = new ArithmeticPlanner(ARM);
    const server = open(await startServer({ plannerFor: () => planner, sessionOptions: { rules: false } }));
    await server.ready;
    planner.poison = Number.NaN;
    const observation = { ...seen(ARM, 0), proprioception: new Float32Array(7).fill(9) };
    const reply = (await ask(server.urls[0]!, writeObservation(observation, ARM))) as WireMap;
    const { open: limit, closed, column } = ARM.grippers[0]!;
    const expected = new Float32Array(7).fill(9);
    expected[column] = Math.max(limit, closed);
    expect((reply.get('action') as NumpyArray).float32()).toEqual(expected);
  });
});

describe('a checkpoint of a robot of 21 numbers and 100 tasks', () => {
  it('is served with actions [21] and chunks [K, 21], and says whose they are', async () => {
    const path = await checkpoint('tiny', R1PRO21);
    const settings = { planner: { threads: 1 }, sessionOptions: { seed: 4, rules: false } };
    const { server } = open(await serveCheckpoint({ checkpoint: path, ...settings }));
    await server.ready;
    expect(server.robot).toEqual(R1PRO21);
    const url = server.urls[0]!;
    const remote = open(await RemotePolicy.connect(url, { robot: R1PRO21 }));
    expect(Object.fromEntries(remote.metadata)).toEqual({
      server: 'valet',
      needs_session: true,
      tasks: [],
      robot: 'r1pro-21',
      action_width: 21,
      horizon: 30,
      code: new Map(Object.entries(codeVersion())),
      checkpoints: [new Map(Object.entries(await checkpointProvenance(path)))],
    });
    const planner = open(await createPlanner(await readCheckpoint(path), { threads: 1 }));
    const taskNumStages = tinyNetwork.taskNumStages.map(() => 5).concat(new Array(50).fill(5));
    const session = createSession({ robot: R1PRO21, seed: 4, rules: false, taskNumStages });
    const local = createPolicy({ planner, session });
    for (let step = 0; step < 25; step++)
      expect(await remote.act(seen(R1PRO21, step, 99))).toEqual(await local.act(seen(R1PRO21, step, 99)));
    const message = { ...writeObservation(seen(R1PRO21, 0), R1PRO21), __action_chunk_size__: 8 };
    const reply = (await ask(url, message)) as WireMap;
    expect((reply.get('action') as NumpyArray).shape).toEqual([21]);
    expect((reply.get('action_chunk') as NumpyArray).shape).toEqual([8, 21]);
  });

  it('does not stand beside one of another robot', async () => {
    const paths = [await checkpoint('r1pro-21', R1PRO21), await checkpoint('other', robotNamed('r1pro'))];
    const mapping = join(folder, 'mapping.json');
    await writeFile(mapping, JSON.stringify({ default: paths[0], tasks: { '3': paths[1] } }));
    const serving = serveCheckpoint({ mapping });
    await expect(serving).rejects.toThrow(InputError);
    await expect(serving).rejects.toThrow(/drives r1pro(-21)? and .* drives r1pro/);
  });

  it('that takes the place of another robot at run time makes no plan', async () => {
    let planner = new ArithmeticPlanner(R1PRO21);
    const server = open(await startServer({ plannerFor: () => planner, sessionOptions: { rules: false } }));
    await server.ready;
    planner = new ArithmeticPlanner(ARM);
    const answer = await ask(server.urls[0]!, writeObservation(seen(R1PRO21, 0), R1PRO21));
    expect(answer).toMatch(/^error [0-9a-f]{8}: no plan could be made$/);
  });
});

it('a program can serve recordings and what it recorded, as the command does', async () => {
  const recordings = join(folder, 'recordings');
  const path = await checkpoint('tiny', R1PRO21);
  const running = await serveCheckpoint({ checkpoint: path, planner: { threads: 1 }, record: recordings });
  await running.server.ready;
  const first = await RemotePolicy.connect(running.server.urls[0]!, { robot: R1PRO21 });
  const action = await first.act(seen(R1PRO21, 0));
  await first.close();
  await running.close();
  const { server } = open(await serveRecordings(recordings));
  await server.ready;
  const again = open(await RemotePolicy.connect(server.urls[0]!, { robot: R1PRO21 }));
  expect(await again.act(seen(R1PRO21, 0))).toEqual(action);
  await expect(serveCheckpoint({})).rejects.toThrow(/either a checkpoint or a mapping/);
});
