import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeEpisode, frameNumberIn } from '../../../test/support/data.ts';
import { CHALLENGE_ROBOT, stageAtTime, stateOf } from '../../robot/index.ts';
import { DatasetWriter } from '../lerobot/writer.ts';
import { SampleStore } from './sampleStore.ts';

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
  it('with padding begins chunks up to the last frame, whose action is repeated beyond it', async () => {
    const store = await SampleStore.load([radio!, trash!], { imageSize: 32, workers: 1, endPadding: true });
    expect(store.size).toBe(51 + 52 + 53 + 64);
    const all = store.gather(Array.from({ length: store.size }, (_, i) => i));
    for (let i = 0; i < store.size; i++) {
      const { action } = all.source.folder[i] === 1 ? trashRecord : records[all.source.episode[i]!]!;
      const last = action.length / 23 - 1;
      const rows = Array.from({ length: 30 }, (_, k) => Math.min(all.source.frame[i]! + k, last));
      const chunk = Float32Array.from(rows.flatMap((row) => [...action.subarray(23 * row, 23 * row + 23)]));
      expect(all.actions.subarray(i * 690, (i + 1) * 690)).toEqual(chunk);
      expect(store.numbers(i).actions).toEqual(chunk);
    }
    expect([...new Set(all.source.frame)].sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, i) => i));
    expect(store.badSamples()).toEqual([]);
  });

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
        stateOf(CHALLENGE_ROBOT, record.state.subarray(frame * 256, (frame + 1) * 256)),
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
    expect([...all.stage]).toEqual([...all.source.frame].map((frame) => stageAtTime((300 + frame) / 30, 600, 6, 30)));
    expect(all.stage[0]).toBe(3);
  });

  it('draws the same batches for the same seed, whoever decoded them, and takes weights from the names', async () => {
    const load = (workers: number) =>
      SampleStore.load([`${radio}:1`, `${trash}:3`], { imageSize: 32, frameStride: 9, workers });
    const [one, two] = [await load(1), await load(2)];
    for (const step of [7, 0, 3]) expect(one.batch(step, 4, 'a')).toEqual(two.batch(step, 4, 'a'));
    expect(one.batch(0, 4, 'b').source).not.toEqual(one.batch(0, 4, 'a').source);
    expect([...one.batch(5, 4, 'a').source.folder]).toEqual([0, 1, 1, 1]);
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

  it('loads the golden sets: both layouts of proprioception, v2.1 and v3.0, cameras of different sizes', async () => {
    const golden = (name: string) => join(import.meta.dirname, '../../../test/golden', name);
    const store = await SampleStore.load([golden('dataset-v21/dataset'), golden('dataset-v30/dataset')], {
      imageSize: 64,
      frameStride: 20,
      stageLabels: 'time',
    });
    expect(store.folders.map((f) => f.episodes)).toEqual([6, 6]);
    const all = store.gather(Array.from({ length: store.size }, (_, i) => i));
    expect(new Set(all.taskId)).toEqual(new Set([0, 7, 1]));
    const bytes = 64 * 64 * 3;
    for (let i = 0; i < store.size; i++)
      for (const c of [1, 2]) // the head camera is 96 wide and scaled down
        expect(frameNumberIn(all.pictures.subarray((i * 3 + c) * bytes, (i * 3 + c + 1) * bytes), 64)).toBe(
          all.source.frame[i],
        );
    expect(all.state.every(Number.isFinite)).toBe(true);
    expect(store.taskInfoSize).toBe(9);
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
