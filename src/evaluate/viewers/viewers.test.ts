import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { openHousehold } from '../../home/index.ts';
import { ExpertPolicy } from '../rollouts/baselines.ts';
import { runEpisode } from '../rollouts/episode.ts';
import { RolloutRecorder } from '../rollouts/rolloutRecorder.ts';
import { primitives } from './foxglove.ts';
import { mcapFile } from './mcap.ts';
import { MCAP_MAGIC, OPCODE } from './mcapBytes.ts';
import { rolloutMcap } from './rolloutMcap.ts';

/** Records of a part of a file: opcode, content, place. */
function* records(bytes: Buffer, from: number, to: number) {
  for (let at = from; at < to; ) {
    const length = Number(bytes.readBigUInt64LE(at + 1));
    yield { opcode: bytes[at] as number, content: bytes.subarray(at + 9, at + 9 + length), at };
    at += 9 + length;
  }
}

/** Messages as a viewer finds them: footer, chunk index, chunk. */
function messagesOf(file: Buffer) {
  expect([file.subarray(0, 8), file.subarray(-8)]).toEqual([MCAP_MAGIC, MCAP_MAGIC]);
  const footer = file.subarray(-8 - 20, -8);
  const [summary, offsets] = [0, 8].map((at) => Number(footer.readBigUInt64LE(at))) as [number, number];
  const topics = new Map<number, string>();
  const found: { topic: string; time: bigint; value: unknown }[] = [];
  let counted = 0n;
  for (const { opcode, content } of records(file, summary, offsets)) {
    if (opcode === OPCODE.channel)
      topics.set(content.readUInt16LE(0), content.toString('utf8', 8, 8 + content.readUInt32LE(4)));
    if (opcode === OPCODE.statistics) counted = content.readBigUInt64LE(0);
    if (opcode !== OPCODE.chunkIndex) continue;
    const at = Number(content.readBigUInt64LE(16));
    const { opcode: kind, content: chunk } = [...records(file, at, at + Number(content.readBigUInt64LE(24)))][0]!;
    expect(kind).toBe(OPCODE.chunk);
    const inner = chunk.subarray(8 * 3 + 4 + 4 + 8);
    expect(crc32(inner)).toBe(chunk.readUInt32LE(24));
    for (const { content: message } of records(inner, 0, inner.length))
      found.push({
        topic: topics.get(message.readUInt16LE(0)) as string,
        time: message.readBigUInt64LE(6),
        value: JSON.parse(message.toString('utf8', 22)),
      });
  }
  expect(counted).toBe(BigInt(found.length));
  return found;
}

const CHANNELS = ['/a', '/b'].map((topic) => ({ topic, schema: 'some', jsonSchema: { type: 'object' } }));

it('writes messages that are found again by way of the index, over several chunks', () => {
  const messages = Array.from({ length: 300 }, (_, i) => ({
    ...{ topic: i % 3 === 0 ? '/a' : '/b', time: BigInt(1000 * i), value: { i, text: 'x'.repeat(10_000) } },
  }));
  const file = mcapFile(CHANNELS, messages);
  expect(messagesOf(file)).toEqual(messages);
  expect([...records(file, 8, file.length - 8)].filter(({ opcode }) => opcode === OPCODE.chunk)).toHaveLength(3);
  expect(messagesOf(mcapFile(CHANNELS, []))).toEqual([]);
  expect(() => mcapFile(CHANNELS, [{ topic: '/c', time: 0n, value: 1 }])).toThrow(/no channel/);
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
  await runEpisode({ environment, policy: new ExpertPolicy(environment), instance: 0, maxSteps: 12, recorder });
  await recorder.write(rollout);
  const pose = environment.pose();
  environment.close();
  const found = messagesOf(await rolloutMcap(rollout));
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
