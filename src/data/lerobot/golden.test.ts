import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { frameNumberIn } from '../../../test/support/data.ts';
import { type Parameters, readSafetensors } from '../../tensor/index.ts';
import { decodeFrames, probeVideo } from '../video/index.ts';
import { openDataset } from './open.ts';

const golden = join(import.meta.dirname, '../../../test/golden');
const v21 = join(golden, 'dataset-v21');
const v30 = join(golden, 'dataset-v30');

const numbers = (arrays: Parameters, name: string) => {
  const array = arrays.get(name);
  if (!array) throw new Error(`golden file has no ${name}`);
  return array.data;
};

/** Mean difference of 255 between a decoded picture and row `i` of golden pictures. Here it is 0 (the same scaler made
 * them); a wrong matrix gives 2.5, smoother chroma 1.3. */
function meanDifference(picture: Uint8Array, expected: Uint8Array, i: number): number {
  const at = i * picture.length;
  expect(expected.length).toBeGreaterThanOrEqual(at + picture.length);
  return picture.reduce((sum, value, k) => sum + Math.abs(value - expected[at + k]!), 0) / picture.length;
}

describe('golden dataset-v21', () => {
  let values: Parameters;
  let frames: Parameters;
  beforeAll(async () => {
    values = await readSafetensors(join(v21, 'expected_values.safetensors'));
    frames = await readSafetensors(join(v21, 'expected_frames.safetensors'));
  });

  it('lists the episodes with their tasks, gaps in the numbers included', async () => {
    const dataset = await openDataset(join(v21, 'dataset'));
    expect(dataset.episodes.map((e) => [e.index, e.taskIndex, e.length])).toEqual([
      [10, 0, 70],
      [20, 0, 60],
      [30, 0, 90],
      [70010, 7, 64],
      [70020, 7, 120],
      [70570, 7, 75],
    ]);
    expect(dataset.tasks.get(7)?.name).toBe('picking_up_toys');
    expect(dataset.cameras).toEqual(['head', 'left_wrist', 'right_wrist']);
  });

  it('reads every column of every episode exactly', async () => {
    const dataset = await openDataset(join(v21, 'dataset'));
    let compared = 0;
    for (const episode of dataset.episodes) {
      const prefix = `${String(episode.index).padStart(8, '0')}/`;
      const names = [...values.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
      const columns = await dataset.columns(episode, names);
      for (const name of names) {
        expect(Array.from(columns[name]!.data)).toEqual(Array.from(numbers(values, prefix + name), Number));
        compared++;
      }
    }
    expect(compared).toBeGreaterThanOrEqual(30);
  });

  it('decodes the right frames with the right colours', async () => {
    const dataset = await openDataset(join(v21, 'dataset'));
    for (const index of [10, 70010, 70570])
      for (const camera of dataset.cameras) {
        const episode = dataset.episodes.find((e) => e.index === index)!;
        const prefix = `${String(index).padStart(8, '0')}/${camera}`;
        const indices = Array.from(numbers(frames, `${prefix}/indices`), Number);
        const decoded = await dataset.frames(episode, camera, indices);
        decoded.frames.forEach((picture, i) => {
          expect(meanDifference(picture, numbers(frames, `${prefix}/rgb`) as Uint8Array, i)).toBeLessThan(0.2);
        });
      }
  });

  it('decodes all frames of all episodes in order, by the number in the picture', async () => {
    const dataset = await openDataset(join(v21, 'dataset'));
    for (const episode of dataset.episodes)
      for (const camera of dataset.cameras) {
        const all = Array.from({ length: episode.length }, (_, i) => i);
        const { frames, width } = await dataset.frames(episode, camera, all);
        expect(frames.map((frame) => frameNumberIn(frame, width))).toEqual(all);
        expect(probeVideo(dataset.video(episode, camera).path).frames).toBe(episode.length);
      }
  });

  it('counts stages from skills, interrupted ones included', async () => {
    const dataset = await openDataset(join(v21, 'dataset'));
    const stages = (await dataset.stages(dataset.episodes.find((e) => e.index === 20)!))!;
    expect([stages[0], stages[25], stages[26], stages[30], stages[31], stages[36], stages[59]]).toEqual([
      0, 0, 1, 1, 2, 2, 2,
    ]);
  });

  it('decodes HEVC, H.264 and AV1 with any order and spacing of key frames', async () => {
    const expected = await readSafetensors(join(v21, 'expected_variants.safetensors'));
    const names = [...expected.keys()].filter((key) => key.endsWith('/indices')).map((key) => key.split('/')[0]!);
    expect(names.length).toBe(12);
    for (const name of names) {
      const indices = Array.from(numbers(expected, `${name}/indices`), Number);
      const { frames, width, height } = decodeFrames(join(v21, 'codec-variants', `${name}.mp4`), indices, { fps: 30 });
      frames.slice(0, 2).forEach((picture, i) => {
        expect(meanDifference(picture, numbers(expected, `${name}/rgb_of_first_2`) as Uint8Array, i)).toBeLessThan(0.2);
      });
      if (name === 'hevc_odd_size_72x90') expect([width, height]).toEqual([72, 90]);
      else expect(frames.map((frame) => frameNumberIn(frame, width))).toEqual(indices);
    }
  });
});

describe('golden dataset-v30', () => {
  it('reads columns and frames of every episode as the official reader does', async () => {
    const expected = await readSafetensors(join(v30, 'expected.safetensors'));
    const dataset = await openDataset(join(v30, 'dataset'));
    expect(dataset.format).toBe('v3.0');
    expect(dataset.episodes.map((e) => e.taskIndex)).toEqual([0, 0, 0, 1, 1, 1]);
    for (const episode of dataset.episodes) {
      const columns = await dataset.columns(episode, ['observation.state', 'action', 'timestamp']);
      for (const name of ['observation.state', 'action'] as const)
        expect(columns[name].data).toEqual(numbers(expected, `${episode.index}/${name}`));
      expect(columns['observation.state'].width).toBe(61);
      expect(columns.timestamp.data[0]).toBe(0);
      const indices = Array.from(numbers(expected, `${episode.index}/indices`), Number);
      for (const camera of dataset.cameras) {
        const { frames, width } = await dataset.frames(episode, camera, indices);
        expect(frames.map((frame) => frameNumberIn(frame, width))).toEqual(indices);
        frames.forEach((picture, i) => {
          expect(
            meanDifference(picture, numbers(expected, `${episode.index}/${camera}/rgb`) as Uint8Array, i),
          ).toBeLessThan(0.2);
        });
      }
    }
  });

  it('finds the episodes of a converted data set although its table names wrong files', async () => {
    const dataset = await openDataset(join(v30, 'converted'));
    const { episodes } = JSON.parse(await readFile(join(v30, 'converted.json'), 'utf8'));
    const source = await openDataset(join(v21, 'dataset'));
    expect(episodes.some((e: { metadata_right: boolean }) => !e.metadata_right)).toBe(true);
    for (const [i, episode] of dataset.episodes.entries()) {
      const { action } = await dataset.columns(episode, ['action']);
      expect(action).toEqual((await source.columns(source.episodes[i]!, ['action'])).action);
      for (const camera of dataset.cameras) {
        const wanted = [0, 17, episode.length - 1];
        const { frames, width } = await dataset.frames(episode, camera, wanted);
        expect(frames.map((frame) => frameNumberIn(frame, width))).toEqual(wanted);
      }
      expect(dataset.dataPath(episode).endsWith(episodes[i].data_is_really_in)).toBe(true);
    }
  });

  it('has the features of info.json as cameras', async () => {
    const dataset = await openDataset(join(v30, 'dataset'));
    for (const camera of dataset.cameras)
      expect(dataset.info.features[dataset.cameraFeature(camera)]?.dtype).toBe('video');
  });
});
