import { answerCalls, InputError, Transfer } from '../../base/index.ts';
import { resizeWithPad } from '../../picture/index.ts';
import { parseRobot, type Robot, type RobotRecord, stateOf } from '../../robot/index.ts';
import { type Dataset, type Episode, openPlaces, requireVideo, type SetPlace } from '../lerobot/index.ts';
import { type StageLabels, stageLabels } from './stageLabels.ts';

/** What a worker needs once: where the pictures go, which data sets there are, and whose. */
export interface OpenRequest {
  readonly blocks: readonly SharedArrayBuffer[];
  readonly samplesPerBlock: number;
  readonly imageSize: number;
  readonly stageLabels: StageLabels;
  readonly taskNumStages: readonly number[];
  readonly robot: RobotRecord;
  readonly datasets: readonly SetPlace[];
}

/** An episode to load: its data set's place in the list, its chunk starts, and the number of its first sample. */
export interface LoadRequest {
  readonly dataset: number;
  readonly episode: Episode;
  readonly starts: Int32Array;
  readonly firstSample: number;
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
}

let setting: OpenRequest;
let robot: Robot;
let datasets: Dataset[];
let blocks: Uint8Array[];

answerCalls({
  async open(request: OpenRequest) {
    setting = request;
    robot = parseRobot(request.robot);
    blocks = request.blocks.map((block) => new Uint8Array(block));
    datasets = await openPlaces(request.datasets, robot);
  },
  async load(requests: readonly LoadRequest[]) {
    const loaded: LoadedEpisode[] = [];
    for (const request of requests) loaded.push(await load(request));
    const buffers = loaded.flatMap(({ action, state, taskInfo, stage }) =>
      [action, state, taskInfo, stage].map((a) => a.buffer as ArrayBuffer),
    );
    return new Transfer(loaded, buffers);
  },
});

async function load({ dataset: number, episode, starts, firstSample }: LoadRequest): Promise<LoadedEpisode> {
  const dataset = datasets[number];
  if (!dataset) throw new InputError('samples', `there is no data set ${number}.`);
  const where = dataset.dataPath(episode);
  const { action, state: proprioception, taskInfo: info } = await numbersOf(dataset, episode);
  const { width } = robot;
  if (action.width !== width)
    throw new InputError(where, `action has ${action.width} numbers per row (expected ${width}).`);
  const state = new Float32Array(starts.length * width);
  const taskInfo = new Float32Array(starts.length * info.width);
  for (const [i, start] of starts.entries()) {
    const row = proprioception.data.subarray(start * proprioception.width, (start + 1) * proprioception.width);
    state.set(stateOf(robot, row), i * width);
    taskInfo.set(info.data.subarray(start * info.width, (start + 1) * info.width), i * info.width);
  }
  const stage = await stageLabels(dataset, episode, starts, setting.stageLabels, setting.taskNumStages);
  for (const [c, camera] of robot.cameraNames.entries())
    await readPictures(dataset, episode, camera, c, starts, firstSample);
  return { action: Float32Array.from(action.data), state, taskInfo, taskInfoWidth: info.width, stage };
}

/** The columns of an episode. @throws InputError when they are not as long as it */
async function numbersOf(dataset: Dataset, episode: Episode) {
  const wanted = [
    'action',
    'observation.state',
    ...('observation.task_info' in dataset.info.features ? ['observation.task_info'] : []),
  ];
  const columns = await dataset.columns(episode, wanted);
  for (const [name, column] of Object.entries(columns))
    if (column.rows !== episode.length)
      throw new InputError(
        dataset.dataPath(episode),
        `${name} has ${column.rows} rows (expected ${episode.length}). Run valet data check.`,
      );
  const none = { rows: episode.length, width: 0, data: new Float32Array(0) };
  const { action = none, 'observation.state': state = none, 'observation.task_info': taskInfo = none } = columns;
  return { action, state, taskInfo };
}

/** Puts the pictures of one camera at the frames `starts` where they belong in the shared blocks. */
async function readPictures(
  dataset: Dataset,
  episode: Episode,
  camera: string,
  place: number,
  starts: Int32Array,
  firstSample: number,
): Promise<void> {
  const { imageSize, samplesPerBlock } = setting;
  const pictureBytes = imageSize * imageSize * 3;
  const sampleBytes = pictureBytes * robot.cameras.length;
  requireVideo(dataset, episode, camera);
  await dataset.eachPicture(episode, camera, Array.from(starts), (i, rgb, width, height) => {
    const sample = firstSample + i;
    const at = (sample % samplesPerBlock) * sampleBytes + place * pictureBytes;
    const same = width === imageSize && height === imageSize;
    const picture = same ? rgb : resizeWithPad({ width, height, channels: 3, data: rgb }, imageSize);
    blocks[Math.floor(sample / samplesPerBlock)]?.set(picture, at);
  });
}
