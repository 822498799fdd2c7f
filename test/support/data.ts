import { Random } from '../../src/base/index.ts';
import { DatasetWriter, type EpisodeRecord } from '../../src/data/index.ts';
import { CHALLENGE_ROBOT, type Robot, type TaskSuccessors } from '../../src/robot/index.ts';

/** An episode without its number, with all that a made-up one has. */
export type FakeEpisode = Omit<EpisodeRecord, 'episodeIndex'> &
  Required<Pick<EpisodeRecord, 'taskInfo' | 'taskInfoKeys' | 'cameraPoses' | 'stages'>>;

/**
 * A made-up but plausible episode for tests: smooth numbers, pictures with a gradient, texture and a 3-pixel red dot
 * that moves; the robot's first
 * layout of proprioception unless `stateLength` names another.
 */
export function fakeEpisode({
  robot = CHALLENGE_ROBOT,
  stateLength = robot.proprioception.layouts[0]?.length ?? 0,
  length = 60,
  size = 64,
  taskIndex = 0,
  taskName = 'turning_on_radio',
  seed = 1,
  taskInfoWidth = 5,
  instance = 1_000_001,
  clip,
}: {
  robot?: Robot;
  stateLength?: number;
  length?: number;
  size?: number;
  taskIndex?: number;
  taskName?: string;
  seed?: number;
  taskInfoWidth?: number;
  instance?: number;
  clip?: { start: number; fullLength: number };
} = {}): FakeEpisode {
  const random = Random.of('fakeEpisode', seed);
  const smooth = (width: number) => {
    const phase = Float64Array.from({ length: width }, () => random.between(0, 6));
    return Float32Array.from({ length: length * width }, (_, i) =>
      Math.sin(Math.floor(i / width) / 20 + (phase[i % width] ?? 0)),
    );
  };
  const half = Math.floor(length / 2);
  const pictures = Object.fromEntries(
    robot.cameraNames.map((camera, c) => [
      camera,
      Array.from({ length }, (_, t) => fakePicture(size, t, seed * 7 + c)),
    ]),
  );
  return {
    taskIndex,
    taskName,
    instruction: `Do ${taskName.replaceAll('_', ' ')}.`,
    instance,
    state: smooth(stateLength),
    action: smooth(robot.width),
    cameraPoses: smooth(7 * robot.cameras.length),
    taskInfo: smooth(taskInfoWidth),
    taskInfoKeys: Array.from({ length: taskInfoWidth }, (_, i) => `value_${i}`),
    pictures,
    skills: [
      { name: 'move to', start: 0, end: half },
      { name: 'press', start: half, end: length },
    ],
    stages: Uint16Array.from({ length }, (_, t) => (t < half ? 0 : 1)),
    meta: { maker: 'test', ...(clip ? { clip } : {}) },
  };
}

/**
 * Writes a data set of `robot` into `folder` (which must not exist): `episodes` of `frames` frames each, spread over
 * tasks 0 … `tasks` - 1 that are
 * called `task_0` and so on, each with two recorded stages and square pictures of `size` pixels. Only what every
 * robot has: no camera poses, no
 * privileged numbers. @returns the episodes, in the data set's order
 */
export async function writeRobotDataset(
  folder: string,
  robot: Robot,
  {
    episodes = 3,
    frames = robot.horizon + 10,
    tasks = 1,
    size = 56,
    stateLength,
    stageSuccessors = {},
  }: {
    episodes?: number;
    frames?: number;
    tasks?: number;
    size?: number;
    stateLength?: number;
    stageSuccessors?: TaskSuccessors;
  } = {},
): Promise<Omit<EpisodeRecord, 'episodeIndex'>[]> {
  const writer = await DatasetWriter.create(folder, { robot, imageSize: size, stageSuccessors });
  const records = [...Array(episodes).keys()]
    .map((seed) => {
      const taskIndex = seed % tasks;
      const fake = fakeEpisode({
        ...{ robot, size, seed, taskIndex, length: frames, taskName: `task_${taskIndex}` },
        ...(stateLength !== undefined && { stateLength }),
      });
      const { cameraPoses: _, taskInfo: __, taskInfoKeys: ___, ...record } = fake;
      return record;
    })
    .sort((a, b) => a.taskIndex - b.taskIndex);
  for (const record of records) await writer.addEpisode(record);
  await writer.finish();
  return records;
}

/**
 * uint8 [size, size, 3]; its frame number t stands in the brightness of the first rows: 16 squares, as in the golden
 * videos.
 */
function fakePicture(size: number, t: number, seed: number): Uint8Array {
  const picture = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const at = (y * size + x) * 3;
      const texture = ((x * 7 + seed) ^ (y * 3)) & 15;
      picture[at] = 90 + texture + Math.floor((x * 80) / size);
      picture[at + 1] = 80 + Math.floor((y * 90) / size);
      picture[at + 2] = 70 + texture + Math.floor(((x + y) * 40) / size);
    }
  const cell = size / 8;
  for (let bit = 0; bit < 16; bit++) {
    const level = (t >> bit) & 1 ? 255 : 0;
    const [x0, y0] = [(bit % 8) * cell, Math.floor(bit / 8) * cell];
    for (let y = y0; y < y0 + cell; y++) picture.fill(level, (y * size + x0) * 3, (y * size + x0 + cell) * 3);
  }
  const [x0, y0] = [Math.floor((t * 0.4 + seed * 5) % (size - 4)), Math.floor(size * 0.6)];
  for (let y = y0; y < y0 + 3; y++) for (let x = x0; x < x0 + 3; x++) picture.set([230, 20, 40], (y * size + x) * 3);
  return picture;
}

/** The frame number that a picture of `fakePicture` or of a golden video shows. */
export function frameNumberIn(picture: Uint8Array, size: number): number {
  const cell = size / 8;
  let number = 0;
  for (let bit = 0; bit < 16; bit++) {
    const x = Math.floor(((bit % 8) + 0.5) * cell);
    const y = Math.floor((Math.floor(bit / 8) + 0.5) * cell);
    if (picture[(y * size + x) * 3]! > 127) number |= 1 << bit;
  }
  return number;
}
