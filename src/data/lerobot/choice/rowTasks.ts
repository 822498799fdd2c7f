import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { parquetMetadata } from 'hyparquet/src/metadata.js';
import type { Dataset, Episode } from '../dataset.ts';
import { queryParquet } from '../parquet.ts';
import { withFiles } from '../withFiles.ts';

/**
 * The task numbers in the rows of episodes, each once, by episode_index; an episode whose file is missing, damaged or
 * without the column is left out, which `check` and the readers of the other columns say.
 */
export async function rowTasks(dataset: Dataset, episodes: readonly Episode[]): Promise<Map<number, number[]>> {
  if (!dataset.remote) return rowTasksHere(dataset, episodes);
  const found = new Map<number, number[]>();
  for (let at = 0; at < episodes.length; at += FETCHED) {
    const some = episodes.slice(at, at + FETCHED);
    const here = await withFiles(dataset, some, [], () => rowTasksHere(dataset, some), { optional: true });
    for (const [index, tasks] of here) found.set(index, tasks);
  }
  return found;
}

/** Episodes whose files are fetched at the same time. */
const FETCHED = 16;

async function rowTasksHere(dataset: Dataset, episodes: readonly Episode[]): Promise<Map<number, number[]>> {
  const found = new Map<number, number[]>();
  if (dataset.format === 'v2.1') {
    for (const episode of episodes) {
      const tasks = await tasksOfFile(dataset.dataPath(episode));
      if (tasks) found.set(episode.index, tasks);
    }
    return found;
  }
  for (const path of new Set(episodes.map((episode) => dataset.dataPath(episode)))) {
    if (!existsSync(path)) continue;
    const sql = (table: string) =>
      `select distinct episode_index as e, task_index as t from ${table} where t is not null order by e, t`;
    for (const row of await queryParquet(path, sql).catch(() => [])) {
      const index = Number(row['e']);
      found.set(index, [...(found.get(index) ?? []), Number(row['t'])]);
    }
  }
  return found;
}

async function tasksOfFile(path: string): Promise<number[] | undefined> {
  if (!existsSync(path)) return undefined;
  const one = onlyTask(path);
  if (one !== undefined) return [one];
  const sql = (table: string) => `select distinct task_index as t from ${table} where t is not null order by t`;
  const rows = await queryParquet(path, sql).catch(() => []);
  return rows.length > 0 ? rows.map((row) => Number(row['t'])) : undefined;
}

/** The one number of a file's column task_index, where its footer says that there is but one: no page is read. */
function onlyTask(path: string): number | undefined {
  try {
    const tasks = new Set<number>();
    for (const group of footerOf(path).row_groups) {
      const column = group.columns.find(({ meta_data: meta }) => meta?.path_in_schema.join('.') === 'task_index');
      const { min_value: least, max_value: most } = column?.meta_data?.statistics ?? {};
      if (typeof least !== 'bigint' && typeof least !== 'number') return undefined;
      tasks.add(Number(least)).add(Number(most));
    }
    return tasks.size === 1 ? [...tasks][0] : undefined;
  } catch {
    return undefined;
  }
}

function footerOf(path: string): ReturnType<typeof parquetMetadata> {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const end = Buffer.alloc(8);
    readSync(file, end, 0, 8, size - 8);
    const footer = Buffer.alloc(Math.min(size, end.readUInt32LE(0) + 8));
    readSync(file, footer, 0, footer.length, size - footer.length);
    return parquetMetadata(footer.buffer, { geoparquet: false });
  } finally {
    closeSync(file);
  }
}
