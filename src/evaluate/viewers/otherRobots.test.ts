import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { McapIndexedReader } from '@mcap/core';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { writeRobotDataset } from '../../../test/support/data.ts';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { openDataset } from '../../data/index.ts';
import { fakeObservation, robotNamed } from '../../robot/index.ts';
import { openRecordings, SessionRecorder } from '../../serve/index.ts';
import { NumpyArray, packMessage, writeObservation } from '../../wire/index.ts';
import { rolloutMcap } from './rolloutMcap.ts';
import { episodeMcap, sessionMcap } from './sources.ts';

interface Found {
  readonly schema: string;
  readonly messages: { readonly time: bigint; readonly value: Record<string, unknown> }[];
}

/** Messages by topic, as a viewer finds them: by way of the index. */
async function topicsOf(file: Buffer): Promise<Readonly<Record<string, Found>>> {
  const reader = await McapIndexedReader.Initialize({
    readable: {
      size: async () => BigInt(file.length),
      read: async (offset, length) => file.subarray(Number(offset), Number(offset + length)),
    },
  });
  const found: Record<string, Found> = {};
  for (const { topic, schemaId } of reader.channelsById.values())
    found[topic] = { schema: reader.schemasById.get(schemaId)?.name ?? '', messages: [] };
  for await (const { channelId, logTime, data } of reader.readMessages()) {
    const topic = reader.channelsById.get(channelId)?.topic as string;
    found[topic]?.messages.push({ time: logTime, value: JSON.parse(Buffer.from(data).toString()) });
  }
  return found;
}

const folder = await temporaryFolder();

it.each(['aloha', 'single-arm', 'r1pro-21'])(
  'an episode of a data set of %s: cameras, actions by part, state, stages, pictures',
  async (name) => {
    const robot = robotNamed(name);
    const at = join(folder, `set-${name}`);
    const [episode] = await writeRobotDataset(at, robot, { episodes: 1, frames: 120, tasks: 1, size: 32 });
    const dataset = await openDataset(at);
    const index = dataset.episodes[0]?.index as number;
    const topics = await topicsOf(await episodeMcap(dataset, index));
    expect(Object.keys(topics).sort()).toEqual(
      ['/action', '/state', '/step', ...robot.cameraNames.map((camera) => `/camera/${camera}`)].sort(),
    );
    const actions = topics['/action']?.messages ?? [];
    expect(actions).toHaveLength(120);
    expect(actions[60]?.time).toBe(BigInt(Math.round((60 / dataset.fps) * 1e9)));
    const { action, parts } = actions[60]!.value as { action: number[]; parts: Record<string, number[]> };
    expect(action).toHaveLength(robot.width);
    for (const [i, value] of action.entries())
      expect(value).toBeCloseTo(episode?.action[60 * robot.width + i] as number, 4);
    expect(robot.parts.flatMap((part) => parts[part.name] as number[])).toEqual(action);
    expect(topics['/step']?.messages.map(({ value }) => value['stage'])).toEqual([
      ...Array(60).fill(0),
      ...Array(60).fill(1),
    ]);
    for (const camera of robot.cameraNames) {
      const { schema, messages } = topics[`/camera/${camera}`] as Found;
      expect([schema, messages.length]).toEqual(['foxglove.CompressedImage', Math.ceil(120 / Math.round(dataset.fps))]);
      const { data, format, frame_id: frame } = messages[0]!.value as Record<string, string>;
      const picture = await sharp(Buffer.from(data as string, 'base64')).metadata();
      expect([picture.format, picture.width, picture.height, format, frame]).toEqual(['jpeg', 32, 32, 'jpeg', camera]);
    }
    await expect(episodeMcap(dataset, index + 999)).rejects.toThrow(/--episode.*has no episode/);
  },
);

it('a session that a server recorded, of a robot with one arm; another robot is refused', async () => {
  const robot = robotNamed('single-arm');
  const at = join(folder, 'recordings');
  const recorder = await SessionRecorder.open(at);
  recorder.onOpen('s1', {});
  recorder.onSend('s1', packMessage({ server: 'valet' }), 0, true);
  recorder.onReceive('s1', packMessage({ reset: true }), 0, true);
  for (let step = 0; step < 3; step++) {
    recorder.onReceive('s1', packMessage(writeObservation(fakeObservation(robot), robot)), 0, true);
    const action = new Float32Array(robot.width).fill(step / 4);
    recorder.onSend('s1', packMessage({ action: NumpyArray.of(action) }), 0, true);
  }
  recorder.onClose('s1');
  await recorder.close();
  const { recordings } = await openRecordings(at);
  try {
    const [recording] = recordings as [(typeof recordings)[number]];
    const topics = await topicsOf(await sessionMcap(recording, robot));
    const actions = topics['/action']?.messages ?? [];
    expect(actions.map(({ value }) => (value['action'] as number[])[0])).toEqual([0, 0.25, 0.5]);
    expect(actions[0]?.time).toBe(0n);
    expect(topics['/state']?.messages).toHaveLength(3);
    for (const camera of robot.cameraNames) expect(topics[`/camera/${camera}`]?.messages).toHaveLength(1);
    await expect(sessionMcap(recording, robotNamed('aloha'))).rejects.toThrow(/observation/);
  } finally {
    for (const recording of recordings) await recording.close();
  }
});

it('a recorded rollout whose cameras are others’ has their names', async () => {
  const at = join(folder, 'rollout');
  await mkdir(join(at, 'frames'), { recursive: true });
  const { gzipSync } = await import('node:zlib');
  const body = (name: string) => ({ name, position: [0, 0, 0], quaternion: [1, 0, 0, 0] });
  const scene = { bodies: [body('world'), body('arm')], moving: [1], geoms: [], cameras: [], framesPerSecond: 20 };
  const more = { frames: 2, colours: [], pictures: [0], cameras: ['chest', 'wrist'] };
  await writeFile(join(at, 'scene.json'), JSON.stringify({ scene, ...more }));
  await writeFile(join(at, 'steps.jsonl'), `${JSON.stringify({ step: 1, action: [0.5], q: 0, goal: [] })}\n`);
  const poses = Float32Array.from([0, 0, 0, 1, 0, 0, 0, 0.25, 0, 0, 1, 0, 0, 0]);
  await writeFile(join(at, 'track.bin'), gzipSync(Buffer.from(poses.buffer)));
  const strip = { width: 32, height: 16, channels: 3 as const, background: '#123456' };
  await sharp({ create: strip }).png().toFile(join(at, 'frames/0.png'));
  const topics = await topicsOf(await rolloutMcap(at));
  expect(Object.keys(topics).filter((topic) => topic.startsWith('/camera'))).toEqual([
    '/camera/chest',
    '/camera/wrist',
  ]);
  expect(topics['/tf']?.messages[1]?.time).toBe(50_000_000n);
});
