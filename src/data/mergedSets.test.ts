import { execFileSync } from 'node:child_process';
import { copyFile, cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rewriteTable } from '../../test/support/tables.ts';
import { CHALLENGE_ROBOT } from '../robot/index.ts';
import { checkDataset } from './check/index.ts';
import { writeSet } from './edit/index.ts';
import { wholeEpisode } from './edit/keptEpisode.ts';
import { openDataset, queryParquet } from './lerobot/index.ts';
import { SampleStore } from './samples/index.ts';
import { datasetStatistics } from './statistics/index.ts';

const SOUND = join(import.meta.dirname, '../../test/golden/dataset-v30/dataset');
const EPISODES = 'meta/episodes/chunk-000/file-000.parquet';
const HEAD = 'videos/observation.images.rgb.head';
const WRIST = 'videos/observation.images.rgb.left_wrist';
let folder: string;
let number = 0;
let soundContent: unknown[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-merged-'));
  soundContent = await contentOf(SOUND);
});
afterAll(() => rm(folder, { recursive: true }));

async function changed(change: (dir: string) => Promise<unknown>): Promise<string> {
  const dir = join(folder, `set-${++number}`);
  await cp(SOUND, dir, { recursive: true });
  await change(dir);
  return dir;
}
const index = (sql: string) => (dir: string) => rewriteTable(join(dir, EPISODES), sql);
/** Where only the index changed: every picture of the same files is decoded by `checkDataset.test.ts`. */
const ENDS = { endsOnly: true };
const load = (dir: string) => SampleStore.load([dir], { imageSize: 32, workers: 1, frameStride: 30 });

/** Every number and some pictures of every episode, to compare two sets. */
async function contentOf(dir: string): Promise<unknown[]> {
  const dataset = await openDataset(dir);
  return Promise.all(
    dataset.episodes.map(async (episode) => {
      const { action } = await dataset.columns(episode, ['action']);
      const { frames } = await dataset.frames(episode, 'left_wrist', [0, episode.length - 1]);
      return [episode.index, episode.taskIndex, episode.instruction, action.data, frames];
    }),
  );
}

describe('a v3.0 set as mergers leave it', () => {
  it.each<[string, (dir: string) => Promise<unknown>]>([
    ['windows of videos missing', index(`select columns(c -> c not like '%\\_timestamp' escape '\\') from t`)],
    [
      'windows of videos null',
      index(
        `select * replace (null::double as "${WRIST}/from_timestamp", null::double as "${WRIST}/to_timestamp") from t`,
      ),
    ],
    ['ends of windows null', index(`select * replace (null::double as "${HEAD}/to_timestamp") from t`)],
    ['ends of windows NaN', index(`select * replace ('nan'::double as "${HEAD}/to_timestamp") from t`)],
    ['tasks as plain text', index('select * replace (tasks[1] as tasks) from t')],
    [
      'no tasks but their numbers',
      index('select * exclude (tasks), case when episode_index < 3 then 0 else 1 end as task_index from t'),
    ],
    [
      'tasks with a second column of text',
      (dir) =>
        rewriteTable(
          join(dir, 'meta/tasks.parquet'),
          `select task_index, 'a note on ' || task_index as note, __index_level_0__ as task from t
           order by task_index desc`,
        ),
    ],
    [
      'numbers of 32 bits, rows in another order',
      index('select * replace (episode_index::int as episode_index) from t order by episode_index desc'),
    ],
    [
      'a file_index that names no file, rows in a file that no episode names',
      index(`select * replace (7 as "data/file_index") from t`),
    ],
    [
      'a file_index that names no file, rows in a file that others name',
      async (dir) => {
        const [first, second] = ['chunk-000', 'chunk-001'].map((chunk) => join(dir, 'data', chunk, 'file-000.parquet'));
        await rewriteTable(first!, `select * from t union all select * from read_parquet('${second}')`);
        await rm(second!);
      },
    ],
    ['a file_index that is null', index(`select * replace (null::int as "data/file_index") from t`)],
    [
      'a file_index that names the file before',
      index(
        `select * replace (case when episode_index = 3 then 0 
        else "data/chunk_index" end as "data/chunk_index") from t`,
      ),
    ],
    [
      'strays in every folder',
      async (dir) => {
        for (const place of [
          'data',
          'data/chunk-000',
          'meta',
          'meta/episodes',
          'meta/episodes/chunk-000',
          'videos',
          HEAD,
        ])
          for (const name of ['.DS_Store', '._file-000.parquet', 'Thumbs.db', 'notes.txt'])
            await writeFile(join(dir, place, name), 'x');
      },
    ],
    [
      'rows in another order than their frames',
      (dir) =>
        rewriteTable(
          join(dir, 'data/chunk-000/file-000.parquet'),
          'select * from t order by hash(frame_index, episode_index)',
        ),
    ],
  ])('is read as it was: %s', async (_, change) => {
    const dir = await changed(change);
    expect(await checkDataset(dir, ENDS)).toMatchObject({ ok: true, problems: [] });
    expect(await contentOf(dir)).toEqual(soundContent);
  });

  it('gives the statistics of the same set although rows are elsewhere, and in another order', async () => {
    const dir = await changed(async (at) => {
      await index(`select * replace (7 as "data/file_index") from t`)(at);
      await rewriteTable(join(at, 'data/chunk-000/file-000.parquet'), 'select * from t order by hash(frame_index)');
    });
    const [got, expected] = [
      await datasetStatistics([dir], { workers: 1 }),
      await datasetStatistics([SOUND], { workers: 1 }),
    ];
    expect(got.statistics).toEqual(expected.statistics);
  });

  it.each<[string, string, RegExp]>([
    [
      'late by a frame',
      `"${WRIST}/from_timestamp" + 1/30 as "${WRIST}/from_timestamp",
       "${WRIST}/to_timestamp" + 1/30 as "${WRIST}/to_timestamp"`,
      /1\.00 frames after 0\.000 s, at the beginning/,
    ],
    [
      'at one place',
      `0 as "${WRIST}/from_timestamp", length/30 as "${WRIST}/to_timestamp"`,
      /episode 1 begins at 0\.000 s/,
    ],
    [
      'of another length',
      `"${WRIST}/to_timestamp" + 5/30 as "${WRIST}/to_timestamp"`,
      /episode 0 has 62 frames, its window 67\.00/,
    ],
    ['without end', `'inf'::double as "${WRIST}/to_timestamp"`, /episode 0 has 62 frames, its window Infinity/],
    ['in words', `'zero' as "${WRIST}/from_timestamp"`, /episode 0 has 62 frames, its window NaN/],
  ])('with windows %s is refused by check and by training, with the same words', async (_, columns, message) => {
    const dir = await changed(index(`select * replace (${columns}) from t`));
    const { ok, problems } = await checkDataset(dir);
    expect(ok).toBe(false);
    expect(problems.map(({ code }) => code)).toContain('video-frames');
    expect(problems.map((problem) => problem.message).join(' ')).toMatch(message);
    await expect(load(dir)).rejects.toThrow(message);
  });

  it('with more frames in a file than its episodes have, or a video that none names, is told', async () => {
    const dir = await changed(async (at) => {
      await copyFile(join(at, HEAD, 'chunk-000/file-001.mp4'), join(at, HEAD, 'chunk-000/file-000.mp4'));
      await copyFile(join(at, HEAD, 'chunk-000/file-002.mp4'), join(at, HEAD, 'chunk-000/file-009.mp4'));
    });
    const { problems } = await checkDataset(dir);
    expect(problems).toEqual([
      expect.objectContaining({ code: 'video-unlisted', where: `${HEAD}/chunk-000/file-009.mp4` }),
      expect.objectContaining({ code: 'video-frames', message: 'holds 75 frames, episode 0 has 62.' }),
    ]);
    await expect(load(dir)).rejects.toThrow(/holds 75 frames, episode 0 has 62/);
  });

  it.each(['a[b]', 'c*d', 'e?f', "g'h", 'i=1'])('in a folder named %s is read, and no other', async (name) => {
    const dir = join(folder, name, 'set');
    await cp(SOUND, dir, { recursive: true });
    // What a pattern would find beside it.
    for (const near of ['ab', 'cXd', 'eXf']) await cp(SOUND, join(folder, near, 'set'), { recursive: true });
    await rewriteTable(
      join(folder, 'cXd/set/data/chunk-000/file-000.parquet'),
      'select * replace (list_transform(action, x -> 9::float) as action) from t',
    );
    expect(await checkDataset(dir, ENDS)).toMatchObject({ ok: true });
    expect(await contentOf(dir)).toEqual(soundContent);
  });
});

describe('pictures in tables', () => {
  const HEAD_COLUMN = '"observation.images.rgb.head"';
  let sound: string;
  let expected: unknown;
  let trained: unknown;
  const pictures = async (dir: string) => {
    const dataset = await openDataset(dir);
    return Promise.all(
      dataset.episodes.map(
        async (episode) => (await dataset.frames(episode, 'head', [0, 7, episode.length - 1])).frames,
      ),
    );
  };
  beforeAll(async () => {
    execFileSync('tar', ['xzf', join(import.meta.dirname, '../../test/cases/v30.tgz'), '-C', folder]);
    sound = join(folder, 'img30');
    expected = await pictures(sound);
    trained = (await load(sound)).gather([0]).pictures;
  });
  const table = (sql: string) => (dir: string) => rewriteTable(join(dir, 'data/chunk-000/file-000.parquet'), sql);

  it.each<[string, (dir: string) => Promise<unknown>]>([
    ['in rows of another order', table('select * from t order by hash(frame_index, episode_index)')],
    ['as bytes alone', table(`select * replace (${HEAD_COLUMN}.bytes as ${HEAD_COLUMN}) from t`)],
    [
      'as files beside the table',
      async (dir) => {
        const dataset = await openDataset(dir);
        for (const episode of dataset.episodes)
          for (const row of await queryParquet(
            dataset.dataPath(episode),
            (t) => `select index, ${HEAD_COLUMN}.bytes as bytes from ${t} where episode_index = ${episode.index}`,
          ))
            await writeFile(join(dir, 'images', `${row['index']}.png`), row['bytes'] as Uint8Array);
        await table(
          `select * replace ({'bytes': null::blob, 'path': 'images/' || index || '.png'} as ${HEAD_COLUMN}) from t`,
        )(dir);
      },
    ],
    [
      'in the form of v2.1',
      async (dir) => {
        const set = await openDataset(dir);
        const episodes = set.episodes.map((episode) => wholeEpisode(set, episode));
        await writeSet(episodes, `${dir}-21`, { format: 'v2.1' });
        await rm(dir, { recursive: true });
        await rename(`${dir}-21`, dir);
      },
    ],
  ])('are the same pictures %s', async (name, change) => {
    const dir = join(folder, name.replaceAll(' ', '-'));
    await cp(sound, dir, { recursive: true });
    await change(dir);
    expect(await checkDataset(dir)).toMatchObject({ ok: true, problems: [] });
    expect(await pictures(dir)).toEqual(expected);
    expect((await load(dir)).gather([0]).pictures).toEqual(trained);
  });
});

it('a frame that is there twice in place of another is told', async () => {
  const dir = await changed((at) =>
    rewriteTable(
      join(at, 'data/chunk-000/file-000.parquet'),
      'select * replace (case when frame_index = 5 then 4 else frame_index end as frame_index) from t',
    ),
  );
  const { problems } = await checkDataset(dir);
  expect(problems[0]).toMatchObject({
    code: 'row-numbers',
    message: 'frame_index is 4 in place of 5: every frame once.',
  });
});

describe('a state', () => {
  const ofWidth = (width: number) =>
    changed(async (at) => {
      for (const chunk of ['chunk-000', 'chunk-001'])
        await rewriteTable(
          join(at, 'data', chunk, 'file-000.parquet'),
          `select * replace ("observation.state"[1:${width}] as "observation.state") from t`,
        );
      const info = join(at, 'meta/info.json');
      const text = JSON.parse(await readFile(info, 'utf8'));
      text.features['observation.state'].shape = [width];
      await writeFile(info, JSON.stringify(text));
    });

  it('as wide as the action is taken as it is, by check, statistics and training', async () => {
    const dir = await ofWidth(23);
    expect(await checkDataset(dir)).toMatchObject({ ok: true, problems: [] });
    expect((await datasetStatistics([dir], { workers: 1 })).frames).toBe(417);
    const dataset = await openDataset(dir);
    const { 'observation.state': state } = await dataset.columns(dataset.episodes[0]!, ['observation.state']);
    const batch = (await load(dir)).gather([0]);
    const at = 23 * (batch.source.frame[0] ?? 0);
    expect(batch.state.slice(0, 23)).toEqual(Float32Array.from(state.data.slice(at, at + 23)));
  });

  it.each([22, 24, 60])('of %i numbers is refused by all of them', async (width) => {
    const dir = await ofWidth(width);
    const robot = CHALLENGE_ROBOT;
    const { problems } = await checkDataset(dir, { robot });
    expect(problems).toEqual([
      expect.objectContaining({ code: 'index', message: expect.stringContaining(`has ${width}`) }),
    ]);
    await expect(datasetStatistics([dir], { workers: 1, robot })).rejects.toThrow(`has ${width} numbers`);
    await expect(SampleStore.load([dir], { imageSize: 32, robot })).rejects.toThrow(`has ${width} numbers`);
  });
});
