import { join } from 'node:path';
import { eachJsonLine, InputError, readJsonLines } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import { cameraFeatures, featureOf } from './cameras.ts';
import type { CameraChoice } from './choice/cameraChoice.ts';
import type { Dataset, Episode, KnownIndex } from './dataset.ts';
import { EpisodeLine, episodePaths, type Info, TaskLine } from './layout.ts';
import { numbersFrames, readColumns } from './numericColumns.ts';
import { parquetSchema } from './parquet.ts';
import { eachPicture, picturesOf } from './pictures.ts';
import { sharedClaims } from './sharedClaims.ts';
import { sideFiles, stagesOf } from './sideFiles.ts';

/** LeRobot v2.1: a parquet file and a video per camera for every episode; chunk = task in the BEHAVIOR layout. */
export async function openV21(
  root: string,
  info: Info,
  robot: Robot | undefined,
  cameraChoice?: CameraChoice,
  known?: KnownIndex,
): Promise<Dataset> {
  const taskLines = await readJsonLines(join(root, 'meta', 'tasks.jsonl'), TaskLine);
  const episodes = known ? [] : await readEpisodes(root, info, taskLines);
  const features = cameraFeatures(info, robot, cameraChoice);
  const paths = (episode: Episode) => episodePaths(root, info, episode.index);
  const dataset: Dataset = {
    root,
    format: 'v2.1',
    info,
    fps: info.fps,
    robot,
    cameras: [...features.keys()],
    cameraFeature: (camera) => (camera in info.features ? camera : featureOf(root, features, camera)),
    tasks: new Map(
      taskLines.map(({ task_index, task_name, task, stage_successors }) => [
        task_index,
        {
          name: task_name,
          instruction: task,
          ...(stage_successors && { stageSuccessors: stage_successors }),
        },
      ]),
    ),
    taskRows: taskLines.map(({ task_index: index, task_name: name, task }) => ({
      index,
      name,
      instruction: task,
      texts: name === undefined ? [task] : [task, name],
    })),
    cameraChoice,
    episodes,
    known: {},
    columns: (episode, names) => readColumns(paths(episode).data, names, undefined, { numbered: numbersFrames(info) }),
    columnNames: async (episode) => (await parquetSchema(paths(episode).data)).map((column) => column.name),
    dataPath: (episode) => paths(episode).data,
    video(episode, camera) {
      const path = paths(episode).video(dataset.cameraFeature(camera));
      if (!path) throw new InputError(root, 'has no videos (info.json names no video_path).');
      return { path, startSeconds: 0, frames: episode.length };
    },
    frames: (episode, camera, indices) => picturesOf(dataset, episode, camera, indices),
    eachPicture: (...wanted) => eachPicture(dataset, ...wanted),
    ...sideFiles(root, info),
    stages: (episode) => stagesOf(dataset, episode),
  };
  return dataset;
}

async function readEpisodes(root: string, info: Info, taskLines: readonly TaskLine[]): Promise<Episode[]> {
  const byInstruction = new Map(taskLines.map((task) => [task.task, task.task_index]));
  const byName = new Map(taskLines.map((task) => [task.task_name, task.task_index]));
  // The folder's number is the task where folders are called after tasks; elsewhere the sentence says it.
  const chunkIsTask = info.data_path.includes('task-{episode_chunk');
  const seen = new Set<number>();
  const episodes: Episode[] = [];
  const texts = new Map<string, string>();
  const claimsOf = sharedClaims();
  const path = join(root, 'meta', 'episodes.jsonl');
  for await (const { value } of eachJsonLine(path, EpisodeLine)) {
    const { episode_index: index, length, tasks } = value;
    if (seen.has(index)) throw new InputError(path, `lists episode ${index} twice (line ${episodes.length + 1}).`);
    seen.add(index);
    const told = tasks[0] ?? '';
    // One text for all episodes that have it.
    const instruction = texts.get(told) ?? told;
    texts.set(told, instruction);
    const sentence = byInstruction.get(instruction) ?? byName.get(instruction);
    const folder = chunkIsTask ? Math.floor(index / info.chunks_size) : undefined;
    const taskIndex = folder ?? sentence ?? -1;
    episodes.push({ index, taskIndex, instruction, length, claims: claimsOf({ sentence, folder }) });
  }
  return episodes;
}
