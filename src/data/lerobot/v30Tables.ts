import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, parse, readJsonLines } from '../../base/index.ts';
import { EpisodeRow, type EpisodeTable, TableRows, videoColumns } from './episodeTable.ts';
import { TaskLine } from './layout.ts';
import { columnName, eachRowOf, parquetSchema, queryParquet } from './parquet.ts';

/** Parquet files two folders deep, in order; what others leave there (`.DS_Store`, `._file-000.parquet`) is none. */
function parquetFiles(folder: string): string[] {
  const seen = (dir: string) =>
    readdirSync(dir, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith('.'))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (!existsSync(folder)) return [];
  return seen(folder)
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .flatMap(({ name }) => {
      const chunk = join(folder, name);
      return seen(chunk).flatMap((entry) => (entry.name.endsWith('.parquet') ? [join(chunk, entry.name)] : []));
    });
}

/** A task of the table: its sentence, its name where it has one, and all texts that mean it. */
export interface TaskRow {
  readonly index: number;
  readonly name: string | undefined;
  readonly instruction: string;
  readonly texts: readonly string[];
}

/**
 * The tasks of `meta/`. The sentence is the data frame's index (`__index_level_0__`) or the column `task`; there may be
 * others. Names may stand in a tasks.jsonl beside it.
 */
export async function readTaskTable(meta: string): Promise<TaskRow[]> {
  const path = join(meta, 'tasks.parquet');
  const beside = join(meta, 'tasks.jsonl');
  const lines = existsSync(beside) ? await readJsonLines(beside, TaskLine) : [];
  if (!existsSync(path)) {
    if (lines.length === 0) throw new InputError(path, 'is missing.');
    return lines.map(({ task_index: index, task_name: name, task }) => ({
      index,
      name,
      instruction: task,
      texts: name === undefined ? [task] : [task, name],
    }));
  }
  const rows = await queryParquet(path, (table) => `select * from ${table}`);
  return rows.map((row, position) => {
    const texts = Object.values(row).filter((value): value is string => typeof value === 'string');
    const text = ['task', '__index_level_0__', 'tasks'].map((name) => row[name]).find((one) => typeof one === 'string');
    const instruction = (text as string | undefined) ?? texts[0];
    if (instruction === undefined) throw new InputError(path, `row ${position} has no instruction.`);
    const index = Number(row['task_index'] ?? position);
    const line = lines.find((one) => one.task_index === index);
    const own = row['task_name'];
    const name = typeof own === 'string' ? own : line?.task_name;
    return { index, name, instruction, texts: line ? [...texts, line.task] : texts };
  });
}

/** All tables of episodes as one; what a table has no column of is left out. */
export async function readEpisodeTable(
  folder: string,
  videos: readonly string[],
): Promise<ReturnType<TableRows['finish']>> {
  if (!existsSync(folder)) throw new InputError(folder, 'is missing.');
  const wanted = new Set([...Object.keys(EpisodeRow.shape), ...videos.flatMap(videoColumns)]);
  const rows = new TableRows(videos);
  for (const path of parquetFiles(folder)) {
    const there = (await parquetSchema(path)).map(({ name }) => name).filter((name) => wanted.has(name));
    const columns = there.map(columnName).join(', ');
    if (columns === '') throw new InputError(path, 'is no table of episodes (it has no column episode_index).');
    let i = 0;
    for await (const row of eachRowOf(path, (table) => `select ${columns} from ${table}`))
      rows.add(parse(`${path}, row ${i++}`, EpisodeRow, row), row);
  }
  return rows.finish(folder);
}

/** Columns that say where an episode is; they are of the set that they stand in. */
const PLACES = /^(data|videos|meta\/episodes)\/|^dataset_(from|to)_index$/;

/**
 * What the tables of episodes say beyond what reading needs, episode by episode; statistics are those that `isWanted`.
 * Whole numbers are numbers; what is null is left out.
 */
export async function* episodeExtras(
  folder: string,
  isWanted: (feature: string) => boolean,
): AsyncGenerator<{ readonly index: number; readonly cells: Readonly<Record<string, unknown>> }> {
  const isExtra = (name: string) => {
    const feature = /^stats\/(.+)\/[^/]+$/.exec(name)?.[1];
    return feature === undefined ? !(name in EpisodeRow.shape || PLACES.test(name)) : isWanted(feature);
  };
  for (const path of parquetFiles(folder)) {
    const names = (await parquetSchema(path)).map(({ name }) => name).filter(isExtra);
    if (names.length === 0) continue;
    const columns = ['episode_index', ...names].map(columnName).join(', ');
    for await (const { episode_index, ...cells } of eachRowOf(path, (table) => `select ${columns} from ${table}`)) {
      const found = Object.entries(cells).filter(([, value]) => value !== null);
      yield { index: Number(episode_index), cells: Object.fromEntries(found.map(([key, v]) => [key, plain(v)])) };
    }
  }
}

const plain = (value: unknown): unknown =>
  typeof value === 'bigint' ? Number(value) : Array.isArray(value) ? value.map(plain) : value;

/** Rows of a file by its footer; undefined where that cannot be read, which whoever needs the file will say. */
const rowCount = (path: string): Promise<number | undefined> =>
  queryParquet(path, (table) => `select count(*) as n from ${table}`).then(
    (rows) => Number(rows[0]?.['n']),
    () => undefined,
  );

/**
 * Which data files hold which episodes, by asking the files: converters and mergers name others.
 * @param nominal the file of a row of the table as the index says it; undefined where it says nothing
 */
export function episodeFiles(data: string, table: EpisodeTable, nominal: (row: number) => string | undefined) {
  const ask = async (paths: readonly string[]) => {
    const found = new Map<number, string>();
    for (const path of paths)
      for (const row of await queryParquet(path, (file) => `select distinct episode_index as e from ${file}`)) {
        const episode = Number(row['e']);
        const its = table.rowOf(episode);
        if (!found.has(episode) || (its !== undefined && nominal(its) === path)) found.set(episode, path);
      }
    return found;
  };
  return {
    all: () => ask(parquetFiles(data)),
    /** The files of episodes, as far as they are in a file with other than the rows that the index says. */
    async elsewhere(): Promise<Map<number, string> | undefined> {
      const rows = new Map<string, number>();
      for (const [row, length] of table.columns.length.entries()) {
        const path = nominal(row);
        if (path !== undefined) rows.set(path, (rows.get(path) ?? 0) + length);
      }
      const odd: string[] = [];
      for (const path of parquetFiles(data)) {
        const count = await rowCount(path);
        if (count !== undefined && count !== rows.get(path)) odd.push(path);
      }
      return odd.length > 0 ? ask(odd).catch(() => undefined) : undefined;
    },
  };
}
