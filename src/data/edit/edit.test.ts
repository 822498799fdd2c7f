import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeEpisode, fakeEpisode } from '../../../test/support/data.ts';
import { resizeWithPad } from '../../picture/index.ts';
import { checkDataset } from '../check/index.ts';
import { type Dataset, DatasetWriter, openDataset, queryColumns } from '../lerobot/index.ts';
import { encodeVideo } from '../video/index.ts';
import { mergedEpisodes, selectEpisodes, splitEpisodes, trimmedEpisodes, writeSet } from './index.ts';
import { wholeEpisode } from './keptEpisode.ts';

const COLUMNS = ['action', 'observation.state', 'timestamp', 'annotation.stage'] as const;
let folder: string;
let set: Dataset;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-edit-'));
  const trash = { taskIndex: 1, taskName: 'picking_up_trash' };
  set = await written('demos', [
    fakeEpisode({ length: 20, seed: 1 }),
    fakeEpisode({ length: 33, seed: 2 }),
    fakeEpisode({ length: 26, seed: 3 }),
    fakeEpisode({ length: 31, seed: 4, ...trash }),
    fakeEpisode({ length: 24, seed: 5, ...trash }),
  ]);
  await writeFile(join(set.root, 'README.md'), 'Made for a test.\n');
  await mkdir(join(set.root, 'extras'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function written(name: string, episodes: readonly FakeEpisode[]): Promise<Dataset> {
  const writer = await DatasetWriter.create(at(name), { imageSize: 64 });
  for (const episode of episodes) await writer.addEpisode(episode);
  await writer.finish();
  return openDataset(at(name));
}

const digest = (values: readonly (Uint8Array | Float32Array | Float64Array)[]) => {
  const hash = createHash('sha256');
  for (const value of values) hash.update(value);
  return hash.digest('hex');
};

/** All that a reader gets of a set's episodes. */
async function contents({ episodes, ...dataset }: Dataset) {
  const out = [];
  for (const episode of episodes) {
    const columns = await dataset.columns(episode, COLUMNS);
    const all = Array.from({ length: episode.length }, (_, i) => i);
    out.push({
      task: dataset.tasks.get(episode.taskIndex),
      taskIndex: episode.taskIndex,
      columns: COLUMNS.map((name) => digest([columns[name].data])),
      pictures: await Promise.all(
        dataset.cameras.map(async (camera) => digest((await dataset.frames(episode, camera, all)).frames)),
      ),
      annotation: await dataset.annotation(episode),
      info: await dataset.metaInfo(episode),
    });
  }
  return out;
}

/** Every file of a folder with its bytes. */
async function tree(dir: string): Promise<Map<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      files.sort().map(async (file) => [relative(dir, file), (await readFile(file)).toString('base64')] as const),
    ),
  );
}

describe('select', () => {
  it('keeps the chosen episodes whole, with their numbers, tasks and what lies beside them', async () => {
    const kept = await selectEpisodes(set, { length: { from: 24, to: 32 } });
    const { notes } = await writeSet(kept, at('some'));
    const some = await openDataset(at('some'));
    expect(some.episodes.map(({ index, taskIndex, length }) => [index, taskIndex, length])).toEqual([
      [2, 0, 26],
      [1_000_000, 1, 31],
      [1_000_001, 1, 24],
    ]);
    const wanted = await contents(set);
    expect(await contents(some)).toEqual([wanted[2], wanted[3], wanted[4]]);
    expect(await readFile(join(at('some'), 'README.md'), 'utf8')).toBe('Made for a test.\n');
    expect(notes).toEqual([expect.stringContaining('extras/ is left behind')]);
    expect(await checkDataset(at('some'))).toMatchObject({ ok: true, episodes: 3, frames: 81 });
    const path = some.dataPath(some.episodes[1]!);
    const { index, frame_index } = await queryColumns(path, ['index', 'frame_index']);
    expect([index.data[0], index.data.at(-1), frame_index.data.at(-1)]).toEqual([26, 56, 30]);
  });

  it('asks an expression over the columns of every episode', async () => {
    const firsts = await Promise.all(
      set.episodes.map(async (episode) => (await set.columns(episode, ['action'])).action.data[0]!),
    );
    const kept = await selectEpisodes(set, { where: `first(action[1] order by timestamp) > ${firsts[1]}` });
    expect(kept.map(({ episode }) => episode.index)).toEqual(
      set.episodes.filter((_, i) => firsts[i]! > firsts[1]!).map(({ index }) => index),
    );
    await expect(selectEpisodes(set, { where: 'action[1] > nothing' })).rejects.toThrow(/--where.*cannot be told/);
    await expect(selectEpisodes(set, { where: 'max(timestamp)' })).rejects.toThrow(/is number.*expected true or false/);
  });

  it('refuses what is there, what is empty, and another plan than that which was begun', async () => {
    await expect(writeSet([], at('none'))).rejects.toThrow(/no episode is left/);
    await expect(writeSet(await selectEpisodes(set, {}), set.root)).rejects.toThrow(/is the set itself/);
    await writeSet(await selectEpisodes(set, { length: { from: 20, to: 20 } }), at('there'));
    await expect(writeSet(await selectEpisodes(set, {}), at('there'))).rejects.toThrow(/exists already/);
    await mkdir(at('other.part'));
    await writeFile(join(at('other.part'), 'edit.json'), '{"format": "v2.1"}');
    await expect(writeSet(await selectEpisodes(set, {}), at('other'))).rejects.toThrow(/of other episodes/);
  });
});

describe('convert', () => {
  it('to v3.0 and back keeps numbers, pictures, stages, tasks and what lies beside the episodes', async () => {
    const maxBytes = { data: 120_000, video: 20_000 };
    await writeSet(await selectEpisodes(set, {}), at('three'), { format: 'v3.0', maxBytes });
    const three = await openDataset(at('three'));
    expect(three.format).toBe('v3.0');
    expect(three.episodes.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(await checkDataset(at('three'))).toMatchObject({ ok: true, problems: [], episodes: 5, frames: 134 });
    const shared = (await readdir(join(at('three'), 'data/chunk-000'))).length;
    expect(shared).toBeGreaterThan(1);
    expect(shared).toBeLessThan(5);
    const wanted = await contents(set);
    expect((await contents(three)).map((one) => ({ ...one, task: one.task?.instruction }))).toEqual(
      wanted.map((one) => ({ ...one, task: one.task?.instruction })),
    );

    await writeSet(await selectEpisodes(three, {}), at('back'), { format: 'v2.1' });
    const back = await openDataset(at('back'));
    expect(await checkDataset(at('back'))).toMatchObject({ ok: true, problems: [] });
    expect(await contents(back)).toEqual(wanted);
  });

  it('to v3.0 and back keeps what an index says of episodes and pictures that Valet does not know', async () => {
    const lengths = [20, 33, 26];
    const source = await written(
      'told',
      lengths.map((length, seed) => fakeEpisode({ length, seed })),
    );
    const path = (name: string, file: string) => join(at(name), 'meta', file);
    const lines = async (name: string, file: string): Promise<Record<string, unknown>[]> =>
      (await readFile(path(name, file), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    const rewrite = async (file: string, change: (line: Record<string, unknown>, i: number) => object) => {
      const changed = (await lines('told', file)).map((line, i) => JSON.stringify(change(line, i)));
      await writeFile(path('told', file), `${changed.join('\n')}\n`);
    };
    const told = (i: number) => ({
      good: i !== 1,
      score: i === 0 ? 2 : 0.5 + i,
      who: `person ${i}`,
      marks: [i, 2 * i],
    });
    await rewrite('episodes.jsonl', (line, i) => ({ ...line, ...told(i), odd: i === 0 ? 1 : 'one', more: { a: i } }));
    const camera = source.cameraFeature(source.cameras[0] ?? '');
    const seen = (i: number) => ({ min: [[[0]]], max: [[[1]]], mean: [[[0.25 * i]]], std: [[[0.5]]], count: [10] });
    await rewrite('episodes_stats.jsonl', ({ stats, ...line }, i) => ({
      ...line,
      stats: { ...(stats as object), [camera]: seen(i) },
    }));
    const { notes } = await writeSet(await selectEpisodes(await openDataset(at('told')), {}), at('told-3'), {
      format: 'v3.0',
    });
    expect(notes).toEqual(
      ['odd', 'more'].map((name) => expect.stringMatching(new RegExp(`^${name} of .*left behind`))),
    );
    const pooled = JSON.parse(await readFile(path('told-3', 'stats.json'), 'utf8'));
    expect(pooled[camera]).toMatchObject({ mean: [[[0.25]]], count: [30] });
    // A part of it, again as v3.0, and back.
    const some = await selectEpisodes(await openDataset(at('told-3')), { length: { from: 20, to: 30 } });
    await writeSet(some, at('told-3-some'), { format: 'v3.0' });
    const kept = await selectEpisodes(await openDataset(at('told-3-some')), {});
    await writeSet(kept, at('told-back'), { format: 'v2.1' });
    const { distance_traveled: far } = (await lines('told', 'episodes.jsonl'))[2] ?? {};
    const back = await lines('told-back', 'episodes.jsonl');
    expect(back).toMatchObject([told(0), { ...told(2), distance_traveled: far, length: 26, episode_index: 1 }]);
    expect(Object.keys(back[0] ?? {}).filter((name) => /^(data|videos|stats|dataset)/.test(name))).toEqual([]);
    expect((await lines('told-back', 'episodes_stats.jsonl')).map(({ stats }) => (stats as never)[camera])).toEqual([
      seen(0),
      seen(2),
    ]);
    expect(await checkDataset(at('told-back'))).toMatchObject({ ok: true, problems: [] });
  });

  it('to v3.0 holds the files of few episodes twice, and goes on when it is cut off after any of them', async () => {
    const maxBytes = { data: 1, video: 1 };
    const part = at('broken.part');
    const own = () =>
      readdirSync(join(part, 'v2.1'), { recursive: true }).filter((path) => /[.](parquet|mp4)$/.test(String(path)));
    await writeSet(await selectEpisodes(set, {}), at('unbroken'), { format: 'v3.0', maxBytes });
    for (const last of [1, 2, 3, 4, 5]) {
      let most = 0;
      const cut = writeSet(await selectEpisodes(set, {}), at('broken'), {
        ...{ format: 'v3.0', maxBytes },
        progress: (done) => {
          most = Math.max(most, own().length);
          if (done === last) throw new Error('cut');
        },
      });
      await expect(cut).rejects.toThrow('cut');
      // An episode's table and three videos, and those of the one before until they are joined.
      expect(most).toBeLessThanOrEqual(8);
      expect(most).toBeGreaterThan(0);
    }
    await writeSet(await selectEpisodes(set, {}), at('broken'), { format: 'v3.0', maxBytes });
    expect(await tree(at('broken'))).toEqual(await tree(at('unbroken')));
    expect(existsSync(part)).toBe(false);
  });

  it.each<[string, number, number, RegExp]>([
    ['shorter than its table', 32, 30, /episode_00000001\.mp4: holds 32 frames, episode 1 has 33/],
    ['of another rate', 33, 25, /episode_00000001\.mp4: has 25 frames a second, info\.json says 30/],
  ])('refuses a video %s, whatever is to be written, and goes on when it is mended', async (_, count, fps, message) => {
    const lengths = [20, 33, 26];
    const source = await written(
      `faulty-${fps}`,
      lengths.map((length, seed) => fakeEpisode({ length, seed })),
    );
    const [camera = ''] = source.cameras;
    const { path } = source.video(source.episodes[1]!, camera);
    const whole = await readFile(path);
    const black = Array.from({ length: count }, () => new Uint8Array(64 * 64 * 3));
    for (const format of ['v2.1', 'v3.0'] as const) {
      const out = at(`faulty-${fps}-${format}`);
      encodeVideo(path, black, 64, 64, { fps });
      const write = async () => writeSet(await selectEpisodes(source, {}), out, { format });
      await expect(write(), format).rejects.toThrow(message);
      expect(existsSync(out), format).toBe(false);
      await writeFile(path, whole);
      await write();
      expect(await contents(await openDataset(out)), format).toHaveLength(lengths.length);
    }
  });

  it('clears up what is left when it was cut off after the set had its name', async () => {
    const kept = await selectEpisodes(set, { length: { from: 24, to: 26 } });
    await writeSet(kept, at('once'));
    const before = await tree(at('once'));
    await expect(writeSet(kept, at('once'))).rejects.toThrow(/exists already/);
    // As a process leaves it that was killed between the rename and the clearing up.
    let plan = '';
    const seen = writeSet(kept, at('twice'), {
      progress: () => (plan = readFileSync(join(at('twice.part'), 'edit.json'), 'utf8')),
    });
    expect(await seen).toMatchObject({ episodes: 2, frames: 50 });
    for (const left of [{ 'edit.json': plan, 'done.jsonl': '' }, { 'edit.json': plan }, {}]) {
      await mkdir(at('once.part'));
      for (const [name, text] of Object.entries(left)) await writeFile(join(at('once.part'), name), text);
      expect(await writeSet(kept, at('once'))).toMatchObject({ episodes: 2, frames: 50 });
      expect(existsSync(at('once.part'))).toBe(false);
    }
    expect(await tree(at('once'))).toEqual(before);
  });

  it('pools the statistics of the episodes as those of all frames', async () => {
    const stats = JSON.parse(await readFile(join(at('three'), 'meta/stats.json'), 'utf8'));
    const values: number[] = [];
    for (const episode of set.episodes) {
      const { data, width } = (await set.columns(episode, ['action'])).action;
      for (let row = 0; row * width < data.length; row++) values.push(data[row * width + 3]!);
    }
    const mean = values.reduce((a, b) => a + b) / values.length;
    const std = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
    expect(stats.action.mean[3]).toBeCloseTo(mean, 6);
    expect(stats.action.std[3]).toBeCloseTo(std, 6);
    expect([stats.action.min[3], stats.action.max[3]]).toEqual([Math.min(...values), Math.max(...values)]);
    expect(stats.action.count).toEqual([values.length]);
  });

  it('cuts frames out of an episode, encoded again where they begin between key frames', async () => {
    const [first, second] = set.episodes;
    const cut = [
      { ...wholeEpisode(set, first!), to: 9 },
      { ...wholeEpisode(set, second!), from: 4, to: 30 },
    ];
    expect(await writeSet(cut, at('cut'))).toMatchObject({ episodes: 2, frames: 35, encoded: set.cameras.length });
    const now = await openDataset(at('cut'));
    expect(await checkDataset(at('cut'))).toMatchObject({ ok: true, problems: [] });
    const { action, timestamp } = await now.columns(now.episodes[1]!, ['action', 'timestamp']);
    const was = (await set.columns(second!, ['action'])).action;
    expect(action.data).toEqual(was.data.slice(4 * was.width, 30 * was.width));
    expect(timestamp.data[0]).toBeCloseTo(0, 9);
    const { skill_annotation } = (await now.annotation(now.episodes[1]!))!;
    expect(skill_annotation.map((skill) => skill.frame_duration)).toEqual([
      [0, 12],
      [12, 26],
    ]);
    const [before, after] = [await set.frames(second!, 'head', [4]), await now.frames(now.episodes[1]!, 'head', [0])];
    const off = before.frames[0]!.reduce((sum, level, i) => sum + Math.abs(level - after.frames[0]![i]!), 0);
    expect(off / before.frames[0]!.length).toBeLessThan(3);
  });
});

describe('trim and resize', () => {
  it('leaves out the frames at the ends in which nothing moves, but for a margin', async () => {
    const { action, state, ...rest } = fakeEpisode({ length: 40, seed: 8 });
    const [width, stateWidth] = [action.length / 40, state.length / 40];
    // Stands for 12 frames, moves, and stands from frame 30 on.
    const held = (values: Float32Array, w: number) =>
      values.map((_, i) => values[Math.min(29, Math.max(12, Math.floor(i / w))) * w + (i % w)]!);
    const still = { ...rest, action: held(action, width), state: held(state, stateWidth) };
    const standing = fakeEpisode({ length: 20, seed: 9 });
    standing.action.fill(0.5);
    standing.state.fill(0.5);
    const stood = await written('stood', [still, standing]);
    const [trimmed, kept] = await trimmedEpisodes(stood, { still: 1e-6, margin: 3 });
    expect([trimmed!.from, trimmed!.to]).toEqual([9, 33]);
    expect([kept!.from, kept!.to]).toEqual([0, 20]);
    await writeSet([trimmed!, kept!], at('trimmed'));
    expect(await checkDataset(at('trimmed'))).toMatchObject({ ok: true, problems: [], frames: 44 });
  });

  it('resizes every camera as the network gets it, and says so in the index', async () => {
    const kept = await selectEpisodes(set, { length: { from: 20, to: 20 } });
    expect(await writeSet(kept, at('small'), { imageSize: 24 })).toMatchObject({ encoded: 3 });
    const small = await openDataset(at('small'));
    expect(await checkDataset(at('small'))).toMatchObject({ ok: true, problems: [] });
    const [before, after] = [
      await set.frames(set.episodes[0]!, 'head', [7]),
      await small.frames(small.episodes[0]!, 'head', [7]),
    ];
    expect([after.width, after.height]).toEqual([24, 24]);
    const expected = resizeWithPad({ data: before.frames[0]!, width: 64, height: 64, channels: 3 }, 24);
    const off = expected.reduce((sum, level, i) => sum + Math.abs(level - after.frames[0]![i]!), 0);
    expect(off / expected.length).toBeLessThan(3);

    // The same in HEVC, by the same bytes each time.
    for (const name of ['hevc', 'hevc2']) await writeSet(kept, at(name), { imageSize: 24, codec: 'hevc' });
    const hevc = await openDataset(at('hevc'));
    expect(await checkDataset(at('hevc'))).toMatchObject({ ok: true, problems: [] });
    expect(hevc.info.features[hevc.cameraFeature('head')]?.info?.['video.codec']).toBe('hevc');
    const { path } = hevc.video(hevc.episodes[0]!, 'head');
    const bytes = await readFile(path);
    expect(bytes.includes('hev1')).toBe(true);
    expect(bytes.equals(await readFile(path.replace('hevc', 'hevc2')))).toBe(true);
    const [picture] = (await hevc.frames(hevc.episodes[0]!, 'head', [7])).frames;
    const far = expected.reduce((sum, level, i) => sum + Math.abs(level - picture![i]!), 0);
    expect(far / expected.length).toBeLessThan(3);
  });
});

describe('merge and split', () => {
  it('a task is the same where its name is; numbers of others and of episodes are exchanged', async () => {
    const other = await written('other-robot', [
      fakeEpisode({ length: 21, seed: 6 }),
      fakeEpisode({ length: 22, seed: 7, taskIndex: 1, taskName: 'wiping_the_floor' }),
    ]);
    await writeSet(mergedEpisodes([set, other]), at('merged'));
    const merged = await openDataset(at('merged'));
    expect(await checkDataset(at('merged'))).toMatchObject({ ok: true, episodes: 7 });
    expect(merged.tasks.get(2)?.name).toBe('wiping_the_floor');
    const lengths = new Map(merged.episodes.map(({ index, length }) => [index, length]));
    expect(Object.fromEntries(lengths)).toEqual({
      ...{ 0: 20, 1: 33, 2: 26, 3: 21 },
      ...{ 1000000: 31, 1000001: 24, 2000000: 22 },
    });
    const slow = { ...other, fps: 10 };
    await expect(writeSet(mergedEpisodes([set, slow]), at('mixed'))).rejects.toThrow(/10 frames a second/);
  });

  it('parts have each episode once, every task in its share; another seed gives others', async () => {
    const kept = Array.from({ length: 40 }, (_, i) => ({
      ...wholeEpisode(set, set.episodes[0]!),
      ...{ index: i, taskIndex: i % 2 },
    }));
    const parts = [
      { name: 'train', share: 3 },
      { name: 'test', share: 1 },
    ];
    const numbers = (seed: string) =>
      [...splitEpisodes(kept, parts, seed).values()].map((part) => part.map(({ index }) => index));
    const [train = [], test = []] = numbers('a');
    expect([...train, ...test].sort((a, b) => a - b)).toEqual(kept.map(({ index }) => index));
    expect(test.filter((index) => index % 2 === 0)).toHaveLength(5);
    expect(test).toHaveLength(10);
    expect(numbers('a')).toEqual([train, test]);
    expect(numbers('b')).not.toEqual([train, test]);
    expect(() => splitEpisodes(kept.slice(0, 1), parts, 'a')).toThrow(/part test: gets no episode/);
  });
});

it.each(['v2.1', 'v3.0'] as const)(
  'a run that ended in the middle is gone on with, to the same bytes (%s)',
  async (format) => {
    const kept = await selectEpisodes(set, {});
    const maxBytes = { data: 120_000, video: 20_000 };
    await writeSet(kept, at(`straight-${format}`), { format, maxBytes });
    for (const stop of [1, 3]) {
      const progress = (done: number) => {
        if (done === stop) throw new Error('killed');
      };
      await expect(writeSet(kept, at(`broken-${format}`), { format, maxBytes, progress })).rejects.toThrow('killed');
      expect(existsSync(at(`broken-${format}`))).toBe(false);
    }
    await writeSet(kept, at(`broken-${format}`), { format, maxBytes });
    expect(await tree(at(`broken-${format}`))).toEqual(await tree(at(`straight-${format}`)));
    expect(existsSync(at(`broken-${format}.part`))).toBe(false);
  },
);
