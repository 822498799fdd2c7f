import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeEpisode } from '../../test/support/data.ts';
import { rewriteTable } from '../../test/support/tables.ts';
import { BEHAVIOR_STAGES } from '../robot/index.ts';
import { checkDataset } from './check/index.ts';
import { type DataChoice, DatasetWriter, openSets, readTaskMap } from './index.ts';
import { SampleStore, stageTable } from './samples/index.ts';

let folder: string;
let canMeat: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-tasks-'));
  execFileSync('tar', ['xzf', join(import.meta.dirname, '../../test/cases/can_meat.tgz'), '-C', folder]);
  canMeat = join(folder, 'can_meat');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A set with an episode of each of these tasks. */
async function write(name: string, tasks: readonly (readonly [index: number, name: string])[]): Promise<string> {
  const dir = join(folder, name);
  const writer = await DatasetWriter.create(dir, { imageSize: 32, chunksSize: 100 });
  for (const [seed, [taskIndex, taskName]] of tasks.entries())
    await writer.addEpisode(fakeEpisode({ length: 35, size: 32, seed, taskIndex, taskName }));
  await writer.finish();
  return dir;
}

const mapFile = async (name: string, map: object | string): Promise<DataChoice> => {
  const file = join(folder, name);
  await writeFile(file, typeof map === 'string' ? map : JSON.stringify(map));
  return { taskMap: await readTaskMap(file) };
};

const edit = async (dir: string, path: string, change: (text: string) => string) =>
  writeFile(join(dir, path), change(await readFile(join(dir, path), 'utf8')));

/** Tasks of the episodes, and what is told, as training opens them. */
async function opened(dirs: readonly string[], choice: DataChoice = {}) {
  const { sets, notes } = await openSets(dirs, { choice, pictures: true, tasks: 'refused' });
  return {
    tasks: sets.map(({ episodes }) => episodes.map(({ taskIndex }) => taskIndex)),
    notes: notes.join('\n'),
    sets,
  };
}

const load = (dirs: readonly string[], more: object = {}) =>
  SampleStore.load(dirs, { imageSize: 32, workers: 1, frameStride: 30, ...more });

describe('a set of one task, numbered from 0', () => {
  it('is a problem where its name is known under another number, and no training', async () => {
    const { ok, problems } = await checkDataset(canMeat);
    expect(ok).toBe(false);
    expect(problems).toEqual([
      { code: 'task', where: 'meta', message: expect.stringContaining('can_meat is task 4 of the challenge') },
    ]);
    await expect(load([canMeat])).rejects.toThrow(/can_meat is task 4.*--task-map FILE/);
  });

  it.each([
    ['its name', { can_meat: 4 }],
    ['its number', { 0: 4 }],
    ['its folder', { can_meat: { 0: 'can_meat' } }],
  ])('is what a map says by %s', async (what, map) => {
    const choice = await mapFile(`${what}.json`, map);
    expect(await checkDataset(canMeat, { choice })).toMatchObject({ ok: true, problems: [] });
    const { sets, tasks } = await opened([canMeat], choice);
    expect(tasks).toEqual([[4, 4]]);
    const store = await load([canMeat], { sets });
    expect(store.gather([0, store.size - 1]).taskId).toEqual(Int32Array.of(4, 4));
    expect(await stageTable(sets, 'time')).toEqual(BEHAVIOR_STAGES);
  });

  it('may be given another number than the challenge has', async () => {
    const list = '{"task_index":61,"task_name":"can_meat","task":"Can the meat."}\n';
    expect((await opened([canMeat], await mapFile('list.jsonl', list))).tasks).toEqual([[61, 61]]);
  });

  it('keeps its task beside others that are numbered so too', async () => {
    const [laundry, chairs] = [
      await write('laundry', [[0, 'folding_laundry']]),
      await write('chairs', [[0, 'stacking_chairs']]),
    ];
    await expect(load([laundry, chairs])).rejects.toThrow(/task 0 is "folding_laundry" in .* and "stacking_chairs" in/);
    await expect(opened([laundry, chairs], await mapFile('same.json', { 0: 60 }))).rejects.toThrow(/task 60 is/);
    for (const map of [
      { laundry: { 0: 60 }, chairs: { 0: 61 } },
      { folding_laundry: 60, 'Stacking chairs': 61 },
    ]) {
      const { tasks, sets } = await opened([laundry, chairs], await mapFile('two.json', map));
      expect(tasks).toEqual([[60], [61]]);
      const table = await stageTable(sets, 'time');
      expect(table).toEqual([...BEHAVIOR_STAGES, ...Array(10).fill(1), 5, 5]);
      const store = await load([laundry, chairs], { sets, taskNumStages: table });
      expect(store.gather([0, store.size - 1]).taskId).toEqual(Int32Array.of(60, 61));
    }
  });
});

it('trains a hundred tasks with stages by time', async () => {
  const dir = await write('hundred', [
    [3, 'cleaning_up_plates_and_food'],
    [50, 'a_task_of_2026'],
    [99, 'the_last_one'],
  ]);
  expect(await checkDataset(dir)).toMatchObject({ ok: true });
  const { sets, tasks } = await opened([dir]);
  expect(tasks).toEqual([[3, 50, 99]]);
  const table = await stageTable(sets, 'time');
  expect(table).toHaveLength(100);
  expect(table.slice(0, 50)).toEqual(BEHAVIOR_STAGES);
  const store = await load([dir], { sets, taskNumStages: table, stageLabels: 'time' });
  expect(new Set(store.gather(Array.from({ length: store.size }, (_, i) => i)).taskId)).toEqual(new Set([3, 50, 99]));
});

describe('numbers that contradict', () => {
  let two: string;
  beforeAll(async () => {
    two = await write('two', [
      [0, 'folding_laundry'],
      [1, 'stacking_chairs'],
    ]);
  });
  const copy = async (name: string, damage: (dir: string) => Promise<unknown>): Promise<string> => {
    const dir = join(folder, name);
    await cp(two, dir, { recursive: true });
    await damage(dir);
    return dir;
  };
  const flat = (dir: string) =>
    edit(dir, 'meta/info.json', (text) => text.replaceAll('task-{episode_chunk:04d}', 'task-000{episode_chunk}'));
  const swapped = (text: string) =>
    text.replace(/Do (folding|stacking)/g, (_, word) => `Do ${word === 'folding' ? 'stacking' : 'folding'}`);

  it('in the sentence: the rows hold, check and training tell it', async () => {
    const dir = await copy('sentences', async (at) => {
      await flat(at);
      await edit(at, 'meta/episodes.jsonl', (text) =>
        swapped(text).replace(/(stacking laundry|folding chairs)/g, (words) =>
          words === 'stacking laundry' ? 'stacking chairs' : 'folding laundry',
        ),
      );
    });
    const { tasks, notes } = await opened([dir]);
    expect(tasks).toEqual([[0, 1]]);
    expect(notes).toMatch(/episode 0: task_index is 0 \(folding_laundry\) in the rows, the sentence says 1/);
    const { ok, problems } = await checkDataset(dir);
    expect(ok).toBe(false);
    expect(problems.map(({ code }) => code)).toEqual(['row-numbers', 'row-numbers']);
    expect(await checkDataset(dir, { choice: await mapFile('by-number.json', { 0: 0, 1: 1 }) })).toMatchObject({
      ok: true,
    });
  });

  it('in the folder, after episodes were renumbered', async () => {
    const dir = await copy('renumbered', async (at) => {
      const to = (path: string) => join(at, path);
      await edit(at, 'meta/episodes.jsonl', (text) => text.replace('"episode_index":100', '"episode_index":1'));
      await edit(at, 'meta/episodes_stats.jsonl', (text) => text.replace('"episode_index":100', '"episode_index":1'));
      for (const [part, end] of [['data', 'parquet']] as const)
        await rename(to(`${part}/task-0001/episode_00000100.${end}`), to(`${part}/task-0000/episode_00000001.${end}`));
      for (const part of ['annotations', 'meta/episodes'])
        await rename(to(`${part}/task-0001/episode_00000100.json`), to(`${part}/task-0000/episode_00000001.json`));
      for (const camera of ['head', 'left_wrist', 'right_wrist'].map((name) => `observation.images.rgb.${name}`))
        await rename(
          to(`videos/task-0001/${camera}/episode_00000100.mp4`),
          to(`videos/task-0000/${camera}/episode_00000001.mp4`),
        );
    });
    const { tasks, notes } = await opened([dir]);
    expect(tasks).toEqual([[0, 1]]);
    expect(notes).toMatch(/episode 1: task_index is 1 \(stacking_chairs\) in the rows, the folder says 0/);
    const { problems } = await checkDataset(dir);
    expect(problems.some(({ message }) => message.includes('the folder says 0'))).toBe(true);
  });

  it('with a number that the list does not have: no training', async () => {
    const dir = await copy('short', (at) =>
      edit(at, 'meta/tasks.jsonl', (text) => `${text.split('\n')[0]}\n`).then(() =>
        edit(at, 'meta/info.json', (text) => text.replace('"total_tasks": 2', '"total_tasks": 1')),
      ),
    );
    const { problems } = await checkDataset(dir);
    expect(problems.map(({ message }) => message).join()).toMatch(
      /episode 100 belongs to task 1, which is not in the list/,
    );
    await expect(load([dir])).rejects.toThrow(/episode 100 belongs to task 1, which is not in the list/);
  });

  it('with a number below 0 in the rows: no training', async () => {
    const dir = join(folder, 'below');
    await cp(canMeat, dir, { recursive: true });
    await rewriteTable(
      join(dir, 'data/chunk-000/file-000.parquet'),
      'select * replace ((-1)::bigint as task_index) from t',
    );
    const message = /episode 0 belongs to task -1, which is not in the list/;
    const { problems } = await checkDataset(dir);
    expect(problems.map((problem) => problem.message).join()).toMatch(message);
    await expect(load([dir])).rejects.toThrow(message);
  });

  it('with a name of the challenge in the sentence alone: no training', async () => {
    const dir = await copy('named', async (at) => {
      await flat(at);
      await edit(at, 'meta/tasks.jsonl', (text) => text.replaceAll('Do stacking chairs.', 'Can meat.'));
      await edit(at, 'meta/episodes.jsonl', (text) => text.replaceAll('Do stacking chairs.', 'Can meat.'));
    });
    await expect(load([dir])).rejects.toThrow(/number 1 in the set, but can_meat is task 4/);
    const { sets } = await openSets([dir], { tasks: 'told' });
    expect(sets[0]?.episodes.map(({ taskIndex }) => taskIndex)).toEqual([0, 4]);
  });
});

it('reads no map that cannot be one', async () => {
  await expect(mapFile('list.json', [4])).rejects.toThrow(/list.json/);
  await expect(mapFile('empty.json', {})).rejects.toThrow(/maps no task/);
  await expect(mapFile('word.json', { a: 'can_meet' })).rejects.toThrow(/Did you mean can_meat/);
  await expect(mapFile('minus.json', { a: -1 })).rejects.toThrow(/minus.json/);
  await expect(mapFile('text.json', 'x')).rejects.toThrow(/not valid JSON/);
  await expect(readTaskMap(join(folder, 'none.json'))).rejects.toThrow(/cannot be read/);
  await expect(opened([canMeat], await mapFile('other.json', { 7: 4 }))).rejects.toThrow(/names no task of/);
});
