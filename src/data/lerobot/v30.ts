import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError, parse, present } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import { decodeFrames } from '../video/index.ts';
import { cameraFeatures, featureOf } from './cameras.ts';
import type { Dataset, Episode } from './dataset.ts';
import { fillPath, type Info } from './layout.ts';
import { readColumns } from './numericColumns.ts';
import { ParquetError, parquetSchema, queryParquet } from './parquet.ts';
import { sideFiles, stagesOf } from './sideFiles.ts';

/** A row of meta/episodes, as far as it is used. */
const Row = z.looseObject({
  episode_index: z.coerce.number().int().nonnegative(),
  tasks: z.array(z.string()).default([]),
  length: z.coerce.number().int().positive(),
  'data/chunk_index': z.coerce.number().int(),
  'data/file_index': z.coerce.number().int(),
});
type Row = z.infer<typeof Row>;

/** LeRobot v3.0: many episodes per parquet file and per video, found through the tables in meta/. */
export async function openV30(root: string, info: Info, robot: Robot | undefined): Promise<Dataset> {
  const taskRows = await readTasks(join(root, 'meta', 'tasks.parquet'));
  const taskIndexOf = new Map(taskRows.map((task) => [task.instruction, task.index]));
  const features = cameraFeatures(info, robot);
  const rows = await readEpisodeRows(join(root, 'meta', 'episodes'), [...features.values()]);
  const byIndex = new Map(rows.map((row) => [row.episode_index, row]));
  if (byIndex.size !== rows.length) throw new InputError(join(root, 'meta', 'episodes'), 'lists an episode twice.');

  const dataFile = (chunk_index: number, file_index: number) =>
    join(root, fillPath(info.data_path, { chunk_index, file_index }));
  const named = (episode: Episode) => {
    const row = present(byIndex.get(episode.index), 'byIndex.get(episode.index)');
    return moved?.get(episode.index) ?? dataFile(row['data/chunk_index'], row['data/file_index']);
  };
  // The official converter names the previous file for the first episode of every later file; then the files
  // themselves are asked.
  let moved: Map<number, string> | undefined;
  const findFiles = async () => {
    moved = new Map();
    const folder = join(root, 'data');
    for (const chunk of readdirSync(folder).sort())
      for (const file of readdirSync(join(folder, chunk)).sort()) {
        if (!file.endsWith('.parquet')) continue;
        const path = join(folder, chunk, file);
        for (const row of await queryParquet(path, (table) => `select distinct episode_index as e from ${table}`))
          moved.set(Number(row['e']), path);
      }
  };
  const video = (episode: Episode, camera: string) => {
    const row = present(byIndex.get(episode.index), 'byIndex.get(episode.index)');
    const feature = featureOf(root, features, camera);
    const entry = (name: string) => {
      const value = row[`videos/${feature}/${name}`];
      if (value === undefined || value === null || !info.video_path)
        throw new InputError(root, `names no video of camera ${camera} for episode ${episode.index}.`);
      return Number(value);
    };
    const values = { video_key: feature, chunk_index: entry('chunk_index'), file_index: entry('file_index') };
    return {
      path: join(root, fillPath(present(info.video_path, 'info.video_path'), values)),
      startSeconds: entry('from_timestamp'),
    };
  };
  const dataset: Dataset = {
    root,
    format: 'v3.0',
    info,
    fps: info.fps,
    robot,
    cameras: [...features.keys()],
    cameraFeature: (camera) => featureOf(root, features, camera),
    tasks: new Map(taskRows.map((task) => [task.index, { name: undefined, instruction: task.instruction }])),
    episodes: rows.map((row) => {
      const instruction = row.tasks[0] ?? '';
      return {
        index: row.episode_index,
        taskIndex: taskIndexOf.get(instruction) ?? -1,
        instruction,
        length: row.length,
      };
    }),
    async columns(episode, names) {
      let columns = await readColumns(named(episode), names, episode);
      const empty = () => names.some((name) => columns[name].rows === 0);
      if (empty() && !moved) {
        await findFiles();
        columns = await readColumns(named(episode), names, episode);
      }
      if (empty()) throw new ParquetError(named(episode), `holds no rows of episode ${episode.index}.`);
      return columns;
    },
    columnNames: async (episode) => (await parquetSchema(named(episode))).map((column) => column.name),
    dataPath: named,
    video,
    frames(episode, camera, indices) {
      const { path, startSeconds } = video(episode, camera);
      return decodeFrames(path, indices, { fps: info.fps, startSeconds });
    },
    ...sideFiles(root, info),
    stages: (episode) => stagesOf(dataset, episode),
  };
  return dataset;
}

/** The instruction is the data frame's index; its column is called `__index_level_0__` or `task`. */
async function readTasks(path: string): Promise<{ index: number; instruction: string }[]> {
  if (!existsSync(path)) throw new InputError(path, 'is missing.');
  const rows = await queryParquet(path, (table) => `select * from ${table}`);
  return rows.map((row, position) => {
    const text = Object.entries(row).find(([name, value]) => name !== 'task_index' && typeof value === 'string');
    if (!text) throw new InputError(path, `row ${position} has no instruction.`);
    return { index: Number(row['task_index'] ?? position), instruction: text[1] as string };
  });
}

async function readEpisodeRows(folder: string, videos: readonly string[]): Promise<Row[]> {
  if (!existsSync(folder)) throw new InputError(folder, 'is missing.');
  const wanted = [
    ...Object.keys(Row.shape),
    ...videos.flatMap((feature) =>
      ['chunk_index', 'file_index', 'from_timestamp'].map((name) => `videos/${feature}/${name}`),
    ),
  ];
  const rows: Row[] = [];
  for (const chunk of readdirSync(folder).sort())
    for (const file of readdirSync(join(folder, chunk)).sort()) {
      if (!file.endsWith('.parquet')) continue;
      const path = join(folder, chunk, file);
      const columns = wanted.map((name) => `"${name}"`).join(', ');
      const read = await queryParquet(path, (table) => `select ${columns} from ${table}`);
      rows.push(...read.map((row, i) => parse(`${path}, row ${i}`, Row, row)));
    }
  return rows.sort((a, b) => a.episode_index - b.episode_index);
}
