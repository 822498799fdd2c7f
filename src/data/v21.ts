import { join } from 'node:path';
import { InputError } from '../base/index.ts';
import type { Dataset, Episode } from './dataset.ts';
import { camerasOf, EpisodeLine, episodePaths, type Info, readJsonLines, TaskLine } from './layout.ts';
import { numericColumns } from './numericColumns.ts';
import { parquetSchema } from './parquet.ts';
import { sideFiles, stagesOf } from './sideFiles.ts';
import { decodeFrames } from './video.ts';

/** LeRobot v2.1: a parquet file and a video per camera for every episode; chunk = task in the BEHAVIOR layout. */
export async function openV21(root: string, info: Info): Promise<Dataset> {
  const taskLines = await readJsonLines(join(root, 'meta', 'tasks.jsonl'), TaskLine);
  const lines = await readJsonLines(join(root, 'meta', 'episodes.jsonl'), EpisodeLine);
  const byInstruction = new Map(taskLines.map((task) => [task.task, task.task_index]));
  // The folder's number is the task where folders are called after tasks; elsewhere the sentence says it.
  const chunkIsTask = info.data_path.includes('task-{episode_chunk');
  const seen = new Set<number>();
  const episodes: Episode[] = lines.map((line, i) => {
    const index = line.episode_index;
    if (seen.has(index))
      throw new InputError(join(root, 'meta', 'episodes.jsonl'), `lists episode ${index} twice (line ${i + 1}).`);
    seen.add(index);
    const instruction = line.tasks[0] ?? '';
    const taskIndex = chunkIsTask ? Math.floor(index / info.chunks_size) : (byInstruction.get(instruction) ?? 0);
    return { index, taskIndex, instruction, length: line.length };
  });
  const paths = (episode: Episode) => episodePaths(root, info, episode.index);
  const dataset: Dataset = {
    root,
    format: 'v2.1',
    info,
    fps: info.fps,
    cameras: camerasOf(info),
    tasks: new Map(taskLines.map((task) => [task.task_index, { name: task.task_name, instruction: task.task }])),
    episodes,
    columns: (episode, names) => numericColumns(paths(episode).data, names),
    columnNames: async (episode) => (await parquetSchema(paths(episode).data)).map((column) => column.name),
    dataPath: (episode) => paths(episode).data,
    video(episode, camera) {
      const path = paths(episode).video(camera);
      if (!path) throw new InputError(root, 'has no videos (info.json names no video_path).');
      return { path, startSeconds: 0 };
    },
    frames: (episode, camera, indices) => decodeFrames(dataset.video(episode, camera).path, indices, { fps: info.fps }),
    ...sideFiles(root, info),
    stages: (episode) => stagesOf(dataset, episode),
  };
  return dataset;
}
