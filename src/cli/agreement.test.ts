import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fakeEpisode } from '../../test/support/data.ts';
import { rewriteTable } from '../../test/support/tables.ts';
import { ValetError } from '../base/index.ts';
import { checkDataset, DatasetWriter, openSets, SampleStore, stageTable } from '../data/index.ts';
import { command as data } from './data.ts';
import { dataChoice } from './shared/dataOptions.ts';
import { command as stats } from './stats.ts';
import { command as tokenizer } from './tokenizer.ts';

const TESTS = join(import.meta.dirname, '../../test');
let folder: string;
let sound: string;
let statistics: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-agreement-'));
  for (const name of ['two-tasks', 'v30', 'windows', 'can_meat'])
    execFileSync('tar', ['xzf', join(TESTS, 'cases', `${name}.tgz`), '-C', folder]);
  await cp(join(TESTS, 'golden/dataset-v21/dataset'), join(folder, 'v20'), { recursive: true });
  await rm(join(folder, 'v20/meta/episodes_stats.jsonl'));
  await edit('meta/info.json', (text) => text.replace('"v2.1"', '"v2.0"'))(join(folder, 'v20'));
  sound = join(folder, 'sound');
  const writer = await DatasetWriter.create(sound, { imageSize: 32 });
  for (const seed of [1, 2]) await writer.addEpisode(fakeEpisode({ length: 35, size: 32, seed }));
  await writer.finish();
  statistics = join(folder, 'statistics');
  await run(stats(), [sound, '--out', statistics, '--workers', '1', '--quiet']);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Whether a command accepts what it was given; anything but a clear error fails the test. */
async function run(command: Command, words: readonly string[]): Promise<boolean> {
  process.exitCode = 0;
  const printed = [process.stdout, process.stderr].map((to) => vi.spyOn(to, 'write').mockReturnValue(true));
  try {
    await command.parseAsync(words, { from: 'user' });
    return process.exitCode === 0;
  } catch (error) {
    if (error instanceof ValetError) return false;
    throw error;
  } finally {
    process.exitCode = 0;
    for (const one of printed) one.mockRestore();
  }
}

let runs = 0;

/** What `train` does with data before it builds a network. */
async function trains(dir: string, mapFile?: string): Promise<boolean> {
  const choice = await dataChoice({ ...(mapFile && { taskMap: mapFile }) });
  try {
    const { sets } = await openSets([dir], { choice, pictures: true, tasks: 'refused' });
    const taskNumStages = await stageTable(sets, 'time');
    await SampleStore.load([dir], { sets, imageSize: 32, workers: 1, frameStride: 5, taskNumStages });
    return true;
  } catch (error) {
    if (error instanceof ValetError) return false;
    throw error;
  }
}

/** What the five commands say of a folder. The vocabulary is fitted with given statistics, which saves a pass. */
async function five(dir: string, mapFile?: string) {
  const out = join(folder, `out-${runs++}`);
  const map = mapFile ? ['--task-map', mapFile] : [];
  return {
    check: await run(data(), ['check', dir, '--json', ...map]),
    stats: await run(stats(), [dir, '--out', `${out}/stats`, '--workers', '1', '--quiet', ...map]),
    tokenizer: await run(tokenizer(), [
      ...['fit', dir, '--out', `${out}/fast`, '--quiet', '--max-chunks', '50', ...map],
      ...['--stats', join(statistics, 'norm_stats.json')],
    ]),
    train: await trains(dir, mapFile),
    show: await run(data(), ['show', dir, '--out', `${out}.png`, '--columns', '2', ...map]),
  };
}

const ALL_RIGHT = { check: true, stats: true, tokenizer: true, train: true, show: true };

describe('what check calls all right, the other four accept', () => {
  it.each([
    ['a set of 2026', () => join(folder, 'two-tasks')],
    ['pictures in tables', () => join(folder, 'img30')],
    ['what the writer writes', () => sound],
    ['the original v2.1', () => join(TESTS, 'golden/dataset-v21/dataset')],
    ['the same as v2.0', () => join(folder, 'v20')],
    ['the original v3.0', () => join(TESTS, 'golden/dataset-v30/dataset')],
    ['a converted v3.0', () => join(TESTS, 'golden/dataset-v30/converted')],
  ])('%s', async (_, dir) => {
    expect(await five(dir())).toEqual(ALL_RIGHT);
  });

  it('a set numbered from 0, with a map of its tasks', async () => {
    const map = join(folder, 'map.json');
    await writeFile(map, '{"can_meat": 4}');
    expect(await five(join(folder, 'can_meat'), map)).toEqual(ALL_RIGHT);
  });
});

const edit = (path: string, change: (text: string) => string) => async (dir: string) =>
  writeFile(join(dir, path), change(await readFile(join(dir, path), 'utf8')));
const DATA = 'data/task-0000/episode_00000000.parquet';
const ANNOTATION = 'annotations/task-0000/episode_00000000.json';
const VIDEO = 'videos/task-0000/observation.images.rgb.head/episode_00000000.mp4';

/** A copy of a set with damage. */
async function damaged(set: string, name: string, damage: (dir: string) => Promise<unknown>): Promise<string> {
  const dir = join(folder, name.replaceAll(/\W/g, '-'));
  await cp(set, dir, { recursive: true });
  await damage(dir);
  return dir;
}

describe('what check calls wrong, the other four do not all accept', () => {
  it.each<[string, (dir: string) => Promise<unknown>]>([
    ['no data of an episode', (dir) => rm(join(dir, DATA))],
    ['no video of an episode', (dir) => rm(join(dir, VIDEO))],
    ['data cut off', (dir) => truncate(join(dir, DATA), 2000)],
    ['data that are none', (dir) => writeFile(join(dir, DATA), 'hello')],
    ['a video cut off', (dir) => truncate(join(dir, VIDEO), 500)],
    ['a broken info.json', (dir) => writeFile(join(dir, 'meta/info.json'), '{')],
    ['a broken list of episodes', edit('meta/episodes.jsonl', (text) => text.replace('{"episode_index":1', '{1'))],
    ['an episode listed twice', edit('meta/episodes.jsonl', (text) => text + text)],
    [
      'another length in the list',
      edit('meta/episodes.jsonl', (text) => text.replaceAll('"length":35', '"length":36')),
    ],
    ['tasks that are not listed', edit('meta/tasks.jsonl', (text) => text.replace('"task_index":0', '"task_index":5'))],
    ['another width of actions', edit('meta/info.json', (text) => text.replace(/23(?=\s*\])/, '22'))],
    ['another size of pictures', edit('meta/info.json', (text) => text.replace(/32,\s*32,\s*3\b/, '48,32,3'))],
  ])('%s', async (name, damage) => {
    const { check, ...others } = await five(await damaged(sound, name, damage));
    expect(check).toBe(false);
    expect(Object.values(others)).toContain(false);
  });

  it('sets of others that are wrong', async () => {
    const windows = (await readdir(folder, { withFileTypes: true }))
      .filter(({ name }) => /^(two-at|swapped|late|early|can_meat$)/.test(name))
      .map(({ name }) => join(folder, name));
    expect(windows.length).toBe(2);
    for (const dir of windows) {
      const { check, ...others } = await five(dir);
      expect({ dir, check }).toEqual({ dir, check: false });
      expect(Object.values(others), dir).toContain(false);
    }
  });

  it('a set of which the videos are elsewhere', async () => {
    const dir = await damaged(join(folder, 'two-tasks'), 'no-videos', (at) =>
      rm(join(at, 'videos'), { recursive: true }),
    );
    expect(await five(dir)).toEqual({ check: false, stats: true, tokenizer: true, train: false, show: false });
  });

  const rows = (dir: string, columns: string) => rewriteTable(join(dir, DATA), `select ${columns} from t`);
  const POSES = '"observation.cam_rel_poses"';
  it.each<[string, string[], (dir: string) => Promise<unknown>]>([
    [
      'wrong time stamps and row numbers, NaN in an unused column, totals',
      ['totals', 'not-finite', 'timestamp', 'row-numbers'],
      async (dir) => {
        const none = `list_transform(${POSES}, x -> 'nan'::float)::float[] as ${POSES}`;
        await rows(dir, `* replace (timestamp + 0.5 * (index > 9)::int as timestamp, 70 - index as index, ${none})`);
        await edit('meta/info.json', (text) => text.replace('"total_frames": 70', '"total_frames": 71'))(dir);
      },
    ],
    [
      'no time stamps, another episode’s number, no unused column, a file that nothing names, no statistics',
      ['data-unlisted', 'index', 'column-missing', 'row-numbers'],
      async (dir) => {
        await rows(dir, `* exclude (timestamp, ${POSES}) replace (7::bigint as episode_index)`);
        await cp(join(dir, DATA), join(dir, `${DATA}.old.parquet`));
        await rm(join(dir, 'meta/episodes_stats.jsonl'));
      },
    ],
  ])('except for what does not change what they read: %s', async (name, codes, damage) => {
    const dir = await damaged(sound, name.slice(0, 20), damage);
    const { problems } = await checkDataset(dir);
    expect([...new Set(problems.map(({ code }) => code))]).toEqual(codes);
    expect(await five(dir)).toEqual({ ...ALL_RIGHT, check: false });
  });

  it('of annotations only what is shown', async () => {
    const dir = await damaged(sound, 'annotation', (at) => writeFile(join(at, ANNOTATION), '{'));
    expect(await five(dir)).toEqual({ ...ALL_RIGHT, check: false, show: false });
  });
});
