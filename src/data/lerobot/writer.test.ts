import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeEpisode, frameNumberIn } from '../../../test/support/data.ts';
import { CHALLENGE_ROBOT } from '../../robot/index.ts';
import { probeVideo } from '../video/index.ts';
import { openDataset } from './open.ts';
import { DatasetWriter } from './writer.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-data-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('DatasetWriter', () => {
  it('writes what openDataset reads back: numbers exactly, pictures nearly', async () => {
    const dir = join(folder, 'round-trip');
    const writer = await DatasetWriter.create(dir, { imageSize: 64 });
    const records = [
      fakeEpisode({ length: 70, seed: 1 }),
      fakeEpisode({ length: 45, seed: 2, clip: { start: 100, fullLength: 400 } }),
      fakeEpisode({ length: 50, seed: 3, taskIndex: 1, taskName: 'picking_up_trash', taskInfoWidth: 9 }),
    ];
    for (const record of records) await writer.addEpisode(record);
    expect(existsSync(dir)).toBe(false);
    await writer.finish();

    const dataset = await openDataset(dir);
    expect(dataset.format).toBe('v2.1');
    expect(dataset.info.total_frames).toBe(165);
    expect(dataset.tasks.get(1)).toEqual({ name: 'picking_up_trash', instruction: 'Do picking up trash.' });
    expect(dataset.episodes.map((e) => [e.index, e.taskIndex, e.length])).toEqual([
      [0, 0, 70],
      [1, 0, 45],
      [1_000_000, 1, 50],
    ]);
    for (const [i, record] of records.entries()) {
      const episode = dataset.episodes[i]!;
      const columns = await dataset.columns(episode, [
        'observation.state',
        'action',
        'observation.cam_rel_poses',
        'observation.task_info',
        'index',
        'timestamp',
      ]);
      expect(columns['observation.state'].data).toEqual(record.state);
      expect(columns.action.data).toEqual(record.action);
      expect(columns['observation.cam_rel_poses'].data).toEqual(record.cameraPoses);
      expect(columns['observation.task_info'].data).toEqual(record.taskInfo);
      expect(columns['observation.task_info'].width).toBe(record.taskInfoKeys.length);
      expect(columns.timestamp.data[31]).toBe(31 / 30);
      expect(await dataset.stages(episode)).toEqual(record.stages);
      expect((await dataset.metaInfo(episode))?.['task_obs_keys']).toEqual(record.taskInfoKeys);
      expect((await dataset.annotation(episode))?.skill_annotation[1]?.skill_description).toEqual(['press']);
      for (const camera of CHALLENGE_ROBOT.cameraNames) {
        const probe = probeVideo(dataset.video(episode, camera).path);
        expect(probe.seconds).toBeCloseTo(episode.length / 30, 6);
        expect(probe.keyFrames).toBe(Math.ceil(episode.length / 30));
        const wanted = [40, 3, 44, 0];
        const { frames } = await dataset.frames(episode, camera, wanted);
        expect(frames.map((frame) => frameNumberIn(frame, 64))).toEqual(wanted);
        for (const [k, t] of wanted.entries()) {
          const truth = record.pictures[camera]![t]!;
          const error = frames[k]!.reduce((sum, value, j) => sum + Math.abs(value - truth[j]!), 0) / truth.length;
          expect(error).toBeLessThan(0.8); // 0.5 measured; 4:2:0 would be above 2.5
        }
      }
    }
    expect((await dataset.metaInfo(dataset.episodes[1]!))?.['clip']).toEqual({ start: 100, fullLength: 400 });
  });

  it('leaves nothing under the final name until finish, and nothing at all after abort', async () => {
    const dir = join(folder, 'aborted');
    const writer = await DatasetWriter.create(dir, { imageSize: 32 });
    await writer.addEpisode(fakeEpisode({ length: 35, size: 32 }));
    expect(existsSync(dir)).toBe(false);
    expect(existsSync(writer.folder)).toBe(true);
    await writer.abort();
    expect((await readdir(folder)).filter((name) => name.includes('aborted'))).toEqual([]);
  });

  it('leaves no half data set when its process is killed, and the next writer cleans up', async () => {
    const dir = join(folder, 'killed');
    const at = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
    const script = `
      const { DatasetWriter } = await import(${at('./writer.ts')});
      const { fakeEpisode } = await import(${at('../../../test/support/data.ts')});
      const writer = await DatasetWriter.create(${JSON.stringify(dir)}, { imageSize: 32 });
      await writer.addEpisode(fakeEpisode({ length: 35, size: 32 }));
      process.kill(process.pid, 'SIGKILL');`;
    const { signal } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
    expect(signal).toBe('SIGKILL');
    const left = async () => (await readdir(folder)).filter((name) => name.includes('killed'));
    expect(await left()).toEqual([expect.stringMatching(/^\.killed\..*\.tmp$/)]);
    const writer = await DatasetWriter.create(dir, { imageSize: 32 });
    expect(await left()).toEqual([basename(writer.folder)]);
    await writer.addEpisode(fakeEpisode({ length: 35, size: 32 }));
    await writer.finish();
    expect(await left()).toEqual(['killed']);
  });

  it('refuses wrong shapes, numbers that are not finite, taken numbers and existing folders', async () => {
    const dir = join(folder, 'refusals');
    const writer = await DatasetWriter.create(dir, { imageSize: 32 });
    const good = fakeEpisode({ length: 35, size: 32 });
    await expect(writer.addEpisode({ ...good, action: good.action.subarray(1) })).rejects.toThrow(
      /action has 804 numbers/,
    );
    await expect(writer.addEpisode({ ...good, stages: new Uint16Array(3) })).rejects.toThrow(
      /stages has 3 numbers \(expected 35/,
    );
    const state = good.state.slice();
    state[256 * 4 + 1] = Number.NaN;
    await expect(writer.addEpisode({ ...good, state })).rejects.toThrow(/state holds NaN in frame 4/);
    await expect(
      writer.addEpisode({ ...good, pictures: { ...good.pictures, head: good.pictures['head']!.slice(1) } }),
    ).rejects.toThrow(/camera head has 34 pictures/);
    await writer.addEpisode({ ...good, episodeIndex: 7 });
    await expect(writer.addEpisode({ ...good, episodeIndex: 7 })).rejects.toThrow(/already/);
    await expect(writer.addEpisode({ ...good, episodeIndex: 1_000_007 })).rejects.toThrow(/belongs to another task/);
    expect(writer.nextIndex(0)).toBe(8);
    await writer.abort();
    await expect(DatasetWriter.create(folder, { imageSize: 32 })).rejects.toThrow(/exists already/);
    const empty = await DatasetWriter.create(dir, { imageSize: 32 });
    await expect(empty.finish()).rejects.toThrow(/at least one episode/);
    await empty.abort();
  });
});
