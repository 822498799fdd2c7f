import { normaliseState } from '../../action/index.ts';
import { InputError, present, Random } from '../../base/index.ts';
import { type Dataset, openDataset } from '../../data/index.ts';
import { resizeWithPad } from '../../picture/index.ts';
import { type Picture, type Robot, stateOf } from '../../robot/index.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { flowNoise } from '../planning/index.ts';
import type { ReportInput } from './planReport.ts';

/**
 * Observations from a data set: `count` frames spread over its episodes by the seed, with the stage recorded there (the
 * middle one where none is).
 */
export async function recordedInputs(
  { config, normStats, robot }: Pick<Checkpoint, 'config' | 'normStats' | 'robot'>,
  folder: string,
  count: number,
  seed: number | string,
): Promise<ReportInput[]> {
  const dataset = await openDataset(folder);
  const episodes = dataset.episodes.filter(({ taskIndex }) => config.taskNumStages[taskIndex] !== undefined);
  if (episodes.length === 0) throw new InputError(folder, 'has no episode of a task that the network knows.');
  for (const camera of config.cameras)
    if (!dataset.cameras.includes(camera))
      throw new InputError(folder, `has no camera '${camera}' (it has ${dataset.cameras.join(', ')}).`);
  const random = Random.of('report observations', seed);
  const noise = flowNoise(config, normStats);
  const out: ReportInput[] = [];
  for (let i = 0; i < count; i++) {
    const episode = present(episodes[random.integer(episodes.length)], 'episodes[random.integer(episodes.length)]');
    const frame = random.integer(episode.length);
    const stages = present(config.taskNumStages[episode.taskIndex], 'config.taskNumStages[episode.taskIndex]');
    const recorded = (await dataset.stages(episode))?.[frame] ?? stages >> 1;
    out.push({
      inputs: {
        images: await pictures(dataset, episode, frame, config),
        state: normaliseState(await stateAt(robot, dataset, episode, frame), normStats, robot),
        task: BigInt64Array.of(BigInt(episode.taskIndex)),
        stage: BigInt64Array.of(BigInt(Math.min(recorded, stages - 1))),
      },
      noise: noise.sample(random, 1),
    });
  }
  return out;
}

type Episode = Dataset['episodes'][number];

async function stateAt(robot: Robot, dataset: Dataset, episode: Episode, frame: number): Promise<Float32Array> {
  const { 'observation.state': state } = await dataset.columns(episode, ['observation.state']);
  const { data, width } = state;
  return stateOf(robot, Float32Array.from(data.subarray(frame * width, (frame + 1) * width) as ArrayLike<number>));
}

async function pictures(
  dataset: Dataset,
  episode: Episode,
  frame: number,
  { cameras, imageSize }: Checkpoint['config'],
): Promise<Uint8Array> {
  const out = new Uint8Array(cameras.length * imageSize ** 2 * 3);
  for (const [c, camera] of cameras.entries()) {
    const { width, height, frames } = await dataset.frames(episode, camera, [frame]);
    const picture: Picture = { width, height, channels: 3, data: present(frames[0], 'frames[0]') };
    out.set(resizeWithPad(picture, imageSize), c * imageSize ** 2 * 3);
  }
  return out;
}
