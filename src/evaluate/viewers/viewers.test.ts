import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { McapIndexedReader } from '@mcap/core';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { openHousehold } from '../../home/index.ts';
import { ExpertPolicy } from '../rollouts/baselines.ts';
import { runEpisode } from '../rollouts/episode.ts';
import { RolloutRecorder } from '../rollouts/rolloutRecorder.ts';
import { primitives } from './foxglove.ts';
import { mcapFile } from './mcap.ts';
import { rolloutMcap } from './rolloutMcap.ts';

/** Messages as a viewer finds them: by way of the index. */
async function messagesOf(file: Buffer) {
  const reader = await McapIndexedReader.Initialize({
    readable: {
      size: async () => BigInt(file.length),
      read: async (offset, length) => file.subarray(Number(offset), Number(offset + length)),
    },
  });
  const found: { topic: string; time: bigint; value: unknown }[] = [];
  for await (const { channelId, logTime, data } of reader.readMessages())
    found.push({
      topic: reader.channelsById.get(channelId)?.topic as string,
      time: logTime,
      value: JSON.parse(Buffer.from(data).toString()),
    });
  expect(reader.statistics?.messageCount).toBe(BigInt(found.length));
  return { found, chunks: reader.chunkIndexes.length };
}

const CHANNELS = ['/a', '/b'].map((topic) => ({ topic, schema: 'some', jsonSchema: { type: 'object' } }));

it('writes messages that are found again by way of the index, over several chunks', async () => {
  const messages = Array.from({ length: 300 }, (_, i) => ({
    ...{ topic: i % 3 === 0 ? '/a' : '/b', time: BigInt(1000 * i), value: { i, text: 'x'.repeat(10_000) } },
  }));
  const { found, chunks } = await messagesOf(await mcapFile(CHANNELS, messages));
  expect(found).toEqual(messages);
  expect(chunks).toBeGreaterThan(1);
  expect((await messagesOf(await mcapFile(CHANNELS, []))).found).toEqual([]);
  await expect(mcapFile(CHANNELS, [{ topic: '/c', time: 0n, value: 1 }])).rejects.toThrow(/no channel/);
});

it('a capsule is a tube between two balls, however it lies', () => {
  const lying = { shape: 'capsule' as const, body: 1, size: [0.1, 0.5], position: [1, 2, 3], colour: [1, 0, 0, 1] };
  const { spheres = [], cylinders = [] } = primitives({ ...lying, quaternion: [Math.SQRT1_2, 0, Math.SQRT1_2, 0] });
  const ends = spheres.map(({ pose }) =>
    [pose.position.x, pose.position.y, pose.position.z].map((v) => Number(v.toFixed(6))),
  );
  expect(ends).toEqual([
    [1.5, 2, 3],
    [0.5, 2, 3],
  ]);
  expect(cylinders[0]?.size).toEqual({ x: 0.2, y: 0.2, z: 1 });
});

it('a rollout has its poses, actions, stages and pictures at their times', { timeout: 60_000 }, async () => {
  const rollout = join(await temporaryFolder(), 'rollout');
  await mkdir(rollout);
  const environment = await openHousehold('turning_on_radio', { imageSize: 16 });
  const recorder = new RolloutRecorder(environment);
  await runEpisode({
    environment,
    policy: new ExpertPolicy(environment),
    instance: 0,
    maxSteps: 12,
    recorders: [recorder],
  });
  await recorder.write(rollout);
  const pose = environment.pose();
  environment.close();
  const { found } = await messagesOf(await rolloutMcap(rollout));
  const of = (topic: string) => found.filter((message) => message.topic === topic);
  const { length: frames } = of('/tf');
  expect([frames, of('/action').length, of('/step').length]).toEqual([13, 12, 12]);
  expect(found.map(({ time }) => time)).toEqual([...found.map(({ time }) => time)].sort((a, b) => Number(a - b)));
  type Frames = { transforms: { translation: { x: number; y: number; z: number }; timestamp: { nsec: number } }[] };
  const [first] = (of('/tf')[frames - 1]!.value as Frames).transforms;
  expect(first?.translation.x).toBeCloseTo(pose[0] as number, 6);
  expect(first?.timestamp.nsec).toBeCloseTo((12 / environment.robot.rate) * 1e9, -1);
  const picture = Buffer.from((of('/camera/head')[0]!.value as { data: string }).data, 'base64');
  expect(picture.subarray(1, 4).toString()).toBe('PNG');
  expect(of('/step').at(-1)?.value).toMatchObject({ step: 12, q: 0 });
  await expect(rolloutMcap(join(rollout, 'none'))).rejects.toThrow(/holds no scene.json/);
});
