import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fakeEpisode } from '../../../test/support/data.ts';
import { openDataset } from '../lerobot/index.ts';
import { DatasetWriter } from '../lerobot/writer.ts';
import { heldOutPlaces } from './heldOut.ts';
import { openSamples, type StreamChoice } from './openSamples.ts';
import { prepareSamples } from './prepareSamples.ts';
import type { SampleSource } from './sampleSource.ts';
import { SampleStore } from './sampleStore.ts';
import { SampleStream } from './sampleStream.ts';

let folder: string;
let [radio, mixed]: string[] = [];
const golden = (name: string) => join(import.meta.dirname, '../../../test/golden', name);
/** Instances: the last two episodes are of one. */
const INSTANCES = [1, 2, 3, 3];

async function write(dir: string, episodes: readonly Parameters<typeof fakeEpisode>[0][]): Promise<string> {
  const writer = await DatasetWriter.create(dir, { imageSize: 32 });
  for (const episode of episodes) await writer.addEpisode(fakeEpisode({ size: 32, ...episode }));
  await writer.finish();
  return dir;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-stream-'));
  radio = await write(
    join(folder, 'radio'),
    INSTANCES.map((instance, seed) => ({ length: 40 + seed, seed, instance })),
  );
  const trash = { taskIndex: 1, taskName: 'picking_up_trash', taskInfoWidth: 9 };
  mixed = await write(join(folder, 'mixed'), [
    { length: 90, seed: 5, ...trash },
    { length: 44, seed: 6 },
    { length: 41, seed: 7, ...trash },
  ]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const open: SampleSource[] = [];
afterEach(async () => {
  for (const source of open.splice(0)) await source.close();
});
const opened = async (
  stream: StreamChoice,
  dirs: readonly string[],
  more: Partial<Parameters<typeof openSamples>[1]> = {},
) => {
  const source = await openSamples(dirs, {
    ...{ imageSize: 32, workers: 1, frameStride: 3, stageLabels: 'skills', stream, log: () => undefined },
    ...more,
  });
  open.push(source);
  return source;
};
/** The same samples held and streamed. */
const both = async (dirs: readonly string[], more?: Parameters<typeof opened>[2]) =>
  [await opened('never', dirs, more), await opened('always', dirs, more)] as const;

/** Of the numbers of each sample, in ascending order. */
const sums = async (source: SampleSource) => {
  const found: number[] = [];
  await source.each((state, actions) => void found.push(state[3]! + actions.reduce((a, b) => a + b, 0)));
  return found.sort((a, b) => a - b);
};

describe('SampleStream', () => {
  it('gives the batches of SampleStore bit for bit, in any order, across epochs and sets with weights', async () => {
    const [store, stream] = await both([`${radio}:1`, `${mixed}:2`], { workers: 2, frameStride: 1 });
    expect([store, stream].map((source) => source instanceof SampleStream)).toEqual([false, true]);
    const shape = ({ folders, size, taskInfoSize }: SampleSource) => ({ folders, size, taskInfoSize });
    expect(shape(stream)).toEqual(shape(store));
    for (const step of [0, 1, 2, 3, 4, 30, 31, 7])
      expect(await stream.batch(step, 6, 'a', 40), `step ${step}`).toEqual(store.batch(step, 6, 'a'));
    // Of one episode and farther apart than its key frames, which are a second apart: reached by seeking.
    const far = [110, 52, 83, 110];
    expect(await stream.gather(far)).toEqual(store.gather(far));
    expect((await stream.gather([5], { pictures: false })).pictures).toHaveLength(0);
    expect(stream.sourceOf(11)).toEqual(store.sourceOf(11));
    expect(await sums(stream)).toEqual(await sums(store));
  });

  it('does so for v2.1 and v3.0, pictures of other sizes, and labels by time', async () => {
    const dirs = [golden('dataset-v21/dataset'), golden('dataset-v30/dataset')];
    const [store, stream] = await both(dirs, { imageSize: 64, frameStride: 20, stageLabels: 'time' });
    for (const step of [0, 1]) expect(await stream.batch(step, 5, 1)).toEqual(store.batch(step, 5, 1));
  });

  it('does so with chunks that reach beyond the end of their episode', async () => {
    const [store, stream] = await both([radio!, mixed!], { frameStride: 7, endPadding: true });
    expect(stream.size).toBe(store.size);
    for (const step of [0, 1, 2, 3]) expect(await stream.batch(step, 16, 'a')).toEqual(store.batch(step, 16, 'a'));
    expect(await sums(stream)).toEqual(await sums(store));
  });

  it('reads ahead no more than its memory and the run allow', async () => {
    const prepared = await prepareSamples([radio!], { imageSize: 32, frameStride: 2 });
    const store = await SampleStore.load([radio!], { imageSize: 32, frameStride: 2, workers: 1 });
    // Room for a window of two batches of two samples.
    const sampleBytes = prepared.sampleBytes + 4 * 31 * 23;
    const stream = await SampleStream.open(prepared, { workers: 1, memoryLimit: 4 * 4.5 * sampleBytes });
    open.push(stream);
    const asked: number[] = [];
    const { indices } = prepared.draws;
    prepared.draws.indices = function (step, ...rest) {
      asked.push(step);
      return indices.call(this, step, ...rest);
    };
    const told: number[][] = [];
    for (let step = 0; step < 5; step++) {
      expect(await stream.batch(step, 2, 1, 5)).toEqual(store.batch(step, 2, 1));
      told.push(asked.splice(0));
    }
    expect(told).toEqual([[0, 1], [2, 3], [], [4], []]);
  });

  it('draws tasks as often as is said, in memory and streamed alike', async () => {
    const taskWeights = { picking_up_trash: 0, turning_on_radio: 3 };
    const [store, stream] = await both([`${radio}:1`, `${mixed}:1`], { taskWeights });
    const batches = Array.from({ length: 10 }, (_, step) => store.batch(step, 4, 1));
    expect(await stream.batch(3, 4, 1)).toEqual(batches[3]);
    const drawn = (await Promise.all(batches)).flatMap(({ taskId }) => [...taskId]);
    expect(new Set(drawn)).toEqual(new Set([0]));
    const twice = await opened('never', [mixed!], { taskWeights: { picking_up_trash: 2 }, frameStride: 1 });
    const tasks = (await twice.batch(0, 288, 1)).taskId;
    // 61 and 12 samples of one task, 15 of the other.
    expect(tasks.filter((id) => id === 1).length / tasks.length).toBeCloseTo(146 / 161, 2);
    await expect(opened('never', [mixed!], { taskWeights: { picking_trash: 2 } })).rejects.toThrow(
      /no task 'picking_trash'. Did you mean 'picking_up_trash'/,
    );
  });

  it('leaves out samples with bad numbers as the store does, and remembers what it found', async () => {
    const [store, stream] = await both([radio!, mixed!]);
    const bad = [3, 40].map((sample) => ({
      ...{ sample, folder: sample < 20 ? 0 : 1, episode: 0, frame: 0 },
      ...{ what: 'action' as const, dimension: 0, value: Number.NaN },
    }));
    const [some, others] = [store.without(bad), stream.without(bad)];
    expect([some.size, some.sourceOf(3), some.taskOf(3)]).toEqual([store.size - 2, store.sourceOf(4), store.taskOf(4)]);
    for (const step of [0, 5]) expect(await others.batch(step, 7, 2)).toEqual(some.batch(step, 7, 2));
    const known = { taskInfoSize: 9, bad };
    const again = await opened('always', [radio!, mixed!], { known });
    expect(again.badSamples()).toEqual(bad);
  });

  it('is chosen where samples do not fit in memory, and says so', async () => {
    const said: string[] = [];
    const log = (line: string) => void said.push(line);
    expect(await opened('auto', [radio!], { memoryLimitBytes: 1000, log })).toBeInstanceOf(SampleStream);
    expect(await opened('auto', [radio!], { log })).toBeInstanceOf(SampleStore);
    expect(said).toEqual([
      expect.stringMatching(/^samples: read as they are needed \(in memory they take .* GiB, allowed are .* GiB\)$/),
      expect.stringMatching(/^samples: held in memory/),
    ]);
    await expect(opened('never', [radio!], { memoryLimitBytes: 1000 })).rejects.toThrow(/--stream auto/);
  });

  it('names episode and camera of a damaged video when it is reached, and a missing one at the door', async () => {
    const dir = await write(join(folder, 'damaged'), [{ length: 45, seed: 8 }]);
    const dataset = await openDataset(dir);
    const { path } = dataset.video(dataset.episodes[0]!, 'left_wrist');
    await writeFile(path, 'no video');
    const stream = await opened('always', [dir]);
    await expect(stream.batch(0, 2, 1)).rejects.toThrow(/rgb\.left_wrist.*episode_0+\.mp4: opening the video/);
    await rm(path);
    await expect(opened('always', [dir])).rejects.toThrow(/left_wrist.episode_0+\.mp4/);
  });
});

describe('heldOutPlaces', () => {
  it('keeps episodes of one instance together where that is asked for', async () => {
    const dataset = await openDataset(radio!);
    const seen = new Set<string>();
    for (const share of [0.3, 0.5, 0.75]) {
      const places = await heldOutPlaces(dataset, share, 'instance');
      expect(places.has(2)).toBe(places.has(3));
      expect(places.size).toBeLessThan(4);
      seen.add([...places].sort().join());
    }
    expect(seen.size).toBeGreaterThan(1);
    expect([...(await heldOutPlaces(dataset, 0.5, 'episode'))]).toHaveLength(2);
    const one = await openDataset(await write(join(folder, 'one'), [{ seed: 1 }, { seed: 2 }]));
    await expect(heldOutPlaces(one, 0.5, 'instance')).rejects.toThrow(/all 2 episodes are of one instance/);
  });
});
