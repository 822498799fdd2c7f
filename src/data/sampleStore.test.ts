import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stageAtTime, stateFromProprioception } from '../action/index.ts';
import { SampleStore } from './sampleStore.ts';
import { fakeEpisode, frameNumberIn } from './testing.ts';
import { DatasetWriter } from './writer.ts';

let folder: string;
let [radio, trash]: string[] = [];
const records = [1, 2, 3].map((seed) => fakeEpisode({ length: 50 + seed, size: 32, seed }));
const trashRecord = fakeEpisode({
  length: 64,
  size: 32,
  seed: 9,
  taskIndex: 1,
  taskName: 'picking_up_trash',
  taskInfoWidth: 9,
  clip: { start: 300, fullLength: 600 },
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-store-'));
  radio = join(folder, 'radio');
  trash = join(folder, 'trash');
  const first = await DatasetWriter.create(radio, { imageSize: 32 });
  for (const record of records) await first.addEpisode(record);
  await first.finish();
  const second = await DatasetWriter.create(trash, { imageSize: 32 });
  await second.addEpisode(trashRecord);
  await second.finish();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('SampleStore', () => {
  it('gives each sample the pictures, state, actions and labels of its frame', async () => {
    const store = await SampleStore.load([radio!, trash!], {
      imageSize: 32,
      frameStride: 4,
      stageLabels: 'skills',
      workers: 2,
    });
    const all = store.gather(Array.from({ length: store.size }, (_, i) => i));
    expect(store.folders.map((f) => f.count)).toEqual(
      [3, 1].map((_, i) => all.source.folder.filter((f) => f === i).length),
    );
    const bytes = 32 * 32 * 3;
    for (let i = 0; i < store.size; i++) {
      const record = all.source.folder[i] === 1 ? trashRecord : records[all.source.episode[i]!]!;
      const frame = all.source.frame[i]!;
      for (let c = 0; c < 3; c++)
        expect(frameNumberIn(all.pictures.subarray((i * 3 + c) * bytes, (i * 3 + c + 1) * bytes), 32)).toBe(frame);
      expect(all.actions.subarray(i * 690, (i + 1) * 690)).toEqual(
        record.action.subarray(frame * 23, (frame + 30) * 23),
      );
      expect(all.state.subarray(i * 23, (i + 1) * 23)).toEqual(
        stateFromProprioception(record.state.subarray(frame * 256, (frame + 1) * 256)),
      );
      const k = record.taskInfoKeys.length;
      expect(all.taskInfo.subarray(i * 9, i * 9 + k)).toEqual(record.taskInfo.subarray(frame * k, (frame + 1) * k));
      expect(all.taskId[i]).toBe(record.taskIndex);
      expect(all.stage[i]).toBe(record.stages![frame]);
    }
  });

  it('labels stages by equal-time bins of the whole demonstration, also in a clip', async () => {
    const store = await SampleStore.load([trash!], { imageSize: 32, frameStride: 5 });
    const all = store.gather(Array.from({ length: store.size }, (_, i) => i));
    expect([...all.stage]).toEqual([...all.source.frame].map((frame) => stageAtTime((300 + frame) / 30, 600, 6)));
    expect(all.stage[0]).toBe(3);
  });

  it('draws the same batches for the same seed, others for another, and every sample once per epoch', async () => {
    const load = (workers: number) => SampleStore.load([radio!], { imageSize: 32, frameStride: 3, workers });
    const [one, two] = [await load(1), await load(2)];
    const ids = (batch: { source: { episode: Int32Array; frame: Int32Array } }) =>
      Array.from(batch.source.episode, (e, i) => e * 1000 + batch.source.frame[i]!);
    const epochSteps = one.size;
    const order: number[] = [];
    for (let step = 0; step < epochSteps; step++) {
      const batch = one.batch(step, 2, 'a');
      expect(ids(two.batch(step, 2, 'a'))).toEqual(ids(batch));
      order.push(...ids(batch));
    }
    expect(one.batch(3, 4, 'a')).toEqual(two.batch(3, 4, 'a')); // pictures and numbers too, whoever decoded them
    const first = order.slice(0, one.size);
    expect(new Set(first).size).toBe(one.size);
    expect(new Set(order.slice(one.size)).size).toBe(one.size);
    expect(order.slice(one.size)).not.toEqual(first);
    expect(ids(one.batch(0, one.size, 'b'))).not.toEqual(first);
    expect(one.batch(5, 2, 'a')).toEqual(two.batch(5, 2, 'a')); // going back is allowed
  });

  it('keeps the share of weighted folders over time', async () => {
    const store = await SampleStore.load([`${radio}:1`, `${trash}:3`], { imageSize: 32, frameStride: 2 });
    const folders: number[] = [];
    for (let step = 0; step < 100; step++) folders.push(...store.batch(step, 6, 0).source.folder);
    expect(folders.filter((f) => f === 1).length).toBe(450);
  });

  it('splits episodes for validation without overlap', async () => {
    const episodes = async (part: 'train' | 'validation') =>
      new Set(
        (await SampleStore.load([radio!], { imageSize: 32, split: { part, share: 0.4 } })).batch(0, 60, 0).source
          .episode,
      );
    const [train, validation] = [await episodes('train'), await episodes('validation')];
    expect([...train, ...validation].sort()).toEqual([0, 1, 2]);
  });

  it('resizes pictures, and refuses with numbers what does not fit', async () => {
    const store = await SampleStore.load([trash!], { imageSize: 16, frameStride: 10 });
    expect(store.batch(0, 1, 0).pictures.length).toBe(3 * 16 * 16 * 3);
    await expect(SampleStore.load([trash!], { imageSize: 32, memoryLimitBytes: 100_000 })).rejects.toThrow(
      /35 samples .* need .* frameStride of \d+ instead of 1/,
    );
    await expect(SampleStore.load([join(folder, 'none')], { imageSize: 32 })).rejects.toThrow(/none/);
  });
});
