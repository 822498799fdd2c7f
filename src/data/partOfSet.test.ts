import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeEpisode } from '../../test/support/data.ts';
import { checkDataset } from './check/index.ts';
import { type DataChoice, DatasetWriter, openSets } from './index.ts';
import { SampleStore } from './samples/index.ts';
import { datasetStatistics } from './statistics/index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-part-'));
  execFileSync('tar', ['xzf', join(import.meta.dirname, '../../test/cases/two-tasks.tgz'), '-C', folder]);
  const writer = await DatasetWriter.create(join(folder, 'v21'), { imageSize: 32, chunksSize: 100 });
  for (const [taskIndex, taskName] of [
    [0, 'turning_on_radio'],
    [1, 'picking_up_trash'],
    [1, 'picking_up_trash'],
  ] as const)
    await writer.addEpisode(fakeEpisode({ length: 40, size: 32, taskIndex, taskName, seed: taskIndex }));
  await writer.finish();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A copy without the files of a task; the index stays whole. */
async function without(set: 'two-tasks' | 'v21', name: string, ...parts: readonly string[]): Promise<string> {
  const dir = join(folder, name);
  await cp(join(folder, set), dir, { recursive: true });
  for (const part of parts) await rm(join(dir, part), { recursive: true });
  return dir;
}

const CAMERAS = ['left_realsense_link', 'right_realsense_link', 'zed_link'].map(
  (name) => `observation.rgb.${name}_camera_0`,
);

describe.each([
  {
    format: 'v3.0',
    make: () => without('two-tasks', 'part30', 'data/chunk-001', ...CAMERAS.map((name) => `videos/${name}/chunk-001`)),
    first: 'data/chunk-001/file-000.parquet',
    frames: 105,
    lost: '1 of 3',
  },
  {
    format: 'v2.1',
    make: () => without('v21', 'part21', 'data/task-0001', 'videos/task-0001', 'annotations/task-0001'),
    first: 'data/task-0001/episode_00000100.parquet',
    frames: 40,
    lost: '2 of 3',
  },
])('a $format set of which the files of one task are there', ({ make, first, frames, lost }) => {
  let dir: string;
  beforeAll(async () => {
    dir = await make();
  });
  const store = async (choice: DataChoice) => {
    const { sets } = await openSets([dir], { choice, pictures: true, tasks: 'refused' });
    const samples = await SampleStore.load([dir], { imageSize: 32, workers: 1, frameStride: 15, sets });
    return new Set(samples.gather(Array.from({ length: samples.size }, (_, i) => i)).taskId);
  };

  it('says once what is missing, and what to do', async () => {
    const { ok, problems } = await checkDataset(dir);
    expect(ok).toBe(false);
    expect(problems).toHaveLength(1);
    const said = `files of ${lost} episodes are not there (the first: ${first}, all of task 1). `;
    expect(problems[0]).toMatchObject({ code: 'data-missing', message: expect.stringContaining(said) });
    await expect(openSets([dir])).rejects.toThrow(`${said}Choose what is there with --tasks or --episodes`);
    await expect(datasetStatistics([dir], { workers: 1 })).rejects.toThrow(said);
  });

  it('is read as far as it is there, or as it is chosen', async () => {
    for (const choice of [{ tasks: ['0'] }, { tasks: ['turning_on_radio'] }, { episodes: [[0, 1]] }]) {
      const { sets } = await openSets([dir], { choice: choice as unknown as DataChoice, pictures: true });
      expect(sets[0]?.episodes.reduce((sum, { length }) => sum + length, 0)).toBe(frames);
    }
    for (const choice of [{ available: true }, { tasks: ['0'] }]) {
      const taken = choice as DataChoice;
      expect(await checkDataset(dir, { choice: taken })).toMatchObject({ ok: true, problems: [], frames });
      expect(await store(taken)).toEqual(new Set([0]));
      const { sets, notes } = await openSets([dir], { choice: taken });
      expect((await datasetStatistics([dir], { workers: 1, sets })).frames).toBe(frames);
      expect(notes).toHaveLength(taken.available ? 1 : 0);
    }
  });

  it('does not give what was asked for and is missing', async () => {
    const choice = { tasks: ['picking_up_trash'] };
    await expect(openSets([dir], { choice })).rejects.toThrow(/chosen episodes are not there/);
    expect(await checkDataset(dir, { choice })).toMatchObject({ ok: false });
    await expect(openSets([dir], { choice: { ...choice, available: true } })).rejects.toThrow(/of no chosen episode/);
  });
});

it('counts what is elsewhere as a note where the list of episodes of a v3.0 set is a part, too', async () => {
  const dir = await without(
    'two-tasks',
    'part-of-list',
    'data/chunk-001',
    'meta/episodes/chunk-001',
    ...CAMERAS.map((name) => `videos/${name}/chunk-001`),
  );
  const { ok, problems, notes } = await checkDataset(dir);
  expect({ ok, problems }).toEqual({ ok: true, problems: [] });
  expect(notes?.filter(({ code }) => code === 'totals').map(({ message }) => message)).toEqual([
    'total_episodes is 3, the episode list has 2: the others are elsewhere.',
    'total_frames is 175, the episode list has 105: the others are elsewhere.',
  ]);
  expect((await datasetStatistics([dir], { workers: 1 })).frames).toBe(105);
});

it('needs the pictures of the cameras that are used, and no others, with what is available', async () => {
  const dir = join(folder, 'depth');
  await cp(join(folder, 'v21'), dir, { recursive: true });
  const info = JSON.parse(await readFile(join(dir, 'meta/info.json'), 'utf8'));
  info.features['observation.images.depth.head'] = { ...info.features['observation.images.rgb.head'] };
  await writeFile(join(dir, 'meta/info.json'), JSON.stringify(info));
  expect((await checkDataset(dir)).problems.map(({ code }) => code)).toEqual(Array(3).fill('video-missing'));
  const { ok, notes } = await checkDataset(dir, { choice: { available: true } });
  expect(ok).toBe(true);
  expect(notes?.[0]?.message).toBe(
    'left out: 3 videos of observation.images.depth.head, which no camera of the robot needs.',
  );
  const head = 'videos/task-0000/observation.images.rgb.head/episode_00000000.mp4';
  expect(existsSync(join(dir, head))).toBe(true);
  await rm(join(dir, head));
  const choice = { available: true };
  expect(await checkDataset(dir, { choice })).toMatchObject({ ok: true, episodes: 2 });
  expect((await openSets([dir], { choice, pictures: true })).sets[0]?.episodes).toHaveLength(2);
  expect((await openSets([dir], { choice })).sets[0]?.episodes).toHaveLength(3);
});

describe('a choice', () => {
  const dir = () => join(folder, 'two-tasks');
  it.each([
    [{ tasks: ['picking_up_trahs'] }, /no such task.*Did you mean.*picking_up_trash/],
    [{ tasks: ['can_meat'] }, /has no episode of that task \(it has 0 turning_on_radio, 1 picking_up_trash\)/],
    [{ tasks: ['7-9'] }, /has no episode of those tasks/],
    [{ episodes: [[2, 9]] }, /has no episode 2-9 \(it has 3: 0, 1, 200\)/],
    [{ tasks: ['1'], episodes: [[0, 1]] }, /has no episode of that task/],
  ])('%j that fits nothing is refused', async (choice, message) => {
    await expect(openSets([dir()], { choice: choice as unknown as DataChoice })).rejects.toThrow(message);
  });

  it('takes names of any spelling, numbers, ranges, and sentences', async () => {
    for (const word of ['picking_up_trash', '1', '1-1', 'Picking up trash.']) {
      const { sets } = await openSets([dir()], { choice: { tasks: [word] } });
      expect(sets[0]?.episodes.map(({ index }) => index)).toEqual([200]);
    }
  });
});

describe('cameras that their names do not tell', () => {
  let dir: string;
  const [left, right, head] = ['observation.images.cam_a', 'observation.images.cam_b', 'observation.images.cam_c'];
  beforeAll(async () => {
    dir = join(folder, 'cameras');
    await cp(join(folder, 'v21'), dir, { recursive: true });
    const names = { left_wrist: left, right_wrist: right, head };
    let info = await readFile(join(dir, 'meta/info.json'), 'utf8');
    for (const [name, feature] of Object.entries(names)) {
      info = info.replaceAll(`observation.images.rgb.${name}`, String(feature));
      for (const task of ['task-0000', 'task-0001'])
        await rename(
          join(dir, `videos/${task}/observation.images.rgb.${name}`),
          join(dir, `videos/${task}/${feature}`),
        );
    }
    await writeFile(join(dir, 'meta/info.json'), info);
    await rm(join(dir, 'meta/robot.json'));
  });
  const cameras = () =>
    ({ head: ['nowhere', head], left_wrist: [left], right_wrist: [right] }) as Record<string, string[]>;

  it('are those that are named, for all that read the set', async () => {
    await expect(SampleStore.load([dir], { imageSize: 32, workers: 1 })).rejects.toThrow(
      /not known which robot.*those of r1pro.*--camera head=FEATURE/,
    );
    const choice = { cameras: cameras() };
    expect(await checkDataset(dir, { choice })).toMatchObject({ ok: true, problems: [] });
    const { sets } = await openSets([dir], { choice, pictures: true, tasks: 'refused' });
    const store = await SampleStore.load([dir], { imageSize: 32, workers: 1, frameStride: 30, sets });
    const plain = await SampleStore.load([join(folder, 'v21')], { imageSize: 32, workers: 1, frameStride: 30 });
    expect(store.gather([0]).pictures).toEqual(plain.gather([0]).pictures);
    expect((await datasetStatistics([dir], { workers: 1, sets })).frames).toBe(120);
  });

  it.each([
    [{ head: ['observation.images.cam_d'] }, /has no such pictures.*Did you mean observation.images.cam_/],
    [{ heat: ['observation.images.cam_c'] }, /has no camera heat.*Did you mean head/],
    [{ head: ['observation.images.cam_a'] }, /chosen for the camera .* already/],
  ])('refuses %j', async (more, message) => {
    const { head: its, ...others } = cameras();
    const chosen = { ...others, ...('heat' in more ? {} : { head: its }), ...more };
    const { CHALLENGE_ROBOT: robot } = await import('../robot/index.ts');
    await expect(openSets([dir], { robot, choice: { cameras: chosen } })).rejects.toThrow(message);
  });
});
