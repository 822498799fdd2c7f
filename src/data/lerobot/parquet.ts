import type { DuckDBConnection, DuckDBVector } from '@duckdb/node-api';
import { AbandonedError, fullError, InputError, native, present } from '../../base/index.ts';

/**
 * One column of a parquet file, row after row in one flat array: `data` is [rows, width]; whole numbers come as
 * float64.
 */
export interface Column {
  readonly rows: number;
  /** Numbers per row: 1 for a scalar column, the list's length for a list column (all rows must agree). */
  readonly width: number;
  readonly data: Float32Array | Float64Array;
}

/** A parquet file that is not what it should be. */
export class ParquetError extends InputError {
  override name = 'ParquetError';
}

/** Loaded with the first file that is read: many commands and workers need none, and it takes a quarter of a second. */
let api: typeof import('@duckdb/node-api');
let connection: Promise<DuckDBConnection> | undefined;
/**
 * One in-memory DuckDB per thread of the process, single-threaded inside: the work is spread over worker threads
 * instead. It keeps no bytes of files: of a set with many files they would fill the memory (21 KiB a file).
 */
const SETTINGS = { threads: '1', enable_external_file_cache: 'false' };
function duckdb(): Promise<DuckDBConnection> {
  connection ??= import('@duckdb/node-api').then(async (loaded) => {
    api = loaded;
    return (await api.DuckDBInstance.create(':memory:', SETTINGS)).connect();
  });
  return connection;
}

/** Has the reader ready, so that the first file takes no longer than the others. */
export async function prepareReader(): Promise<void> {
  await native(async () => (await duckdb()).run('select 1'));
}

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
/**
 * One file, whatever its path holds: DuckDB takes names for patterns, and folders like `a=1` for columns.
 * @param more options of read_parquet
 */
const table = (path: string, more = '') => tables([path], more);
const tables = (paths: readonly string[], more = '') =>
  `read_parquet([${paths.map((path) => quote(escaped(path))).join(', ')}], hive_partitioning = false${more})`;
const escaped = (path: string) => path.replace(/[[*?]/g, '[$&]');
/** The name of a column in a query. */
export const columnName = (text: string): string => `"${text.replaceAll('"', '""')}"`;

const rowsOf = (sql: string): Promise<Record<string, unknown>[]> =>
  native(async () => (await (await duckdb()).runAndReadAll(sql)).getRowObjectsJS());

/** Rows of a query as plain records (for small tables); 64-bit numbers become numbers. */
export async function queryParquet(path: string, sql: (table: string) => string): Promise<Record<string, unknown>[]> {
  try {
    return await rowsOf(sql(table(path)));
  } catch (error) {
    throw broken(path, error);
  }
}

/** The same one row after the other: those of a large table are never all here. */
export async function* eachRowOf(
  path: string,
  sql: (table: string) => string,
): AsyncGenerator<Record<string, unknown>> {
  try {
    const result = await native(async () => (await duckdb()).run(sql(table(path))));
    const batches = result.yieldRowObjectJs();
    for (;;) {
      const { done, value } = await native(() => batches.next());
      if (done) return;
      yield* value;
    }
  } catch (error) {
    throw broken(path, error);
  }
}

/**
 * Writes the rows of a query over parquet files as one parquet file.
 * @param query gets the files' rows as one table with a column `file_row_number`
 * @param metadata further words of the file's footer
 */
export async function copyParquet(
  out: string,
  paths: readonly string[],
  query: (table: string) => string,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  try {
    await rowsOf(`copy (${query(tables(paths, ', file_row_number = true'))}) to ${target(out, metadata)}`);
  } catch (error) {
    throw fullDisk(out, error) ?? broken(paths.join(', '), error);
  }
}

/** A word of a parquet file's footer, such as `huggingface`. */
export async function footerWord(path: string, key: string): Promise<string | undefined> {
  const sql = `select decode(value) as word from parquet_kv_metadata(${quote(escaped(path))})
    where decode(key) = ${quote(key)}`;
  try {
    const [row] = await rowsOf(sql);
    return row && String(row['word']);
  } catch (error) {
    throw broken(path, error);
  }
}

/** Writes JSON lines as a parquet file; `columns` are their names and DuckDB types. */
export async function parquetOfLines(
  lines: string,
  out: string,
  columns: Readonly<Record<string, string>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const types = Object.entries(columns).map(([name, type]) => `${quote(name)}: ${quote(type)}`);
  const table = `read_json(${quote(escaped(lines))}, format = 'newline_delimited', columns = {${types.join(', ')}})`;
  try {
    await rowsOf(`copy (select * from ${table}) to ${target(out, metadata)}`);
  } catch (error) {
    throw fullDisk(out, error) ?? error;
  }
}

/** DuckDB says in words what the system said. */
const fullDisk = (out: string, error: unknown): unknown =>
  /No space left on device|Disk quota exceeded/.test(String(error)) ? fullError(out, error) : undefined;

function target(out: string, metadata: Readonly<Record<string, string>>): string {
  const words = Object.entries(metadata).map(([key, value]) => `${columnName(key)}: ${quote(value)}`);
  return `${quote(out)} (format parquet${words.length > 0 ? `, kv_metadata {${words.join(', ')}}` : ''})`;
}

/** The column that numbers an episode's frames; rows need not stand in its order. */
const FRAME = 'frame_index';

const hasFrames = async (path: string): Promise<boolean> =>
  (await parquetSchema(path)).some(({ name }) => name === FRAME);

/**
 * Which rows of a file are of which episode, where an episode's rows lie together and in the order of their frames:
 * from the first of them up to the one after the last.
 */
export async function episodeRows(path: string): Promise<Map<number, { readonly from: number; readonly to: number }>> {
  try {
    const order = (await hasFrames(path))
      ? `min(${FRAME} - file_row_number) = max(${FRAME} - file_row_number)`
      : 'true';
    const sql = `select episode_index as e, min(file_row_number) as first, max(file_row_number) as last, count(*) as n,
      ${order} as ordered from ${table(path, ', file_row_number = true')} group by episode_index`;
    const found = (await rowsOf(sql)).map((row) => ({
      e: Number(row['e']),
      from: Number(row['first']),
      n: Number(row['n']),
      isRun: row['ordered'] === true && Number(row['first']) + Number(row['n']) - 1 === Number(row['last']),
    }));
    return new Map(found.filter(({ isRun }) => isRun).map(({ e, from, n }) => [e, { from, to: from + n }]));
  } catch (error) {
    throw broken(path, error);
  }
}

/** Whether the rows of a file of one episode stand in the order of their frames, as far as it numbers them. */
export async function isInOrder(path: string): Promise<boolean> {
  const sql = (file: string) => `select min(${FRAME} - n) is not distinct from max(${FRAME} - n) as ordered from
    (select ${FRAME}, row_number() over () as n from ${file})`;
  return !(await hasFrames(path)) || (await queryParquet(path, sql))[0]?.['ordered'] === true;
}

/** Names and DuckDB types of the columns, in the file's order. */
export async function parquetSchema(path: string): Promise<{ name: string; type: string }[]> {
  const rows = await queryParquet(path, (file) => `describe select * from ${file}`);
  return rows.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) }));
}

/**
 * Reads whole columns of one parquet file in any form that DuckDB knows, in the order of the frames where it numbers
 * them.
 * @param where optional SQL condition on the rows
 * @throws ParquetError when the file is damaged, a column is missing, or a list column's rows differ in length
 */
export async function queryColumns<N extends string>(
  path: string,
  columns: readonly N[],
  where?: string,
): Promise<Record<N, Column>> {
  const parts: Column[][] = columns.map(() => []);
  try {
    const order = (await hasFrames(path)) ? ` order by ${FRAME}` : '';
    const from = `${table(path)}${where ? ` where ${where}` : ''}${order}`;
    const sql = `select ${columns.map(columnName).join(', ')} from ${from}`;
    const result = await native(async () => (await duckdb()).run(sql));
    for (;;) {
      const chunk = await native(() => result.fetchChunk());
      if (!chunk || chunk.rowCount === 0) break;
      for (const [i, column] of columns.entries())
        present(parts[i], 'parts[i]').push(flatten(`${path}: ${column}`, chunk.getColumnVector(i), chunk.rowCount));
    }
  } catch (error) {
    throw broken(path, error);
  }
  return Object.fromEntries(
    columns.map((column, i) => [column, joined(`${path}: ${column}`, present(parts[i], 'parts[i]'))]),
  ) as Record<N, Column>;
}

function broken(path: string, error: unknown): Error {
  if (error instanceof ParquetError || error instanceof AbandonedError) return error;
  const message = String((error as Error).message ?? error).split('\n')[0] ?? '';
  const missing = /Referenced column "(.+)" not found/.exec(message)?.[1];
  if (missing !== undefined) return new ParquetError(path, `has no column ${missing}.`, { cause: error });
  return new ParquetError(path, `cannot be read as parquet (${message}).`, { cause: error });
}

/** Copies a vector's values out; a null becomes NaN. */
function flatten(where: string, vector: DuckDBVector, rows: number): Column {
  if (vector instanceof api.DuckDBListVector) {
    const width = rows > 0 ? vector.getEntryLength(0) : 0;
    const child = vector.childVector;
    const { validity } = vector as unknown as Flat;
    for (let row = 0; row < rows; row++) {
      // What DuckDB says of a missing list's length means nothing.
      if (validity?.data && !validity.itemValid(row))
        throw new ParquetError(where, `row ${row} is null (expected a list of numbers).`);
      const length = vector.getEntryLength(row);
      if (length !== width)
        throw new ParquetError(
          where,
          `row ${row} has ${length} numbers, row 0 has ${width}. The rows of a column must be equally long.`,
        );
    }
    const contiguous = rows === 0 || vector.getEntryOffset(rows - 1) === vector.getEntryOffset(0) + (rows - 1) * width;
    const start = rows > 0 ? vector.getEntryOffset(0) : 0;
    if (contiguous) return { data: numbers(where, child, start, rows * width), rows, width };
    const data = new Float64Array(rows * width);
    for (let row = 0; row < rows; row++)
      data.set(numbers(where, child, vector.getEntryOffset(row), width), row * width);
    return { data: isFloat32(child) ? Float32Array.from(data) : data, rows, width };
  }
  if (vector instanceof api.DuckDBArrayVector) {
    const child = (vector as unknown as { childData: DuckDBVector }).childData;
    const width = rows > 0 ? child.itemCount / vector.itemCount : 0;
    return { data: numbers(where, child, 0, rows * width), rows, width };
  }
  return { data: numbers(where, vector, 0, rows), rows, width: 1 };
}

interface Flat {
  readonly items?: ArrayLike<number | bigint>;
  readonly validity?: { itemValid(index: number): boolean; readonly data: unknown };
}
const isFloat32 = (vector: DuckDBVector) => (vector as unknown as Flat).items instanceof Float32Array;

function numbers(where: string, vector: DuckDBVector, start: number, count: number): Float32Array | Float64Array {
  const { items, validity } = vector as unknown as Flat;
  let data: Float32Array | Float64Array;
  if (items instanceof Float32Array) data = items.slice(start, start + count);
  else if (items && typeof (items[0] ?? 0) !== 'object') {
    data = new Float64Array(count);
    for (let i = 0; i < count; i++) data[i] = Number(items[start + i]);
  } else {
    data = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const value = vector.getItem(start + i);
      if (value !== null && typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'boolean')
        throw new ParquetError(where, 'does not hold numbers.');
      data[i] = value === null ? Number.NaN : Number(value);
    }
    return data;
  }
  if (validity?.data) for (let i = 0; i < count; i++) if (!validity.itemValid(start + i)) data[i] = Number.NaN;
  return data;
}

/** Parts of one column, one after the other. @throws ParquetError when their rows differ in length */
export function joined(where: string, parts: readonly Column[]): Column {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const width = first?.width ?? 0;
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const data = first?.data instanceof Float64Array ? new Float64Array(rows * width) : new Float32Array(rows * width);
  let at = 0;
  for (const part of parts) {
    if (part.width !== width)
      throw new ParquetError(
        where,
        `its rows have ${width} and ${part.width} numbers. The rows of a column must be equally long.`,
      );
    data.set(part.data, at);
    at += part.data.length;
  }
  return { rows, width, data };
}
