import { answerCalls, InputError, Transfer } from '../../base/index.ts';
import { resizeWithPad } from '../../picture/index.ts';
import { parseRobot, type Robot, type RobotRecord } from '../../robot/index.ts';
import { type Dataset, type Episode, openPlaces, requireVideo, type SetPlace, withFiles } from '../lerobot/index.ts';
import type { FrameSink } from '../video/index.ts';
import { type EpisodeNumbers, NumbersCache, readNumbers } from './episodeNumbers.ts';
import { type Decode, FrameCache, type FrameCacheSetting } from './frameCache.ts';
import type { PlannedEpisode } from './planSamples.ts';
import { type ChunkStarts, chunkAt, framesOf } from './sampling.ts';
import { SeekGaps } from './seekGaps.ts';
import type { StageLabels } from './stageLabels.ts';

/** What a worker needs once: where the pictures go, which data sets there are, and whose. */
export interface OpenRequest {
  readonly blocks: readonly SharedArrayBuffer[];
  readonly samplesPerBlock: number;
  readonly imageSize: number;
  readonly stageLabels: StageLabels;
  readonly taskNumStages: readonly number[];
  readonly robot: RobotRecord;
  readonly datasets: readonly SetPlace[];
  /** Tell of an episode whose pictures cannot be read, in place of an error. */
  readonly passUnreadable?: boolean | undefined;
  /** Keeps the pictures of videos that `read` decodes. */
  readonly frameCache?: FrameCacheSetting | undefined;
}

/** Episodes to load whole. Their pictures go into the blocks; without `pictures`, only the numbers are read. */
export interface LoadRequest {
  readonly episodes: readonly PlannedEpisode[];
  readonly pictures: boolean;
}

/** The numbers of one episode; the pictures are in the shared blocks already. */
export interface LoadedEpisode {
  /** [T, width] absolute. */
  readonly action: Float32Array;
  /** Per chunk start: [n, width] and [n, K]. */
  readonly state: Float32Array;
  readonly taskInfo: Float32Array;
  readonly taskInfoWidth: number;
  readonly stage: Uint16Array;
  /** Why its pictures cannot be read. */
  readonly unreadable?: string | undefined;
}

/** Samples of one episode, by the frames (ascending, unique) at which they begin. */
export interface ReadRequest {
  readonly dataset: number;
  readonly episode: Episode;
  readonly frames: Int32Array;
  /** All samples of the episode. */
  readonly starts: ChunkStarts;
  readonly horizon: number;
  readonly pictures: boolean;
}

/** The samples, in the order of their frames. */
export interface ReadSamples {
  /** uint8 [n, cameras, S, S, 3]; empty without pictures. */
  readonly pictures: Uint8Array;
  /** [n, width], [n, horizon, width] absolute, [n, K]. */
  readonly state: Float32Array;
  readonly actions: Float32Array;
  readonly taskInfo: Float32Array;
  readonly taskInfoWidth: number;
  readonly stage: Uint16Array;
  /** Why pictures are no longer kept on disk. */
  readonly notKept: string | undefined;
}

let setting: OpenRequest;
let robot: Robot;
let datasets: Dataset[];
let blocks: Uint8Array[];
const cache = new NumbersCache();
const gaps = new SeekGaps();
let kept: FrameCache | undefined;

answerCalls({
  async open(request: OpenRequest) {
    setting = request;
    robot = parseRobot(request.robot);
    blocks = request.blocks.map((block) => new Uint8Array(block));
    datasets = await openPlaces(request.datasets, robot);
    kept = request.frameCache && new FrameCache(request.frameCache, bytesOfPicture());
  },
  async load({ episodes, pictures }: LoadRequest) {
    const loaded: LoadedEpisode[] = [];
    for (const episode of episodes)
      loaded.push(await withPictures(episode.dataset, episode.episode, pictures, () => load(episode, pictures)));
    const buffers = loaded.flatMap(({ action, state, taskInfo, stage }) =>
      [action, state, taskInfo, stage].map((a) => a.buffer as ArrayBuffer),
    );
    return new Transfer(loaded, buffers);
  },
  async read(request: ReadRequest) {
    const { dataset, episode, pictures: wanted } = request;
    const samples = await withPictures(dataset, episode, wanted, () => read(request));
    const { pictures, state, actions, taskInfo, stage } = samples;
    return new Transfer(
      samples,
      [pictures, state, actions, taskInfo, stage].map((a) => a.buffer as ArrayBuffer),
    );
  },
});

function datasetOf(number: number): Dataset {
  const dataset = datasets[number];
  if (!dataset) throw new InputError('samples', `there is no data set ${number}.`);
  return dataset;
}

/** Has the files of an episode here, as far as they are read. */
function withPictures<T>(number: number, episode: Episode, pictures: boolean, work: () => Promise<T>): Promise<T> {
  const dataset = datasetOf(number);
  const features = pictures ? robot.cameraNames.map((camera) => dataset.cameraFeature(camera)) : [];
  return withFiles(dataset, [episode], features, work);
}

async function load(
  { dataset: number, episode, starts, firstSample }: PlannedEpisode,
  pictures: boolean,
): Promise<LoadedEpisode> {
  const dataset = datasetOf(number);
  const frames = framesOf(starts);
  const numbers = await readNumbers(dataset, episode, robot, setting);
  const { state, taskInfo, stage } = rowsAt(numbers, frames);
  const unreadable = pictures ? await readPictures(dataset, episode, frames, firstSample) : undefined;
  const { action, taskInfoWidth } = numbers;
  return { action, state, taskInfo, taskInfoWidth, stage, unreadable };
}

/**
 * Reads the pictures of an episode's samples into the blocks, where there are some.
 * @returns why they cannot be read, where that is to be told. @throws InputError where it is not
 */
async function readPictures(
  dataset: Dataset,
  episode: Episode,
  frames: Int32Array,
  firstSample: number,
): Promise<string | undefined> {
  const sampleBytes = bytesOfPicture() * robot.cameras.length;
  try {
    for (const [c, camera] of robot.cameraNames.entries()) {
      requireVideo(dataset, episode, camera);
      await dataset.eachPicture(episode, camera, Array.from(frames), (i, rgb, width, height) => {
        const sample = firstSample + i;
        const at = (sample % setting.samplesPerBlock) * sampleBytes + c * bytesOfPicture();
        blocks[Math.floor(sample / setting.samplesPerBlock)]?.set(fitted(rgb, width, height), at);
      });
    }
    return undefined;
  } catch (error) {
    if (!setting.passUnreadable || !(error instanceof InputError)) throw error;
    return error.message;
  }
}

async function read({
  dataset: number,
  episode,
  frames,
  starts,
  horizon,
  pictures,
}: ReadRequest): Promise<ReadSamples> {
  const dataset = datasetOf(number);
  const { width } = robot;
  const numbers = await cache.get(`${number} ${episode.index}`, () => readNumbers(dataset, episode, robot, setting));
  const actions = new Float32Array(frames.length * horizon * width);
  const last = numbers.action.length / width - 1;
  for (const [i, row] of frames.entries())
    actions.set(chunkAt(numbers.action, { row, last, horizon, width }), i * horizon * width);
  const cameras = robot.cameraNames;
  const sampleBytes = bytesOfPicture() * cameras.length;
  const found = new Uint8Array(pictures ? frames.length * sampleBytes : 0);
  for (const [c, camera] of pictures ? cameras.entries() : []) {
    const decode: Decode = async (wanted, put) => {
      const sink: FrameSink = (i, rgb, wide, high) => put(i, fitted(rgb, wide, high));
      const seekGap = gaps.of(dataset, episode, camera);
      return dataset.eachPicture(episode, camera, wanted, sink, { whole: false, seekGap });
    };
    const put = (i: number, picture: Uint8Array) => found.set(picture, i * sampleBytes + c * bytesOfPicture());
    const isVideo = dataset.info.features[dataset.cameraFeature(camera)]?.dtype === 'video';
    if (kept && isVideo) {
      const source = { ...dataset.video(episode, camera), fps: dataset.fps, starts };
      await kept.read(source, frames, decode, put);
    } else await decode(Array.from(frames), put);
  }
  const { taskInfoWidth } = numbers;
  return { pictures: found, actions, ...rowsAt(numbers, frames), taskInfoWidth, notKept: kept?.problem };
}

/** State, privileged numbers and stage at some frames. */
function rowsAt(numbers: EpisodeNumbers, frames: Int32Array) {
  const { width } = robot;
  const { taskInfoWidth: k } = numbers;
  const state = new Float32Array(frames.length * width);
  const taskInfo = new Float32Array(frames.length * k);
  const stage = new Uint16Array(frames.length);
  for (const [i, frame] of frames.entries()) {
    state.set(numbers.state.subarray(frame * width, (frame + 1) * width), i * width);
    taskInfo.set(numbers.taskInfo.subarray(frame * k, (frame + 1) * k), i * k);
    stage[i] = numbers.stage[frame] as number;
  }
  return { state, taskInfo, stage };
}

const bytesOfPicture = () => setting.imageSize * setting.imageSize * 3;

/** A picture in the size that the network takes. */
function fitted(data: Uint8Array, width: number, height: number): Uint8Array {
  const { imageSize } = setting;
  if (width === imageSize && height === imageSize) return data;
  return resizeWithPad({ width, height, channels: 3, data }, imageSize);
}
