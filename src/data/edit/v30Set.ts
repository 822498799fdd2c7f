import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, present, writeJsonLines } from '../../base/index.ts';
import { BEHAVIOR_TASKS } from '../../robot/index.ts';
import { type Dataset, type Info, parquetOfLines, sidePath } from '../lerobot/index.ts';
import { CellTypes } from './cellTypes.ts';
import { oldLines } from './episodeTables.ts';
import { copyIfThere, copyOtherFiles } from './setFiles.ts';
import { pooled } from './setStatistics.ts';
import { V30_LAYOUT } from './sharedFiles.ts';

/**
 * Writes what a v3.0 set holds beside its shared tables and videos: its index, and the files beside the episodes.
 * @param set the v2.1 set of the same episodes (numbered from 0); its tables and videos may be gone
 * @param places where the tables and videos of each episode are
 * @returns what a person should know, each a sentence
 */
export async function writeV30(
  set: Dataset,
  out: string,
  places: ReadonlyMap<number, Readonly<Record<string, unknown>>>,
): Promise<string[]> {
  const { root, info, episodes } = set;
  const old = await oldLines(set);
  const rows = episodes.map(({ index, length }) => {
    const { tasks, ...others } = old.episodes.get(index) ?? {};
    const cells = { episode_index: index, tasks, length, ...places.get(index) };
    const extras = Object.fromEntries(Object.entries(others).filter(([name]) => !(name in cells)));
    return { cells, extras };
  });
  for (const { index } of episodes)
    for (const kind of ['annotation_path', 'metainfo_path'] as const)
      await copyIfThere(sidePath(root, info, kind, index), sidePath(out, info, kind, index));
  await copyOtherFiles(set, out);
  const left = await writeIndex(set, out, rows, old);
  return left.map(
    (name) => `${name} of meta/episodes.jsonl is left behind: a column of v3.0 has values of one kind, no objects`,
  );
}

interface IndexRow {
  readonly cells: Readonly<Record<string, unknown>>;
  /** What the index says of the episode beyond its form. */
  readonly extras: Readonly<Record<string, unknown>>;
}

/** @returns names of what has no place in the table of episodes */
async function writeIndex(
  { info, tasks, taskRows }: Dataset,
  out: string,
  rows: readonly IndexRow[],
  old: Awaited<ReturnType<typeof oldLines>>,
): Promise<string[]> {
  const meta = join(out, 'meta');
  await makeFolder(join(meta, 'episodes', 'chunk-000'));
  const statistics = async function* () {
    for (const { cells } of rows) yield await old.stats(Number(cells['episode_index']));
  };
  const whole = async function* () {
    let i = 0;
    for await (const its of statistics()) {
      const flat = Object.entries(its).flatMap(([feature, stats]) =>
        Object.entries(stats as object).map(([key, value]) => [`stats/${feature}/${key}`, value]),
      );
      const more = { 'meta/episodes/chunk_index': 0, 'meta/episodes/file_index': 0 };
      const { cells, extras } = present(rows[i++], 'the row');
      yield { ...cells, ...extras, ...Object.fromEntries(flat), ...more };
    }
  };
  const found = new CellTypes();
  for (const { extras } of rows) for (const [name, value] of Object.entries(extras)) found.add(name, value);
  const types = found.all();
  await table(join(meta, 'episodes', 'chunk-000', 'file-000.parquet'), whole(), { types });
  // The task of row n is n for LeRobot: numbers that the set does not use get a row too.
  const last = Math.max(...tasks.keys());
  const sentence = (id: number) =>
    tasks.get(id)?.instruction ?? BEHAVIOR_TASKS[id]?.name.replaceAll('_', ' ') ?? `task ${id}, not in this set`;
  const list = Array.from({ length: last + 1 }, (_, id) => ({ task_index: id, task: sentence(id) }));
  await table(join(meta, 'tasks.parquet'), list, { metadata: { pandas: PANDAS_TASKS } });
  // Names of tasks, and which stages follow which, have no place in that table.
  const named = taskRows.map(({ index }) => old.tasks.get(index)).filter((line) => line !== undefined);
  await writeJsonLines(join(meta, 'tasks.jsonl'), named);
  await writeFile(join(meta, 'stats.json'), `${JSON.stringify(await pooled(statistics), null, 4)}\n`);
  const { total_chunks: _, total_videos: __, ...rest } = info;
  const newInfo: Info = { ...rest, codebase_version: 'v3.0', ...V30_LAYOUT, total_tasks: list.length };
  await writeFile(join(meta, 'info.json'), `${JSON.stringify(newInfo, null, 4)}\n`);
  return [...types].filter(([, type]) => type === undefined).map(([name]) => name);
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

/** Writes rows as a parquet file. A column has the type that is given (none: no column), else its first value's. */
async function table(
  path: string,
  rows: Iterable<object> | AsyncIterable<object>,
  {
    types: given = new Map(),
    metadata,
  }: {
    readonly types?: ReadonlyMap<string, string | undefined>;
    readonly metadata?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const lines = `${path}.jsonl`;
  const types: Record<string, string> = {};
  const typed = async function* () {
    for await (const row of rows) {
      for (const [name, value] of Object.entries(row)) {
        const type = given.has(name) ? given.get(name) : duckType(name, value);
        if (type !== undefined) types[name] ??= type;
      }
      yield row;
    }
  };
  await writeJsonLines(lines, typed());
  await parquetOfLines(lines, `${path}.tmp`, types, metadata);
  await rename(`${path}.tmp`, path);
  await rm(lines);
}

function duckType(name: string, value: unknown): string {
  if (Array.isArray(value)) return `${duckType(name, value[0] ?? '')}[]`;
  if (typeof value === 'string') return 'VARCHAR';
  return /timestamp$|^stats\/(?!.*\/count$)/.test(name) ? 'DOUBLE' : 'BIGINT';
}
