import { answerCalls, InputError, Transfer } from '../../base/index.ts';
import { resizeWithPad } from '../../picture/index.ts';
import { CHALLENGE_ROBOT, stageAtTime, stateOf, taskById } from '../../robot/index.ts';
import { type Dataset, openDataset } from '../lerobot/index.ts';
import { readFrames } from '../video/index.ts';

/** What a worker needs once: where the pictures go, and which data sets there are. */
export interface OpenRequest {
  readonly blocks: readonly SharedArrayBuffer[];
  readonly samplesPerBlock: number;
  readonly imageSize: number;
  readonly stageLabels: 'time' | 'skills';
  readonly datasets: readonly string[];
}

/** An episode to load: its place in the data set's list, its chunk starts, and the number of its first sample. */
export interface LoadRequest {
  readonly dataset: number;
  readonly episode: number;
  readonly starts: Int32Array;
  readonly firstSample: number;
}

/** The numbers of one episode; the pictures are in the shared blocks already. */
export interface LoadedEpisode {
  /** [T, 23] absolute. */
  readonly action: Float32Array;
  /** Per chunk start: [n, 23] and [n, K]. */
  readonly state: Float32Array;
  readonly taskInfo: Float32Array;
  readonly taskInfoWidth: number;
  readonly stage: Uint8Array;
}

let setting: OpenRequest;
let datasets: Dataset[];
let blocks: Uint8Array[];

answerCalls({
  async open(request: OpenRequest) {
    setting = request;
    blocks = request.blocks.map((block) => new Uint8Array(block));
    datasets = await Promise.all(request.datasets.map(openDataset));
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

async function load({ dataset: number, episode: place, starts, firstSample }: LoadRequest): Promise<LoadedEpisode> {
  const dataset = datasets[number]!;
  const episode = dataset.episodes[place]!;
  const { imageSize, samplesPerBlock, stageLabels } = setting;
  const pictureBytes = imageSize * imageSize * 3;
  const sampleBytes = pictureBytes * CHALLENGE_ROBOT.cameraNames.length;

  const wanted = [
    'action',
    'observation.state',
    ...('observation.task_info' in dataset.info.features ? ['observation.task_info'] : []),
  ];
  const columns = await dataset.columns(episode, wanted);
  const action = columns['action']!;
  const proprioception = columns['observation.state']!;
  const info = columns['observation.task_info'] ?? { rows: action.rows, width: 0, data: new Float32Array(0) };
  for (const [name, column] of Object.entries(columns))
    if (column.rows !== episode.length)
      throw new InputError(
        dataset.dataPath(episode),
        `${name} has ${column.rows} rows (expected ${episode.length}). Run valet data check.`,
      );
  if (action.width !== 23)
    throw new InputError(dataset.dataPath(episode), `action has ${action.width} numbers per row (expected 23).`);

  const state = new Float32Array(starts.length * 23);
  const taskInfo = new Float32Array(starts.length * info.width);
  starts.forEach((start, i) => {
    state.set(
      stateOf(
        CHALLENGE_ROBOT,
        proprioception.data.subarray(start * proprioception.width, (start + 1) * proprioception.width),
      ),
      i * 23,
    );
    taskInfo.set(info.data.subarray(start * info.width, (start + 1) * info.width), i * info.width);
  });
  const stage =
    stageLabels === 'skills' ? await skillStages(dataset, place, starts) : await timeStages(dataset, place, starts);

  CHALLENGE_ROBOT.cameraNames.forEach((camera, c) => {
    const { path, startSeconds } = dataset.video(episode, camera);
    readFrames(
      path,
      Array.from(starts),
      (i, rgb, width, height) => {
        const sample = firstSample + i;
        const block = blocks[Math.floor(sample / samplesPerBlock)]!;
        const at = (sample % samplesPerBlock) * sampleBytes + c * pictureBytes;
        const same = width === imageSize && height === imageSize;
        block.set(same ? rgb : resizeWithPad({ width, height, channels: 3, data: rgb }, imageSize), at);
      },
      { fps: dataset.fps, startSeconds },
    );
  });
  return { action: Float32Array.from(action.data), state, taskInfo, taskInfoWidth: info.width, stage };
}

/** The original's label: equal-time bins of the whole demonstration, of which the episode may be a window (`clip`). */
async function timeStages(dataset: Dataset, place: number, starts: Int32Array): Promise<Uint8Array> {
  const episode = dataset.episodes[place]!;
  const clip = (await dataset.metaInfo(episode))?.['clip'] as { start: number; fullLength: number } | undefined;
  const { numStages } = taskById(episode.taskIndex);
  return Uint8Array.from(starts, (start) =>
    stageAtTime(
      ((clip?.start ?? 0) + start) / dataset.fps,
      clip?.fullLength ?? episode.length,
      numStages,
      CHALLENGE_ROBOT.rate,
    ),
  );
}

async function skillStages(dataset: Dataset, place: number, starts: Int32Array): Promise<Uint8Array> {
  const episode = dataset.episodes[place]!;
  const stages = await dataset.stages(episode);
  if (!stages)
    throw new InputError(
      dataset.root,
      `episode ${episode.index} has no recorded stages or skills. Use stage labels by time.`,
    );
  return Uint8Array.from(starts, (start) => stages[start]!);
}
