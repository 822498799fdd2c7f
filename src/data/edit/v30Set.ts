import { existsSync } from 'node:fs';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder, present } from '../../base/index.ts';
import { BEHAVIOR_TASKS } from '../../robot/index.ts';
import {
  copyParquet,
  type Dataset,
  type Episode,
  episodePaths,
  fillPath,
  type Info,
  parquetOfLines,
  sidePath,
} from '../lerobot/index.ts';
import { joinVideos, videoForm } from '../video/index.ts';
import { videoFeatures } from './copyVideos.ts';
import { oldLines } from './episodeTables.ts';
import { copyIfThere, copyOtherFiles } from './setFiles.ts';
import { pooled } from './setStatistics.ts';

/** Where v3.0 has its files, and how large they may grow; the values of LeRobot. */
const LAYOUT = {
  chunks_size: 1000,
  data_files_size_in_mb: 100,
  video_files_size_in_mb: 200,
  data_path: 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet',
  video_path: 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4',
} as const;
const MB = 1 << 20;

/** Episodes that share a file, and its place. */
interface Shared {
  readonly chunk: number;
  readonly file: number;
  readonly episodes: readonly Episode[];
}

/**
 * Writes a plain v2.1 set (episodes numbered from 0) as v3.0 into `out`: the tables and videos of many episodes in
 * shared files, without decoding. A shared file that is there already is done.
 */
export async function writeV30(set: Dataset, out: string, maxBytes?: { data?: number; video?: number }): Promise<void> {
  const { root, info, episodes } = set;
  const old = await oldLines(set);
  const paths = (episode: Episode) => episodePaths(root, info, episode.index);
  const rows = new Map<number, Record<string, unknown>>(
    episodes.map((episode) => [
      episode.index,
      { episode_index: episode.index, tasks: old.episodes.get(episode.index)?.tasks, length: episode.length },
    ]),
  );
  const note = (episode: Episode, more: object) =>
    Object.assign(present(rows.get(episode.index), 'the row of the episode'), more);

  const data = maxBytes?.data ?? LAYOUT.data_files_size_in_mb * MB;
  let frames = 0;
  for (const { chunk, file, episodes: shared } of await grouped(episodes, data, (one) => paths(one).data)) {
    const to = join(out, fillPath(LAYOUT.data_path, { chunk_index: chunk, file_index: file }));
    const sources = shared.map((one) => paths(one).data);
    await once(to, (path) => copyParquet(path, sources, (table) => `select * exclude (file_row_number) from ${table}`));
    for (const episode of shared) {
      note(episode, { 'data/chunk_index': chunk, 'data/file_index': file, dataset_from_index: frames });
      frames += episode.length;
      note(episode, { dataset_to_index: frames });
    }
  }
  for (const feature of videoFeatures({ source: set })) {
    const pathOf = (one: Episode) => present(paths(one).video(feature), 'the path of a video');
    const video = maxBytes?.video ?? LAYOUT.video_files_size_in_mb * MB;
    for (const { chunk, file, episodes: shared } of await grouped(episodes, video, pathOf, videoForm)) {
      const values = { video_key: feature, chunk_index: chunk, file_index: file };
      const pieces = shared.map((one) => ({ path: pathOf(one), startSeconds: 0, frames: one.length }));
      await once(join(out, fillPath(LAYOUT.video_path, values)), (path) => joinVideos(path, pieces, info.fps));
      let before = 0;
      for (const episode of shared) {
        const [from_timestamp, to_timestamp] = [before / info.fps, (before + episode.length) / info.fps];
        const its = { chunk_index: chunk, file_index: file, from_timestamp, to_timestamp };
        note(episode, Object.fromEntries(Object.entries(its).map(([key, v]) => [`videos/${feature}/${key}`, v])));
        before += episode.length;
      }
    }
  }
  for (const { index } of episodes)
    for (const kind of ['annotation_path', 'metainfo_path'] as const)
      await copyIfThere(sidePath(root, info, kind, index), sidePath(out, info, kind, index));
  await copyOtherFiles(set, out);
  await writeIndex(set, out, [...rows.values()], old);
}

/** Consecutive episodes whose files are together no larger than `bytes`, and of one form. */
async function grouped(
  episodes: readonly Episode[],
  bytes: number,
  path: (episode: Episode) => string,
  form: (path: string) => string = () => '',
): Promise<Shared[]> {
  const groups: { episodes: Episode[]; size: number; form: string }[] = [];
  for (const episode of episodes) {
    const { size } = await stat(path(episode));
    const its = form(path(episode));
    const last = groups.at(-1);
    if (last && last.size + size <= bytes && last.form === its) {
      last.episodes.push(episode);
      last.size += size;
    } else groups.push({ episodes: [episode], size, form: its });
  }
  const { chunks_size } = LAYOUT;
  return groups.map((group, i) => ({
    chunk: Math.floor(i / chunks_size),
    file: i % chunks_size,
    episodes: group.episodes,
  }));
}

/** Writes a file aside and renames it, unless it is there. */
async function once(path: string, write: (path: string) => Promise<void> | void): Promise<void> {
  if (existsSync(path)) return;
  await makeFolder(dirname(path));
  await write(`${path}.tmp`);
  await rename(`${path}.tmp`, path);
}

async function writeIndex(
  { info, tasks, taskRows }: Dataset,
  out: string,
  rows: readonly Record<string, unknown>[],
  old: Awaited<ReturnType<typeof oldLines>>,
): Promise<void> {
  const meta = join(out, 'meta');
  await makeFolder(join(meta, 'episodes', 'chunk-000'));
  const statistics = rows.map((row) => old.stats.get(Number(row['episode_index'])) ?? {});
  for (const [i, row] of rows.entries()) {
    const flat = Object.entries(statistics[i] ?? {}).flatMap(([feature, stats]) =>
      Object.entries(stats as object).map(([key, value]) => [`stats/${feature}/${key}`, value]),
    );
    Object.assign(row, Object.fromEntries(flat), { 'meta/episodes/chunk_index': 0, 'meta/episodes/file_index': 0 });
  }
  await table(join(meta, 'episodes', 'chunk-000', 'file-000.parquet'), rows);
  // The task of row n is n for LeRobot: numbers that the set does not use get a row too.
  const last = Math.max(...tasks.keys());
  const sentence = (id: number) =>
    tasks.get(id)?.instruction ?? BEHAVIOR_TASKS[id]?.name.replaceAll('_', ' ') ?? `task ${id}, not in this set`;
  const list = Array.from({ length: last + 1 }, (_, id) => ({ task_index: id, task: sentence(id) }));
  await table(join(meta, 'tasks.parquet'), list, { pandas: PANDAS_TASKS });
  // Names of tasks, and which stages follow which, have no place in that table.
  const named = taskRows.map(({ index }) => old.tasks.get(index)).filter((line) => line !== undefined);
  await writeFile(join(meta, 'tasks.jsonl'), named.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await writeFile(join(meta, 'stats.json'), `${JSON.stringify(pooled(statistics), null, 4)}\n`);
  const { total_chunks: _, total_videos: __, ...rest } = info;
  const newInfo: Info = { ...rest, codebase_version: 'v3.0', ...LAYOUT, total_tasks: list.length };
  await writeFile(join(meta, 'info.json'), `${JSON.stringify(newInfo, null, 4)}\n`);
}

/** Says to pandas that the sentence is the table's index, as LeRobot expects. */
const PANDAS_TASKS = JSON.stringify({
  index_columns: ['task'],
  column_indexes: [{ name: null, field_name: null, pandas_type: 'unicode', numpy_type: 'object', metadata: null }],
  columns: [
    { name: 'task_index', field_name: 'task_index', pandas_type: 'int64', numpy_type: 'int64', metadata: null },
    { name: 'task', field_name: 'task', pandas_type: 'unicode', numpy_type: 'object', metadata: null },
  ],
  creator: { library: 'pyarrow', version: '15.0.0' },
  pandas_version: '2.2.0',
});

/** Writes rows as a parquet file, each column in the type of its first value. */
async function table(path: string, rows: readonly object[], metadata?: Record<string, string>): Promise<void> {
  const lines = `${path}.jsonl`;
  const types: Record<string, string> = {};
  for (const row of rows) for (const [name, value] of Object.entries(row)) types[name] ??= duckType(name, value);
  await writeFile(lines, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await parquetOfLines(lines, `${path}.tmp`, types, metadata);
  await rename(`${path}.tmp`, path);
  await rm(lines);
}

function duckType(name: string, value: unknown): string {
  if (Array.isArray(value)) return `${duckType(name, value[0] ?? '')}[]`;
  if (typeof value === 'string') return 'VARCHAR';
  return /timestamp$|^stats\/(?!.*\/count$)/.test(name) ? 'DOUBLE' : 'BIGINT';
}
