import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeEpisode } from '../../../test/support/data.ts';
import { encodeParquet } from '../lerobot/encodeParquet.ts';
import { DatasetWriter } from '../lerobot/writer.ts';
import { SampleStore } from '../samples/index.ts';
import { encodeVideo } from '../video/index.ts';
import { checkDataset } from './checkDataset.ts';
import type { ProblemCode } from './problem.ts';

let folder: string;
let sound: string;
const LENGTH = 35;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-check-'));
  sound = join(folder, 'sound');
  const writer = await DatasetWriter.create(sound, { imageSize: 32 });
  for (const seed of [1, 2]) await writer.addEpisode(fakeEpisode({ length: LENGTH, size: 32, seed }));
  await writer.finish();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const DATA = 'data/task-0000/episode_00000001.parquet';
const VIDEO = 'videos/task-0000/observation.images.rgb.left_wrist/episode_00000001.mp4';
const record = fakeEpisode({ length: LENGTH, size: 32, seed: 2 });

/** A parquet file like the writer's for episode 1, with some columns replaced or (null) left out. */
function parquetWith(changes: Record<string, ArrayLike<number> | null>, rows = LENGTH, actionWidth = 23): Uint8Array {
  const ramp = Float64Array.from({ length: rows }, (_, i) => i);
  const columns = [
    { name: 'index', kind: 'int64' as const, data: ramp },
    { name: 'episode_index', kind: 'int64' as const, data: new Float64Array(rows).fill(1) },
    { name: 'task_index', kind: 'int64' as const, data: new Float64Array(rows) },
    { name: 'timestamp', kind: 'float64' as const, data: ramp.map((i) => i / 30) },
    { name: 'observation.state', kind: 'float32list' as const, data: record.state.subarray(0, rows * 256), width: 256 },
    { name: 'observation.cam_rel_poses', kind: 'float32list' as const, data: new Float32Array(rows * 21), width: 21 },
    { name: 'action', kind: 'float32list' as const, data: new Float32Array(rows * actionWidth), width: actionWidth },
    { name: 'observation.task_info', kind: 'float32list' as const, data: new Float32Array(rows * 5), width: 5 },
    { name: 'annotation.stage', kind: 'int64' as const, data: new Float64Array(rows) },
  ];
  const kept = columns.filter(({ name }) => changes[name] !== null);
  return encodeParquet(
    kept.map((column) => ({ ...column, data: changes[column.name] ?? column.data })),
    rows,
  );
}

/** Folders that are not called after tasks, and sentences that are in no list. */
async function nameless(dir: string): Promise<void> {
  await edit('meta/info.json', (text) => text.replaceAll('task-{episode_chunk:04d}', 'task-0000'))(dir);
  await put('meta/tasks.jsonl', '{"task_index":0,"task":"x"}\n')(dir);
}

const state = record.state.slice();
state[256 * 7 + 3] = Number.NaN;
const edit = (path: string, change: (text: string) => string) => async (dir: string) =>
  writeFile(join(dir, path), change(await readFile(join(dir, path), 'utf8')));
const put = (path: string, data: Uint8Array | string) => (dir: string) => writeFile(join(dir, path), data);
const pictures =
  (size: number, count: number, fps = 30) =>
  (dir: string) =>
    encodeVideo(
      join(dir, VIDEO),
      Array.from({ length: count }, () => new Uint8Array(size * size * 3)),
      size,
      size,
      { fps },
    );

const CASES: [string, (dir: string) => unknown, ProblemCode, string, RegExp][] = [
  ['a video that is gone', (dir) => rm(join(dir, VIDEO)), 'video-missing', VIDEO, /left_wrist video of episode 1/],
  ['a video cut off', (dir) => truncate(join(dir, VIDEO), 500), 'video-broken', VIDEO, /opening the video failed/],
  ['a video that is no video', put(VIDEO, 'hello'), 'video-broken', VIDEO, /opening the video failed/],
  ['a video with too few frames', pictures(32, 34), 'video-frames', VIDEO, /holds 34 frames, episode 1 has 35/],
  [
    'a video of another rate',
    pictures(32, LENGTH, 25),
    'video-rate',
    VIDEO,
    /has 25 frames a second, info.json says 30/,
  ],
  ['a video of another size', pictures(48, LENGTH), 'video-size', VIDEO, /48x48, info.json says 32x32/],
  ['data that are gone', (dir) => rm(join(dir, DATA)), 'data-missing', DATA, /episode 1/],
  ['parquet cut off', (dir) => truncate(join(dir, DATA), 2000), 'data-broken', DATA, /cannot be read as parquet/],
  [
    'NaN in the state',
    put(DATA, parquetWith({ 'observation.state': state })),
    'not-finite',
    DATA,
    /observation.state holds NaN in row 7, place 3/,
  ],
  [
    'a column that is missing',
    put(DATA, parquetWith({ action: null })),
    'column-missing',
    DATA,
    /column action is missing/,
  ],
  [
    'actions of another width',
    put(DATA, parquetWith({}, LENGTH, 22)),
    'column-width',
    DATA,
    /action has 22 numbers per row, info.json says 23/,
  ],
  ['too few rows', put(DATA, parquetWith({}, 30)), 'row-count', DATA, /30 rows, the episode list says 35/],
  [
    'wrong times',
    put(DATA, parquetWith({ timestamp: Float64Array.from({ length: LENGTH }, (_, i) => i / 25) })),
    'timestamp',
    DATA,
    /row 1 has time 0.04 s/,
  ],
  [
    'rows of another episode',
    put(DATA, parquetWith({ episode_index: new Float64Array(LENGTH).fill(4) })),
    'row-numbers',
    DATA,
    /episode_index is 4 in row 0 \(expected 1\)/,
  ],
  [
    'rows of another task',
    put(DATA, parquetWith({ task_index: new Float64Array(LENGTH).fill(3) })),
    'row-numbers',
    DATA,
    /task_index is 3/,
  ],
  [
    'a jump in the row numbers',
    put(DATA, parquetWith({ index: Float64Array.from({ length: LENGTH }, (_, i) => (i < 5 ? i : i + 1)) })),
    'row-numbers',
    DATA,
    /index is 6 in row 5/,
  ],
  [
    'a line of episodes.jsonl that is no JSON',
    edit('meta/episodes.jsonl', (text) => text.replace('{"episode_index":1', '{episode_index:1')),
    'index',
    'meta/episodes.jsonl:2',
    /not valid JSON/,
  ],
  [
    'an episode without length',
    edit('meta/episodes.jsonl', (text) => text.replace('"length":35', '"size":35')),
    'index',
    'meta/episodes.jsonl:1',
    /length/,
  ],
  [
    'an episode listed twice',
    edit('meta/episodes.jsonl', (text) => text + text),
    'index',
    'meta/episodes.jsonl',
    /lists episode 0 twice/,
  ],
  [
    'an episode that the list forgot',
    edit('meta/episodes.jsonl', (text) => `${text.split('\n')[0]}\n`),
    'data-unlisted',
    DATA,
    /no line of meta\/episodes.jsonl/,
  ],
  [
    'statistics that are missing',
    (dir) => rm(join(dir, 'meta/episodes_stats.jsonl')),
    'index',
    'meta/episodes_stats.jsonl',
    /is missing; .*valet data convert/,
  ],
  [
    'totals that are wrong',
    edit('meta/info.json', (text) => text.replace('"total_frames": 70', '"total_frames": 71')),
    'totals',
    'meta/info.json',
    /total_frames is 71, the episode list has 70/,
  ],
  [
    'a task that is not listed',
    put('meta/tasks.jsonl', '{"task_index":5,"task":"x"}\n'),
    'task',
    'meta',
    /episode 0 belongs to task 0/,
  ],
  ['a task that nothing names', nameless, 'task', 'meta', /nothing names the task of episode 0 \(its sentence is "/],
  ['an info.json that is no JSON', put('meta/info.json', '{'), 'index', 'meta/info.json', /not valid JSON/],
  [
    'a skill beyond the end',
    edit('annotations/task-0000/episode_00000000.json', (text) =>
      text.replace(/(\n\s+)35\n(\s+\],\n\s+"mp_ef")/, '$136\n$2'),
    ),
    'annotation',
    'annotations/task-0000/episode_00000000.json',
    /skill 1 lasts from 17 to 36/,
  ],
  [
    'a clip longer than its demonstration',
    edit('meta/episodes/task-0000/episode_00000000.json', (text) =>
      text.replace('{', '{"clip":{"start":10,"fullLength":40},'),
    ),
    'metainfo',
    'meta/episodes/task-0000/episode_00000000.json',
    /clip from 10 of 40/,
  ],
];

describe('checkDataset', () => {
  it('finds nothing wrong with what the writer writes', async () => {
    // Its numbers are noise, of which notes tell.
    const { notes = [], ...result } = await checkDataset(sound);
    expect(notes.map(({ code }) => code)).toEqual(['gripper', 'gripper', 'limits']);
    expect(result).toEqual({
      ok: true,
      format: 'v2.1',
      episodes: 2,
      frames: 70,
      problems: [],
    });
  });

  it.each(CASES)('names %s', async (name, damage, code, where, message) => {
    const dir = join(folder, name.replaceAll(/\W/g, '-'));
    await cp(sound, dir, { recursive: true });
    await damage(dir);
    const { ok, problems } = await checkDataset(dir);
    expect(ok).toBe(false);
    expect(problems.map((problem) => problem.code)).toContain(code);
    const problem = problems.find((p) => p.code === code && message.test(p.message));
    expect(problem, JSON.stringify(problems)).toBeDefined();
    expect(problem!.where).toBe(where);
    expect(problems.every((p) => p.where.includes('00000000') === where.includes('00000000'))).toBe(true);
  });

  it('of a set whose tasks nothing names is as strict as training', async () => {
    const dir = join(folder, 'nameless');
    await cp(sound, dir, { recursive: true });
    await nameless(dir);
    await expect(SampleStore.load([dir], { imageSize: 32, workers: 1 })).rejects.toThrow(/nothing names the task of/);
  });

  it('of a flipped bit that the decoder signals says episode, camera and time, and training refuses it', async () => {
    const dir = join(folder, 'flipped');
    await cp(sound, dir, { recursive: true });
    const path = join(dir, VIDEO);
    const bytes = await readFile(path);
    const data = bytes.indexOf('mdat');
    let message: string | undefined;
    for (let at = data + 800; message === undefined && at < data + 4000; at += 37) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 4;
      await writeFile(path, damaged);
      message = (await checkDataset(dir)).problems.find(({ code }) => code === 'video-broken')?.message;
    }
    expect(message).toMatch(/^episode 1, camera .*left_wrist: frame \d+, \d\.\d{3} s into the file, is damaged/);
    const told = /frame \d+, \d\.\d{3} s into the file, is damaged/.exec(message ?? '')?.[0] ?? 'none';
    await expect(SampleStore.load([dir], { imageSize: 32, workers: 1 })).rejects.toThrow(`camera left_wrist: ${told}`);
  });

  it('names a folder that holds no data set', async () => {
    const { problems } = await checkDataset(join(folder, 'nowhere'));
    expect(problems).toEqual([
      { code: 'index', where: 'meta/info.json', message: expect.stringContaining('cannot be read') },
    ]);
  });

  it.each(['dataset-v21/dataset', 'dataset-v30/dataset', 'dataset-v30/converted'])('passes golden %s', async (name) => {
    const result = await checkDataset(join(import.meta.dirname, '../../../test/golden', name));
    expect(result.problems).toEqual([]);
    expect(result.episodes).toBe(6);
  });
});
